"""The two published tables, from the scores of finished runs: A, alignment on one target; B, sources x targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.pooling import Run, check
from harness.published import ARMS, SOURCES, TARGETS
from protocols.errors import InputError

_ORDER = ("DG", "UDA", "", *ARMS, *SOURCES, *TARGETS)
"""What comes first, in pipelines, arms, sources and targets."""


class Cell(NamedTuple):
    """A figure over seeds, in percent.

    Attributes:
        mean: over seeds.
        deviation: standard deviation over seeds, with n - 1; None for one seed.
        n: how many seeds.
        best: whether no other row shows a higher mean, to one digit; False where all show the same.
    """

    mean: float
    deviation: float | None
    n: int
    best: bool = False


class Column(NamedTuple):
    """A column: a class, a mean over classes, or a target.

    Attributes:
        name: shown.
        counted: of a mean over classes: over how many it goes; None for a class.
        of: how many classes there are.
    """

    name: str
    counted: int | None = None
    of: int | None = None


class Row(NamedTuple):
    """A row; a cell is None where nothing can be said."""

    name: str
    seeds: tuple[int, ...]
    cells: tuple[Cell | None, ...]


class Table(NamedTuple):
    """A table.

    Attributes:
        letter: A or B.
        title: what it compares.
        pipeline: DG, UDA or "".
        corner: heading of the rows' names.
        columns: C of them.
        rows: each with C cells.
    """

    letter: str
    title: str
    pipeline: str
    corner: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def alignment(runs: Sequence[Run], target: str | None, metric: str) -> list[Table]:
    """Return table A for each pipeline and each source: a row per arm, IoU of each class, mIoU and mAcc.

    Args:
        runs: finished ones.
        target: name of a test; None: Cityscapes, else the first with photographs, else the first.
        metric: one of `CONVENTIONS`.

    Raises:
        InputError: no such target or convention, or runs that do not go together.
    """
    check(runs, metric)
    target = _target(runs, target)
    tables = []
    for (pipeline, _, source), group in _grouped(runs, lambda run: (run.pipeline, run.source != "Ours", run.source)):
        kept = [run for run in group if target in run.tests]
        if not kept:
            continue
        sample = kept[0].tests[target].scores[metric]
        counted = sum(value is not None for value in sample["IoU"].values())
        means = [Column(name, counted, len(sample["IoU"])) for name in ("mIoU", "mAcc")]
        columns = (*(Column(name) for name in sample["IoU"]), *means)
        rows = []
        for arm, same in _grouped(kept, lambda run: run.arm):
            found = [run.tests[target].scores[metric] for run in same]
            values = [[*each["IoU"].values(), _mean(each["IoU"]), _mean(each["Acc"])] for each in found]
            rows.append(_row(ARMS.get(arm, arm), same, [list(column) for column in zip(*values, strict=True)]))
        title = f"Alignment metrics, {source} -> {TARGETS.get(target, target)}"
        tables.append(Table("A", title, pipeline, "Alignment", columns, _bold(rows)))
    return tables


def generalization(runs: Sequence[Run], metric: str) -> list[Table]:
    """Return table B for each pipeline: a row per source (and arm, where a source has several), mIoU on each target.

    Args:
        runs: finished ones.
        metric: one of `CONVENTIONS`.

    Raises:
        InputError: no such convention, or runs that do not go together.
    """
    check(runs, metric)
    tables = []
    for pipeline, group in _grouped(runs, lambda run: run.pipeline):
        targets = sorted(dict.fromkeys(test for run in group for test in run.tests), key=_rank)
        columns = []
        for target in targets:
            sample = next(run.tests[target].scores[metric]["IoU"] for run in group if target in run.tests)
            counted = sum(value is not None for value in sample.values())
            columns.append(Column(TARGETS.get(target, target), counted, len(sample)))
        rows = []
        for source, theirs in _grouped(group, lambda run: run.source):
            arms = _grouped(theirs, lambda run: run.arm)
            for arm, same in arms:
                name = source if len(arms) == 1 else f"{source}, {ARMS.get(arm, arm)}"
                found = [
                    [_mean(run.tests[target].scores[metric]["IoU"]) for run in same if target in run.tests]
                    for target in targets
                ]
                rows.append(_row(name, same, found))
        titles = {"DG": "Domain generalization", "UDA": "Unsupervised domain adaptation"}
        tables.append(Table("B", titles.get(pipeline, "Sources"), pipeline, "Source", tuple(columns), _bold(rows)))
    return tables


def _target(runs: Sequence[Run], wanted: str | None) -> str:
    kinds = {name: test.data for run in runs for name, test in run.tests.items()}
    if wanted is not None:
        if wanted not in kinds:
            raise InputError(f"--target {wanted}: expected one of {', '.join(kinds)}")
        return wanted
    rank = {"cityscapes": 0, "recording": 2, "stream": 2}
    return min(kinds, key=lambda name: rank.get(kinds[name], 1))


def _grouped(runs: Sequence[Run], key: Callable[[Run], Any]) -> list[tuple[Any, list[Run]]]:
    """Return the runs by key, in published order where there is one, else as they come."""
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return [(name, groups[name]) for name in sorted(groups, key=_rank)]


def _rank(name: Any) -> tuple[int, ...]:
    if isinstance(name, bool):
        return (int(name),)
    if isinstance(name, tuple):
        return tuple(place for part in name for place in _rank(part))
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER),)


def _mean(values: Mapping[str, float | None]) -> float | None:
    """Return the plain mean over the classes that some label has."""
    present = [value for value in values.values() if value is not None]
    return float(np.mean(present)) if present else None


def _row(name: str, runs: Sequence[Run], values: Sequence[Sequence[float | None]]) -> Row:
    """Return a row from values in 0..1, by column, by run."""
    return Row(name, tuple(sorted(run.seed for run in runs)), tuple(_cell(column) for column in values))


def _cell(values: Sequence[float | None]) -> Cell | None:
    known = np.array([100 * value for value in values if value is not None], np.float64)
    if not len(known):
        return None
    deviation = float(known.std(ddof=1)) if len(known) > 1 else None
    return Cell(float(known.mean()), deviation, len(known))


def _bold(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Mark the best of each column, as it is shown; none where a column shows one figure alone."""
    best = []
    for column in zip(*(row.cells for row in rows), strict=True):
        shown = [round(cell.mean, 1) for cell in column if cell is not None]
        best.append(max(shown) if len(set(shown)) > 1 else None)
    return tuple(
        row._replace(
            cells=tuple(
                None if cell is None else cell._replace(best=round(cell.mean, 1) == highest)
                for cell, highest in zip(row.cells, best, strict=True)
            )
        )
        for row in rows
    )
