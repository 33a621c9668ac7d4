"""A specification: which arms, seeds and tests an experiment has, read from a Python file and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness import training
from protocols.errors import InputError

METRICS = ("sixteen_ignore", "sixteen_strict", "nineteen")
DEFAULTS: dict[str, Any] = {"source": None, "iterations": None, "options": {}, "metric": "sixteen_ignore"}
REQUIRED = ("arms", "seeds", "tests")
TEST_KEYS = {"data", "root", "split", "size", "groups"}
ARM_KEYS = {"config", "source", "options"}
NAME = re.compile(r"\w[\w.+-]*")
"""What arms and tests may be called: they become folders and files."""


class Arm(NamedTuple):
    """What is trained, but for the seed.

    Attributes:
        name: of the arm.
        config: file, or bare name.
        source: what `carla-harness train --from` takes.
        options: KEY=VALUE changes of the config.
        iterations: None for the config's.
    """

    name: str
    config: str
    source: str
    options: list[str]
    iterations: int | None

    def made_with(self) -> dict[str, Any]:
        """Return what a run of this arm must have been made with to count as one."""
        return {
            "config": self.config,
            "options": self.options,
            "source": self.source,
            "iterations": self.iterations,
        }


def load_spec(file: Path) -> dict[str, Any]:
    """Read a specification: an mmengine config with `arms`, `seeds`, `source`, `tests`, and what is optional.

    Args:
        file: Python, as the trainer's configs.

    Raises:
        InputError: not there, or not a specification; the message says what is missing or too much.
    """
    if not file.is_file():
        raise InputError(f"{file}: expected a specification, found no such file")
    with training.silence():
        try:
            from mmengine.config import Config

            spec = DEFAULTS | Config.fromfile(str(file)).to_dict()
        except Exception as error:  # a config is code: whatever it raises is the user's
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(f"{file}: {type(error).__name__}: {first[:200]}") from None
    required = list(REQUIRED)
    if not _all_have_sources(spec.get("arms")):
        required.append("source")
    missing = [key for key in required if not spec.get(key)]
    surplus = sorted(set(spec) - {*REQUIRED, *DEFAULTS})
    if missing or surplus:
        raise InputError(
            f"{file}: expected {', '.join(required)}, and maybe {', '.join(DEFAULTS)}; "
            f"missing {', '.join(missing) or 'nothing'}, unknown {', '.join(surplus) or 'nothing'}"
        )
    if spec["metric"] not in METRICS:
        raise InputError(f"{file}: metric: expected one of {', '.join(METRICS)}, got {spec['metric']!r}")
    if len(set(spec["seeds"])) != len(spec["seeds"]) or not all(type(seed) is int for seed in spec["seeds"]):
        raise InputError(f"{file}: seeds: expected whole numbers, each once, got {spec['seeds']!r}")
    for name in [*spec["arms"], *spec["tests"]]:
        if not NAME.fullmatch(str(name)):
            raise InputError(f"{file}: expected names of letters, digits, _ . + - (they become files), got {name!r}")
    for name, arm in spec["arms"].items():
        if not isinstance(arm, str) and not (isinstance(arm, dict) and {"config"} <= set(arm) <= ARM_KEYS):
            words = f"{file}: arms.{name}: expected a config, or config and maybe source, options, got {arm!r}"
            raise InputError(words[:300])
    for name, test in spec["tests"].items():
        if not isinstance(test, dict) or not {"data", "root"} <= set(test) <= TEST_KEYS:
            words = f"{file}: tests.{name}: expected data, root, and maybe split, size, groups, got {test!r}"
            raise InputError(words[:300])
    return spec


def _all_have_sources(arms: Any) -> bool:
    return isinstance(arms, dict) and all(isinstance(arm, dict) and arm.get("source") for arm in arms.values())


def arms_of(spec: Mapping[str, Any]) -> list[Arm]:
    """Return the arms of a specification; what an arm says of its own goes before what is said for all.

    Raises:
        InputError: a config that is not there.
    """
    found = []
    for name, entry in spec["arms"].items():
        own = {"config": entry} if isinstance(entry, str) else entry
        training.find_config(own["config"])
        options = [f"{key}={value}" for key, value in {**spec["options"], **own.get("options", {})}.items()]
        found.append(Arm(name, own["config"], own.get("source") or spec["source"], options, spec["iterations"]))
    return found
