"""Reading XML that a stranger has sent: no entities, no document types, bounded depth, size and count."""

from __future__ import annotations

from math import isfinite
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from protocols.errors import InputError

LONGEST = 64 << 20  # characters
DEEPEST = 24
MOST = 2_000_000  # elements


class RoadsError(InputError):
    """The OpenDRIVE text is none, or holds what is not supported; one line says where."""

    def __init__(self, words: str) -> None:
        """Take the words; what a map puts into them cannot break the line."""
        super().__init__(" ".join(words.split()))


def parse(text: str) -> Element:
    """Return the root of an XML text.

    Args:
        text: of at most `LONGEST` characters.

    Raises:
        RoadsError: it is no XML, or hostile.
    """
    if len(text) > LONGEST:
        raise RoadsError(f"OpenDRIVE: expected at most {LONGEST} characters, got {len(text)}")
    builder = TreeBuilder()
    depth = count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEEPEST or count > MOST:
            raise RoadsError(f"OpenDRIVE: <{name[:40]}> lies too deep, or there are more than {MOST} elements")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise RoadsError("OpenDRIVE: a document type is not supported")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        # what has come as text is in our encoding, whatever its first line says of the file it stood in
        parser.Parse(_without_declaration(text).encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise RoadsError(f"OpenDRIVE: no XML: {error}") from None
    return builder.close()


def _without_declaration(text: str) -> str:
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<?xml"):
        return text[text.find("?>") + 2 :] if "?>" in text[:400] else text
    return text


def word(element: Element, name: str, where: str, default: str | None = None) -> str:
    """Return an attribute.

    Raises:
        RoadsError: it is missing and there is no default.
    """
    found = element.get(name, default)
    if found is None:
        raise RoadsError(f"{where}: <{element.tag}> has no {name}")
    return found


def real(element: Element, name: str, where: str, default: float | None = None) -> float:
    """Return an attribute as a finite number of at most a thousand million.

    Raises:
        RoadsError: it is missing without a default, or no such number.
    """
    found = element.get(name)
    if found is None or not found.strip():
        if default is None:
            raise RoadsError(f"{where}: <{element.tag}> has no {name}")
        return default
    try:
        value = float(found)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or abs(value) > 1e9:
        raise RoadsError(f"{where}: <{element.tag} {name}>: expected a number, got '{found[:40]}'")
    return value


def whole(element: Element, name: str, where: str, default: int | None = None) -> int:
    """Return an attribute as a whole number of 32 bits.

    Raises:
        RoadsError: it is missing without a default, or no such number.
    """
    found = element.get(name)
    if found is None and default is not None:
        return default
    try:
        value = int(found or "")
    except ValueError:
        value = 1 << 40
    if not -(1 << 31) <= value < 1 << 31:
        raise RoadsError(f"{where}: <{element.tag} {name}>: expected a whole number, got '{(found or '')[:40]}'")
    return value
