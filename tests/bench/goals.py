"""Goals: what a figure is to be, said beside it in words; nothing ends where one is missed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure, and what it is to be.

    Attributes:
        what: is measured, in a few words.
        figure: the median where there are several rounds.
        bound: what it is to reach, or to stay under.
        least: whether it is to be `bound` at least; else it is to be under it.
        spread: smallest and largest of the rounds.
        form: how it is printed, as `format` has it.
    """

    what: str
    figure: float
    bound: float
    least: bool = False
    spread: tuple[float, float] | None = None
    form: str = ".2f"

    @property
    def met(self) -> bool:
        """Return whether the figure is as it is to be."""
        return self.figure >= self.bound if self.least else self.figure < self.bound

    @property
    def words(self) -> str:
        """Return the goal and whether it is met."""
        return (
            f"goal {'at least' if self.least else 'under'} {self.bound:{self.form}}: {'met' if self.met else 'MISSED'}"
        )

    @property
    def shown(self) -> str:
        """Return the figure, and its smallest and largest."""
        low_high = "" if self.spread is None else " [{}, {}]".format(*(f"{each:{self.form}}" for each in self.spread))
        return f"{self.figure:{self.form}}{low_high}"

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self) | {"met": self.met}


def over_rounds(values: Iterable[float]) -> tuple[float, float, float]:
    """Return median, smallest and largest."""
    each = list(values)
    return median(each), min(each), max(each)


def table(goals: Iterable[Goal]) -> str:
    """Return all goals in a row each."""
    return "\n".join(f"  {goal.what:58}{goal.shown:26}{goal.words}" for goal in goals)


def load() -> str:
    """Return how busy this machine is, in words."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
