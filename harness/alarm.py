"""The collapse alarm: it watches the margin of the first three stages, and tells noise from a fall.

The live margin is that of two random crops under two random appearances, so one value says little. The alarm compares
the mean of the newest values with the mean of the first ones, taken while the warm-up keeps the rate near 0, and
rings when the former is below half of the latter by more than two standard errors.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

STAGES = ("margin_1", "margin_2", "margin_3")
FIRST = 20
RECENT = 40
SHARE = 0.5
ERRORS = 2.0


class MarginAlarm:
    """Ring once a stage.

    Attributes:
        rung: what was said, in words, in order.
    """

    def __init__(self, first: int = FIRST, recent: int = RECENT, share: float = SHARE) -> None:
        """Set how much is averaged.

        Args:
            first: iterations whose mean is the standard.
            recent: newest iterations whose mean is compared with it.
            share: of the standard, below which it rings.
        """
        self._first, self._recent, self._share = first, recent, share
        self._standards: dict[str, list[float]] = {}
        self._newest: dict[str, deque[float]] = {}
        self.rung: list[str] = []

    def add(self, values: Mapping[str, float]) -> list[str]:
        """Note an iteration and return the warnings it gives rise to.

        Args:
            values: what the network logged; `margin_1` to `margin_3` are looked at, and may be missing.
        """
        new = []
        for stage in STAGES:
            if stage not in values or not math.isfinite(values[stage]):
                continue
            standard = self._standards.setdefault(stage, [])
            if len(standard) < self._first:
                standard.append(values[stage])
                continue
            newest = self._newest.setdefault(stage, deque(maxlen=self._recent))
            newest.append(values[stage])
            text = f"margin of {stage.replace('margin_', 'stage ')} fell below half of its first value"
            if len(newest) == self._recent and text not in self.rung and self._fallen(standard, newest):
                self.rung.append(text)
                new.append(f"{text} ({_mean(standard):.3f} -> {_mean(newest):.3f})")
        return new

    def _fallen(self, standard: list[float], newest: deque[float]) -> bool:
        slack = ERRORS * math.hypot(_error(newest), self._share * _error(standard))
        return _mean(newest) + slack < self._share * _mean(standard)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {
            "standards": self._standards,
            "newest": {stage: list(values) for stage, values in self._newest.items()},
            "rung": self.rung,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._standards = {stage: list(values) for stage, values in state["standards"].items()}
        self._newest = {stage: deque(values, maxlen=self._recent) for stage, values in state["newest"].items()}
        self.rung = list(state["rung"])


def _mean(values: Any) -> float:
    return sum(values) / len(values)


def _error(values: Any) -> float:
    """Return the standard error of the mean, as if the values were independent."""
    mean = _mean(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1) / len(values))
