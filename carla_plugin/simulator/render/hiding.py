"""Hiding: parts of a town that are without area for a while, so that neither pixel nor ray meets them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Hiding:
    """Own the corners of a town's triangles, and give each part its area or take it."""

    def __init__(self) -> None:
        """Start with all parts as they were built."""
        self._hidden: frozenset[int] = frozenset()
        self._built: NDArray[np.float32] | None = None

    def hide(self, parts: frozenset[int], corners: NDArray[np.float32], part: NDArray[np.uint32], first: int) -> None:
        """Let these parts, and no others, be without area.

        Args:
            parts: their numbers.
            corners: `(T, 3, 3)` float32, always of the same triangles; written.
            part: `(T,)` uint32 part of each triangle, counted from `first`.
            first: number of part 0.
        """
        if parts is self._hidden or parts == self._hidden:
            return
        if self._built is None:
            self._built = corners.copy()
        number = part.astype(np.int64) - first
        changed = np.flatnonzero(np.isin(number, np.fromiter(parts ^ self._hidden, np.int64)))
        shapes = self._built[changed]
        gone = np.isin(number[changed], np.fromiter(parts, np.int64))
        shapes[gone] = shapes[gone][:, :1]
        corners[changed] = shapes
        self._hidden = parts
