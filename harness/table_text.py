"""The tables as Markdown and as JSON, ours and, beside them and marked as such, the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.published import ALIGNMENT, ALIGNMENT_COLUMNS, CITATION, GENERALIZATION, PAPER, TARGETS
from harness.tables import Cell, Column, Row, Table

NONE = "-"
PUBLISHED = {
    "A": ("Alignment metrics, Ours -> Cityscapes", "Alignment", ALIGNMENT_COLUMNS, ALIGNMENT),
    "B": ("Domain generalization (mIoU)", "Source", tuple(TARGETS.values()), GENERALIZATION),
}
TOLD = 6


def markdown(tables: Sequence[Table], metric: str, left_out: Sequence[str] = ()) -> list[str]:
    """Return the lines of all tables: those of letter A, the published one, those of B, the published one.

    Args:
        tables: ours.
        metric: the convention they go by.
        left_out: runs that are not in them, and why.
    """
    lines = []
    for letter in PUBLISHED:
        for table in tables:
            if table.letter == letter:
                lines += _ours(table, metric)
        lines += _published(letter)
    if left_out:
        more = f" and {len(left_out) - TOLD} more" if len(left_out) > TOLD else ""
        lines += [f"Unfinished, left out: {'; '.join(left_out[:TOLD])}{more}."]
    return lines


def heading(column: Column) -> str:
    """Return what stands above a column; where a mean goes over fewer classes than there are, it says so."""
    short = column.counted is not None and column.counted != column.of
    return f"{column.name} ({column.counted} of {column.of})" if short else column.name


def title(table: Table) -> str:
    """Return the whole title of a table of ours."""
    if table.letter == "B":
        return f"Table B. {table.title} (mIoU)"
    return f"Table A. {table.title}" + (f", {table.pipeline}" if table.pipeline else "")


def _ours(table: Table, metric: str) -> list[str]:
    what = "IoU of each class, mIoU and mAcc" if table.letter == "A" else "mIoU"
    notes = [f"{what} in percent, by `{metric}`: {_over(table.rows)}."]
    absent = any(column.counted not in (None, column.of) for column in table.columns)
    if absent:
        notes.append("A class that is in no label of a target has no score; means say over how many classes they go.")
    if any(cell is not None and cell.best for row in table.rows for cell in row.cells):
        notes.append("Bold: best of its column.")
    body = [[row.name, *(_cell(cell, row) for cell in row.cells)] for row in table.rows]
    head = [table.corner, *(heading(column) for column in table.columns)]
    return [f"## {title(table)}", "", " ".join(notes), "", *_grid(head, body), ""]


def _over(rows: Sequence[Row]) -> str:
    """Say over which seeds the rows go."""
    seeds = {row.seeds for row in rows}
    if len(seeds) > 1:
        each = "; ".join(f"{row.name} {', '.join(map(str, row.seeds))}" for row in rows)
        return f"mean ± sd (n - 1) over seeds ({each})"
    (only,) = seeds
    if len(only) == 1:
        return f"one run, seed {only[0]}"
    return f"mean ± sd (n - 1) over seeds {', '.join(map(str, only))}"


def _cell(cell: Cell | None, row: Row) -> str:
    if cell is None:
        return NONE
    text = f"{cell.mean:.1f}" + ("" if cell.deviation is None else f" ± {cell.deviation:.1f}")
    fewer = f" (n = {cell.n})" if cell.n != len(row.seeds) else ""
    return (f"**{text}**" if cell.best else text) + fewer


def _published(letter: str) -> list[str]:
    name, corner, columns, rows = PUBLISHED[letter]
    body = [[row, *(f"{value:.1f}" for value in values)] for row, values in rows.items()]
    return [
        f"### Published, not measured here: {name}",
        "",
        f"Figures of {CITATION} ({PAPER}), in percent.",
        "",
        *_grid([corner, *columns], body),
        "",
    ]


def _grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [[cell.replace("|", "\\|") for cell in row] for row in [head, *body]]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def values(tables: Sequence[Table], metric: str, places: Sequence[str], left_out: Sequence[str]) -> dict[str, Any]:
    """Return everything as JSON has it: figures in percent, unrounded; ours and the published ones apart.

    Args:
        tables: ours.
        metric: the convention they go by.
        places: of the runs that are in them.
        left_out: runs that are not in them, and why.
    """
    return {
        "unit": "percent",
        "metric": metric,
        "tables": [_as_json(table) for table in tables],
        "published": {"source": CITATION, "paper": PAPER, **{letter: _published_json(letter) for letter in PUBLISHED}},
        "runs": list(places),
        "left_out": list(left_out),
    }


def _as_json(table: Table) -> dict[str, Any]:
    counted = {column.name: [column.counted, column.of] for column in table.columns if column.counted is not None}
    rows = []
    for row in table.rows:
        names = [column.name for column in table.columns]
        cells = {name: cell and cell._asdict() for name, cell in zip(names, row.cells, strict=True)}
        rows.append({"name": row.name, "seeds": list(row.seeds), "cells": cells})
    kept = {"table": table.letter, "title": title(table), "pipeline": table.pipeline}
    return {**kept, "classes_counted": counted, "rows": rows}


def _published_json(letter: str) -> Mapping[str, Any]:
    name, _, columns, rows = PUBLISHED[letter]
    return {"title": name, **{row: dict(zip(columns, found, strict=True)) for row, found in rows.items()}}
