"""Finished runs as values, and which of them may be pooled in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.scores import CONVENTIONS
from protocols.errors import InputError


class Scored(NamedTuple):
    """What a run reached on one test.

    Attributes:
        data: kind of data, as `carla-harness evaluate --data` has it.
        images: how many.
        scores: by convention, as `harness.scores.scores` returns them, in 0..1.
    """

    data: str
    images: int
    scores: Mapping[str, Mapping[str, Any]]


class Run(NamedTuple):
    """A finished run.

    Attributes:
        arm: its name.
        seed: of the run.
        source: what it was trained on: one of `SOURCES`.
        pipeline: DG, UDA, or "" where the config's name does not say.
        place: where it was found.
        made: settings that all runs of a row must share.
        tests: by name.
    """

    arm: str
    seed: int
    source: str
    pipeline: str
    place: str
    made: Mapping[str, Any]
    tests: Mapping[str, Scored]


def check(runs: Sequence[Run], metric: str) -> None:
    """Refuse what would mix things that differ under one name.

    Args:
        runs: of all folders.
        metric: one of `CONVENTIONS`.

    Raises:
        InputError: an unknown convention; one seed twice, a row of runs made otherwise, a test that is not the same
            everywhere.
    """
    if metric not in CONVENTIONS:
        raise InputError(f"--metric {metric}: expected one of {', '.join(CONVENTIONS)}")
    seeds: dict[tuple[str, str, str, int], Run] = {}
    rows: dict[tuple[str, str, str], Run] = {}
    tests: dict[str, tuple[Run, str, list[str]]] = {}
    for run in runs:
        row = (run.pipeline, run.source, run.arm)
        twin = seeds.setdefault((*row, run.seed), run)
        if twin is not run:
            words = f"expected each arm and seed once, got {run.arm}, seed {run.seed} in {twin.place}, too"
            raise InputError(f"{run.place}: {words}")
        before = rows.setdefault(row, run)
        for key in run.made.keys() & before.made.keys():
            if run.made[key] != before.made[key]:
                raise InputError(
                    f"{run.place}: expected runs of {run.arm} made alike, got {key} {run.made[key]}, but "
                    f"{before.made[key]} in {before.place}; tabulate them apart"
                )
        for name, test in run.tests.items():
            absent = [label for label, value in test.scores[metric]["IoU"].items() if value is None]
            what = f"{test.images} images of {test.data}, {len(absent)} classes absent"
            holder, known, known_absent = tests.setdefault(name, (run, what, absent))
            if (known, known_absent) != (what, absent):
                raise InputError(
                    f"{run.place}: expected one and the same test {name} everywhere, got {what}, but {known} in "
                    f"{holder.place}"
                )
