"""Finished runs, found in the folders that `carla-harness compare` and `train` leave behind."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.pooling import Run, Scored
from harness.scores import CONVENTIONS
from protocols.errors import InputError

RIVALS = {"gta:": "GTA", "synthia:": "SYNTHIA"}
"""Beginnings of endpoints, and the source's name; everything else is ours."""
PIPELINES = {"dg": "DG", "uda": "UDA"}
"""Words of configs' names."""
SEED = re.compile(r"seed_(-?\d+)")
TOLD = 6


class Found(NamedTuple):
    """What was found.

    Attributes:
        runs: finished ones.
        left_out: the others, each with its place and why.
    """

    runs: list[Run]
    left_out: list[str]


def find(folders: Sequence[Path]) -> Found:
    """Return the runs of all folders, each run once.

    Args:
        folders: each of a comparison (`ARM/seed_N` in it), or of one run.

    Raises:
        InputError: a folder without a finished run, or a file in it that is not what its name says.
    """
    runs: dict[Path, Run] = {}
    left_out: list[str] = []
    for folder in folders:
        places = _places(folder)
        wanted = {name for place in places for name in _tests(place)}
        lacking = {}
        for place in places:
            if not (place / "report.json").is_file():
                lacking[place] = "not trained"
            elif not wanted:
                lacking[place] = "not scored"
            elif wanted - set(_tests(place)):
                lacking[place] = f"not scored on {', '.join(sorted(wanted - set(_tests(place))))}"
        whole = [place for place in places if place not in lacking]
        unfinished = [f"{place} ({why})" for place, why in lacking.items()]
        if not whole:
            raise InputError(f"{folder}: expected a finished run, found none: {'; '.join(unfinished[:TOLD])}")
        left_out += [words for words in unfinished if words not in left_out]
        runs |= {place.resolve(): _read(place) for place in whole}
    return Found(list(runs.values()), left_out)


def _places(folder: Path) -> list[Path]:
    """Return the folders of the runs in one that the user names."""
    if (folder / "report.json").is_file() or (folder / "run.json").is_file():
        return [folder]
    found = [path for path in folder.glob("*/seed_*") if path.is_dir() and SEED.fullmatch(path.name)]
    if not found:
        raise InputError(
            f"{folder}: expected a folder of `carla-harness compare`, or of one run with report.json and "
            "scores_TEST.json (carla-harness evaluate ... --json); found neither"
        )
    order = list(_json(folder / "comparison.json")["spec"]["arms"]) if (folder / "comparison.json").is_file() else []
    rank = {arm: place for place, arm in enumerate(order)}
    return sorted(found, key=lambda path: (rank.get(path.parent.name, len(rank)), path.parent.name, _seed(path)))


def _tests(place: Path) -> dict[str, Path]:
    return {file.stem.removeprefix("scores_"): file for file in sorted(place.glob("scores_*.json"))}


def _seed(place: Path) -> int:
    match = SEED.fullmatch(place.name)
    return int(match[1]) if match else 0


def _read(place: Path) -> Run:
    report, tests = _json(place / "report.json"), {}
    config = ""
    for name, file in _tests(place).items():
        found = _json(file)
        try:
            scores = found["groups"]["all"]
            tests[name] = Scored(str(found["data"]), int(scores["images"]), scores)
            if not all(isinstance(scores[convention]["IoU"], dict) for convention in CONVENTIONS):
                raise TypeError
            config = str(found["config"])
        except (KeyError, TypeError):
            raise InputError(f"{file}: expected scores as `carla-harness evaluate --json` writes them") from None
    note = place / "run.json"
    made = _json(note) if note.is_file() else {"config": config, "source": _endpoint(report.get("command", ""))}
    compared = note.is_file() and SEED.fullmatch(place.resolve().name) is not None
    words = re.split(r"[_-]", Path(made["config"]).stem)
    pipeline = next((PIPELINES[word] for word in words if word in PIPELINES), "")
    return Run(
        arm=place.resolve().parent.name if compared else "_".join(word for word in words if word not in _PLAIN),
        seed=_seed(place.resolve()) if compared else int(report["seed"]),
        source=next((name for start, name in RIVALS.items() if made["source"].startswith(start)), "Ours"),
        pipeline=pipeline,
        place=str(place),
        made={
            "config": Path(made["config"]).name.removesuffix(".py"),
            **{key: made[key] for key in ("options", "iterations") if key in made},
        },
        tests=tests,
    )


_PLAIN = {"daformer", "small", *PIPELINES}
"""Words of configs' names that are no part of an arm's."""


def _endpoint(command: str) -> str:
    """Return what a command line had after `--from`."""
    match = re.search(r"--from[ =](\S+)", command)
    return match[1] if match else ""


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: expected JSON, got: {str(error)[:120]}") from None
    if not isinstance(found, dict):
        raise InputError(f"{file}: expected a JSON object, got {type(found).__name__}")
    return found
