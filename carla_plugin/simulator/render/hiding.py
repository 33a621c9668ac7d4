"""Hiding: parts of a town without area for a while, so that neither pixel nor ray meets them; and dark lamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material


class Hiding:
    """Own the corners of a town's triangles, and give each part its area or take it.

    Attributes:
        hidden: the parts without area just now.
    """

    def __init__(self) -> None:
        """Start with all parts as they were built."""
        self.hidden: frozenset[int] = frozenset()
        self._built: NDArray[np.float32] | None = None

    def hide(self, parts: frozenset[int], corners: NDArray[np.float32], part: NDArray[np.uint32], first: int) -> None:
        """Let these parts, and no others, be without area.

        Args:
            parts: their numbers.
            corners: `(T, 3, 3)` float32, always of the same triangles; written.
            part: `(T,)` uint32 part of each triangle, counted from `first`.
            first: number of part 0.
        """
        if parts is self.hidden or parts == self.hidden:
            return
        if self._built is None:
            self._built = corners.copy()
        number = part.astype(np.int64) - first
        changed = np.flatnonzero(np.isin(number, np.fromiter(parts ^ self.hidden, np.int64)))
        shapes = self._built[changed]
        gone = np.isin(number[changed], np.fromiter(parts, np.int64))
        shapes[gone] = shapes[gone][:, :1]
        corners[changed] = shapes
        self.hidden = parts


class Bulbs:
    """Let the heads of street lamps glow, or not."""

    def __init__(self, heads: NDArray[np.float32], corners: NDArray[np.float32], material: NDArray[np.uint8]) -> None:
        """Find the glowing triangles of each lamp: those nearest to its head.

        Args:
            heads: `(L, 3)` float32 metres.
            corners: `(T, 3, 3)` float32 of the town's triangles.
            material: `(T,)` uint8.
        """
        self._rows = np.flatnonzero(material == Material.STREET_LAMP) if len(heads) else np.zeros(0, np.int64)
        middles = corners[self._rows].mean(axis=1)
        self._lamp = np.array([int(np.square(heads - middle).sum(axis=1).argmin()) for middle in middles], np.int64)
        self._dark: frozenset[int] = frozenset()

    def switch_off(self, dark: frozenset[int], material: NDArray[np.uint8]) -> None:
        """Let these lamps, and no others, be dark; `material` `(T,)` uint8 is written."""
        if dark != self._dark:
            off = np.isin(self._lamp, np.fromiter(dark, np.int64))
            material[self._rows] = np.where(off, np.uint8(Material.GLASS), np.uint8(Material.STREET_LAMP))
            self._dark = dark
