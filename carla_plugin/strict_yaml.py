"""YAML without surprises: what YAML 1.1 passes silently is refused or mended, and every value knows its line.

Refused: duplicate keys, anchors and aliases (bombs), `010`, `1:30`, `.nan`, `.inf`, yes/no/on/off, tags, second
documents. Mended: `1e-3`, which PyYAML reads as a string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from protocols.errors import InputError

DEPTH_LIMIT = 12
NODE_LIMIT = 20_000

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
_NUMBER_LIKE = re.compile(r"[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*|[0-9]+(:[0-9]+)+(\.[0-9]*)?)$")
_UNDEFINED = re.compile(r"[-+]?\.(nan|inf)$", re.IGNORECASE)
_OLD_BOOL = re.compile(r"(yes|no|on|off|y|n)$", re.IGNORECASE)

Place = tuple[str | int, ...]


class ScenarioError(InputError):
    """A scenario file is not what was expected; the message names file, line and key."""


@dataclass(frozen=True)
class Document:
    """Hold the plain value of a YAML file, and the line of each key and item."""

    label: str
    value: Any
    lines: dict[Place, int]
    text: list[str]

    def at(self, place: Place) -> Any:
        """Return the value at a place, or None when there is none."""
        value = self.value
        for key in place:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def fault(self, place: Place, message: str) -> ScenarioError:
        """Return the error for a place: `file:line: key: message`, and the line itself."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        return fault(self.label, self.text, self.lines.get(known, 0), dotted(place), message)


def dotted(place: Place) -> str:
    """Return a place as users write it: `traffic.cars`, `appearances[2]`."""
    text = ""
    for key in place:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def fault(label: str, text: list[str], line: int, name: str, message: str) -> ScenarioError:
    """Return an error of two lines; `line` counts from 0."""
    quoted = text[line].strip()[:160] if line < len(text) else ""
    prefix = f"{name}: " if name else ""
    return ScenarioError(f"{label}:{line + 1}: {prefix}{message}" + (f"\n    {quoted}" if quoted else ""))


def read_yaml(text: str, label: str) -> Document:
    """Read one YAML mapping.

    Args:
        text: the file's text.
        label: the file's name for messages.

    Raises:
        ScenarioError: not YAML, not a mapping, or anything that this module refuses.
    """
    lines = text.splitlines()
    try:
        _refuse_bombs(text, label, lines)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = mark.line if mark else 0
        raise fault(label, lines, min(where, max(0, len(lines) - 1)), "", f"not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        where = text.count("\n", 0, error.position)
        raise fault(label, [], where, "", f"expected YAML text, got the character #x{error.character:04x}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ScenarioError(f"{label}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "an empty file" if node is None else "one value"
        raise fault(label, lines, 0, "", f"expected a mapping of keys such as seed and town, got {kind}")
    places: dict[Place, int] = {}
    value = _plain(node, (), places, label, lines)
    return Document(label, value, places, lines)


def _refuse_bombs(text: str, label: str, lines: list[str]) -> None:
    """Read the events only, so that nothing deep or self-referring is ever built."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = event.start_mark.line if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise fault(label, lines, line, "", "expected no anchors and aliases; write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if documents > 1:
            raise fault(label, lines, line, "", "expected one document, got a second")
        if depth > DEPTH_LIMIT or count > NODE_LIMIT:
            raise fault(
                label, lines, line, "", f"expected at most {DEPTH_LIMIT} levels and {NODE_LIMIT} values, got more"
            )


def _plain(node: yaml.Node, place: Place, places: dict[Place, int], label: str, lines: list[str]) -> Any:
    """Return the plain value of a node, noting lines."""
    line = node.start_mark.line
    if node.tag.startswith("!") or node.tag.startswith("tag:yaml.org,2002:python/"):
        raise fault(label, lines, line, dotted(place), f"expected a plain value, got one with the tag {node.tag}")
    places.setdefault(place, line)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line
            if not isinstance(key_node, yaml.ScalarNode):
                raise fault(label, lines, key_line, dotted(place), "expected a plain word as key")
            key = str(key_node.value)
            inner = (*place, key)
            if key in mapping:
                first = f"expected each key once, got it again, first on line {places[inner] + 1}"
                raise fault(label, lines, key_line, dotted(inner), first)
            places[inner] = key_line
            mapping[key] = _plain(value_node, inner, places, label, lines)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, number), places, label, lines) for number, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)  # YAML has no fourth kind
    return _scalar(node, place, label, lines)


def _scalar(node: yaml.ScalarNode, place: Place, label: str, lines: list[str]) -> Any:
    text = str(node.value)
    line = node.start_mark.line
    if node.style is not None:  # quoted: a string whatever it looks like
        return text
    if text in ("true", "True", "false", "False"):
        return text.lower() == "true"
    if text in ("", "~", "null", "Null"):
        return None
    if _INT.match(text):
        return int(text) if len(text) < 40 else float(text)
    if _FLOAT.match(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise fault(label, lines, line, dotted(place), f"expected a finite number, got {text}")
        return number
    if _UNDEFINED.match(text):
        raise fault(label, lines, line, dotted(place), f"expected a finite number, got {text}")
    if _NUMBER_LIKE.match(text):
        raise fault(
            label, lines, line, dotted(place),
            f"expected a plain decimal number, got {text}, which YAML reads otherwise; quote it if a word is meant",
        )  # fmt: skip
    if _OLD_BOOL.match(text):
        raise fault(label, lines, line, dotted(place), f"expected true or false, or a quoted word, got {text}")
    return text
