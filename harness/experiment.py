"""An experiment: arms x seeds, trained and scored, one after the other or spread; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import report, training
from harness.comparison import compare, table
from harness.occupied import occupied
from harness.progress import Progress
from harness.specification import Arm, arms_of, load_spec
from harness.spread import Task, spread
from protocols.errors import InputError

ADDRESSES = ("tcp://", "ipc://", "local")
"""Beginnings of sources that a run listens at: one run at a time, and somebody must send there."""


def run(
    file: Path,
    out: Path,
    told: Callable[[], bool] = lambda: False,
    *,
    workers: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Train and score whatever is not done yet, print the table, and return all values.

    Args:
        file: the specification.
        out: folder of the results; the same one again goes on where it was left.
        told: whether to write a checkpoint and leave.
        workers: processes that share the runs out, each by the environment variables it adds; none: in this process.

    Raises:
        ManyskiesError: anything a user can meet.
    """
    spec, progress = load_spec(file), Progress()
    arms = arms_of(spec)
    if workers:
        spread(_tasks(file, spec, arms, out), workers, progress, told)
    results: dict[str, dict[str, dict[int, float]]] = {name: {} for name in spec["tests"]}
    for seed in spec["seeds"]:  # all arms of a seed, then the next: a table of fewer seeds is whole at any time
        for arm in arms:
            found = _one(spec, arm, seed, _folder(out, arm, seed), progress, told)
            for test, value in found.items():
                results[test].setdefault(arm.name, {})[seed] = value
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
    progress.say(f"see {out}/comparison.json; IoU by class, beside what was published: carla-harness table {out}")
    return values


def run_one(file: Path, out: Path, name: str, seed: int, told: Callable[[], bool] = lambda: False) -> dict[str, float]:
    """Train and score one arm with one seed, as far as that is not done yet; return its score on each test.

    Args:
        file: the specification.
        out: folder of the results of all.
        name: of the arm.
        seed: of the run.
        told: whether to write a checkpoint and leave.

    Raises:
        ManyskiesError: anything a user can meet.
    """
    spec = load_spec(file)
    arms = {arm.name: arm for arm in arms_of(spec)}
    if name not in arms or seed not in spec["seeds"]:
        known = f"{', '.join(arms)} with one of the seeds {', '.join(map(str, spec['seeds']))}"
        raise InputError(f"--only {name}:{seed}: expected {known}")
    return _one(spec, arms[name], seed, _folder(out, arms[name], seed), Progress(), told)


def _folder(out: Path, arm: Arm, seed: int) -> Path:
    return out / arm.name / f"seed_{seed}"


def _tasks(file: Path, spec: Mapping[str, Any], arms: Sequence[Arm], out: Path) -> list[Task]:
    """Return what is left to do, in the order of the serial way, each as a command of its own.

    Raises:
        InputError: runs made otherwise stand in the way, or a source that one run has to itself.
    """
    tasks = []
    for seed in spec["seeds"]:
        for arm in arms:
            folder = _folder(out, arm, seed)
            _same_as_before(folder, arm.made_with())
            if arm.source.startswith(ADDRESSES):
                raise InputError(
                    f"{arm.name}: expected a source that several runs can read at once (file:PATH of a recording, or a "
                    f"data set), got {arm.source}, where one run listens: leave --jobs and --gpus out"
                )
            wanted = ["report.json", *(f"scores_{test}.json" for test in spec["tests"])]
            if not all((folder / name).exists() for name in wanted):
                command = ["compare", str(file), "--out", str(out), "--only", f"{arm.name}:{seed}"]
                tasks.append(Task(f"{arm.name}, seed {seed}", [*command, "--stay-with-stdin"], folder / "run.log"))
    return tasks


def _one(
    spec: Mapping[str, Any], arm: Arm, seed: int, folder: Path, progress: Progress, told: Callable[[], bool]
) -> dict[str, float]:
    """Train and score one arm with one seed; return its score on each test."""
    _same_as_before(folder, arm.made_with())
    folder.mkdir(parents=True, exist_ok=True)
    with occupied(folder, told):
        if not (folder / "run.json").exists():
            report.write_json(folder / "run.json", arm.made_with())
        if not (folder / "report.json").exists():
            progress.say(f"{arm.name}, seed {seed}: training")
            training.train(
                arm.config,
                endpoint=arm.source,
                work_dir=folder,
                seed=seed,
                iterations=arm.iterations,
                options=arm.options,
                resume=any((folder / "checkpoints").glob("checkpoint_*.pth")),
                told=told,
            )
        return {name: _score(spec, arm, seed, folder, name, progress, told) for name in spec["tests"]}


def _score(
    spec: Mapping[str, Any],
    arm: Arm,
    seed: int,
    folder: Path,
    test: str,
    progress: Progress,
    told: Callable[[], bool],
) -> float:
    """Score a trained run on one test, unless that is done; return its mean IoU."""
    file = folder / f"scores_{test}.json"
    if not file.exists():
        from harness.scoring import score

        progress.say(f"{arm.name}, seed {seed}: scoring on {test}")
        where = spec["tests"][test]
        score(arm.config, folder / "weights.pth", **where, json=file, options=arm.options, quiet=True, told=told)
    value = json.loads(file.read_text())["groups"]["all"][spec["metric"]]["mIoU"]
    if value is None:
        raise InputError(f"{file}: expected labels of at least one class, got none")
    return float(value)


def _same_as_before(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse to mix a run with one that was made otherwise."""
    note = folder / "run.json"
    before = json.loads(note.read_text()) if note.exists() else wanted
    other = [key for key in wanted if before.get(key) != wanted[key]]
    if other:
        shown = "; ".join(f"{key}: {before.get(key)} then, {wanted[key]} now" for key in other)
        raise InputError(f"{folder}: expected a run of the same specification, got {shown}"[:300])
