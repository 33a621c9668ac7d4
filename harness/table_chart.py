"""The tables as bars: ours above, with standard deviations over seeds, and the published ones below, hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.published import ARMS, CITATION, SOURCES
from harness.table_text import PUBLISHED, heading, title
from harness.tables import Table

COLOURS = {
    **dict(zip((name.lower() for name in ARMS.values()), ("0.55", "tab:blue", "tab:orange", "tab:green"), strict=True)),
    **dict(zip((name.lower() for name in SOURCES), ("tab:purple", "tab:olive", "tab:green"), strict=True)),
}
"""Of the rows that are published, in all panels."""
OTHERS = ("tab:red", "tab:cyan", "tab:brown", "tab:pink", "gold", "navy", "lime", "black")
GROUP = 0.84
"""Share of a column's place that its bars take."""
GAP = 0.4
"""Between classes and means, in places of a column."""


def draw(file: Path, letter: str, tables: Sequence[Table], metric: str) -> None:
    """Draw all tables of a letter, one below the other, and the published one last.

    Args:
        file: PNG to write.
        letter: A or B.
        tables: ours; those of other letters are left out.
        metric: the convention they go by.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ours = [table for table in tables if table.letter == letter]
    size = (16.0, 3.6 * (len(ours) + 1)) if letter == "A" else (9.0, 3.2 * (len(ours) + 1))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(ours) + 1, 1, squeeze=False)[:, 0]
    for axes, table in zip(panels, ours, strict=False):
        bars = {
            row.name: [(cell.mean, cell.deviation or 0.0) if cell else (np.nan, 0.0) for cell in row.cells]
            for row in table.rows
        }
        _bars(axes, [heading(column) for column in table.columns], bars)
        seeds = {len(row.seeds) for row in table.rows}
        count = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
        spread = f"mean and sd over {count} seeds" if max(seeds) > 1 else "one seed"
        axes.set_title(f"{title(table)}: measured, {spread}, {metric}", loc="left", fontsize=11)
    name, _, columns, rows = PUBLISHED[letter]
    bars = {row: [(value, 0.0) for value in found] for row, found in rows.items()}
    _bars(panels[-1], list(columns), bars, hatch="///")
    panels[-1].set_title(
        f"PUBLISHED figures, not measured here ({CITATION}): {name}", loc="left", fontsize=11, style="italic"
    )
    panels[-1].set_facecolor("0.96")
    figure.savefig(file, dpi=100)


def _bars(
    axes: Any, columns: Sequence[str], rows: Mapping[str, Sequence[tuple[float, float]]], hatch: str = ""
) -> None:
    """Draw a group of bars for each column, a bar for each row; means over classes stand apart."""
    width = GROUP / len(rows)
    spare = iter(OTHERS * (1 + len(rows) // len(OTHERS)))
    means = [column.startswith(("mIoU", "mAcc")) for column in columns]
    places = np.arange(len(columns)) + GAP * np.array(means)
    for number, (name, values) in enumerate(rows.items()):
        x = places - GROUP / 2 + (number + 0.5) * width
        heights, errors = np.array(values, np.float64).T
        label, mean = name, means.index(True) if any(means) else 0
        if any(means) and np.isfinite(heights[mean]):
            label += f"\n   mIoU {heights[mean]:.1f}" + (f" ± {errors[mean]:.1f}" if errors.any() else "")
        axes.bar(
            x,
            heights,
            0.92 * width,
            yerr=errors if errors.any() else None,
            error_kw={"elinewidth": 1, "capsize": 2},
            label=label,
            color=COLOURS.get(name.rpartition(", ")[2].lower()) or next(spare),
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
        )
        for where, height, error in zip(x, heights, errors, strict=True):
            if np.isfinite(height) and not any(means):
                axes.text(where, height + error + 1, f"{height:.1f}", ha="center", va="bottom", fontsize=8)
    for place, column in zip(places, zip(*rows.values(), strict=True), strict=True):
        if not any(np.isfinite(height) for height, _ in column):
            axes.text(place, 1.5, "no label", ha="center", va="bottom", fontsize=8, color="0.6")
    if any(means):
        axes.axvline(places[means.index(True)] - 0.5 - GAP / 2, color="0.7", linewidth=0.8)
    axes.set_xticks(places, [_folded(column) for column in columns], fontsize=9)
    axes.set_xlim(-0.6, places[-1] + 0.6)
    axes.set_ylim(0, 104)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("percent")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _folded(name: str) -> str:
    return name.replace(" (", "\n(").replace("traffic ", "traffic\n")
