"""An experiment: arms x seeds, trained and scored one after the other; what is done already is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import report, training
from harness.comparison import compare, table
from harness.progress import Progress
from protocols.errors import InputError

METRICS = ("sixteen_ignore", "sixteen_strict", "nineteen")
DEFAULTS: dict[str, Any] = {"iterations": None, "options": {}, "metric": "sixteen_ignore"}
REQUIRED = ("arms", "seeds", "source", "tests")
TEST_KEYS = {"data", "root", "split", "size", "groups"}


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
    missing = [key for key in REQUIRED if not spec.get(key)]
    surplus = sorted(set(spec) - {*REQUIRED, *DEFAULTS})
    if missing or surplus:
        raise InputError(
            f"{file}: expected {', '.join(REQUIRED)}, and maybe {', '.join(DEFAULTS)}; "
            f"missing {', '.join(missing) or 'nothing'}, unknown {', '.join(surplus) or 'nothing'}"
        )
    if spec["metric"] not in METRICS:
        raise InputError(f"{file}: metric: expected one of {', '.join(METRICS)}, got {spec['metric']!r}")
    if len(set(spec["seeds"])) != len(spec["seeds"]) or not all(type(seed) is int for seed in spec["seeds"]):
        raise InputError(f"{file}: seeds: expected whole numbers, each once, got {spec['seeds']!r}")
    for name, test in spec["tests"].items():
        if not isinstance(test, dict) or not {"data", "root"} <= set(test) <= TEST_KEYS:
            words = f"{file}: tests.{name}: expected data, root, and maybe split, size, groups, got {test!r}"
            raise InputError(words[:300])
    return spec


def run(file: Path, out: Path, told: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Train and score whatever is not done yet, print the table, and return all values.

    Args:
        file: the specification.
        out: folder of the results; the same one again goes on where it was left.
        told: whether to write a checkpoint and leave.

    Raises:
        ManyskiesError: anything a user can meet.
    """
    spec, progress = load_spec(file), Progress()
    for name in spec["arms"].values():
        training.find_config(name)
    results: dict[str, dict[str, dict[int, float]]] = {name: {} for name in spec["tests"]}
    for seed in spec["seeds"]:  # all arms of a seed, then the next: a table of fewer seeds is whole at any time
        for arm, config in spec["arms"].items():
            found = _one(spec, config, seed, out / arm / f"seed_{seed}", progress, told)
            for test, value in found.items():
                results[test].setdefault(arm, {})[seed] = value
    lines = table(results)
    for line in lines:
        progress.say(line)
    values = {
        "spec": spec,
        "scores": results,
        "differences": {
            test: {arm: found._asdict() for arm, found in compare(scores).items()} for test, scores in results.items()
        },
        "table": lines,
        "versions": report.versions(),
        "command": report.command(),
    }
    report.write_json(out / "comparison.json", values)
    (out / "comparison.txt").write_text("\n".join(lines) + "\n")
    return values


def _one(
    spec: Mapping[str, Any], config: str, seed: int, folder: Path, progress: Progress, told: Callable[[], bool]
) -> dict[str, float]:
    """Train and score one arm with one seed; return its score on each test."""
    options = [f"{key}={value}" for key, value in spec["options"].items()]
    made_with = {"config": config, "options": options} | {key: spec[key] for key in ("source", "iterations")}
    _same_as_before(folder, made_with)
    if not (folder / "report.json").exists():
        progress.say(f"{folder.parent.name}, seed {seed}: training")
        training.train(
            config,
            endpoint=spec["source"],
            work_dir=folder,
            seed=seed,
            iterations=spec["iterations"],
            options=options,
            resume=any((folder / "checkpoints").glob("checkpoint_*.pth")),
            told=told,
        )
    found = {}
    for name, test in spec["tests"].items():
        file = folder / f"scores_{name}.json"
        if not file.exists():
            from harness.scoring import score

            progress.say(f"{folder.parent.name}, seed {seed}: scoring on {name}")
            score(config, folder / "weights.pth", **test, json=file, options=options, quiet=True)
        value = json.loads(file.read_text())["groups"]["all"][spec["metric"]]["mIoU"]
        if value is None:
            raise InputError(f"{file}: expected labels of at least one class, got none")
        found[name] = value
    return found


def _same_as_before(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Note what a run is made with; refuse to mix it with one made otherwise."""
    note = folder / "run.json"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        report.write_json(note, wanted)
    before = json.loads(note.read_text())
    other = [key for key in wanted if before.get(key) != wanted[key]]
    if other:
        shown = "; ".join(f"{key}: {before.get(key)} then, {wanted[key]} now" for key in other)
        raise InputError(f"{folder}: expected a run of the same specification, got {shown}"[:300])
