"""Swaying: the leaves of a town out of their place for a moment, in every picture, mask and shadow alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material

CALM = (0.0, 0.0)
_WAVES = (0.31, 0.23, 0.17)  # radians a metre: neighbours swing nearly together, so that nothing tears


class Swaying:
    """Own the corners of a town's leaves, and move them.

    Attributes:
        gust: metres that leaves are out of their place at most, and radians of the swing, just now.
    """

    def __init__(self, material: NDArray[np.uint8]) -> None:
        """Find the leaves.

        Args:
            material: `(T,)` uint8 of the town's triangles.
        """
        self._rows = np.flatnonzero(material == Material.FOLIAGE)
        self._calm: NDArray[np.float32] | None = None  # corners as they are without wind, while there is some
        self.gust = CALM

    def settle(self, corners: NDArray[np.float32]) -> None:
        """Put the leaves back, so that the corners may be changed in other ways; `(T, 3, 3)` float32 is written."""
        if self._calm is not None:
            corners[self._rows] = self._calm
        self._calm, self.gust = None, CALM

    def swing(self, gust: tuple[float, float], corners: NDArray[np.float32]) -> None:
        """Move the leaves out of their place; corners at one place stay at one place.

        Args:
            gust: metres at most, and radians of the swing.
            corners: `(T, 3, 3)` float32 world metres, settled; written.
        """
        metres, turn = self.gust = gust
        if metres <= 0.0:
            return
        self._calm = corners[self._rows]
        phase = self._calm.astype(np.float64) @ np.array(_WAVES) + turn
        moved = self._calm.copy()
        moved[..., 0] += (metres * np.sin(phase)).astype(np.float32)
        moved[..., 1] += (0.6 * metres * np.sin(1.7 * phase)).astype(np.float32)
        corners[self._rows] = moved
