"""How high the ground of a road network lies at a point: compiled, over triangles in a grid of squares and the land."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render import kernel_cache
from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.roads.land import Land

kernel_cache.choose_folder()

CELL_M = 4.0
MOST_CELLS = 4_000_000
NOWHERE = 1e9
NONE = 1 << 40
EDGE = 0.01  # share of a triangle by which it reaches too far: roads meet with rounding errors between them
PAD_M = 0.05


@numba.njit(cache=True, nogil=True)
def _look(points: Any, corners: Any, ranks: Any, grid: Any, starts: Any, items: Any, height: Any, rank: Any) -> None:
    """Write for each point the height of the best triangle over it, and its rank; what is not found stays.

    Args:
        points: `(N, 2)` metres.
        corners: `(T, 3, 3)` metres.
        ranks: `(T,)` int64; the lowest wins, the highest ground among equals.
        grid: x low, y low, side, columns, rows.
        starts: `(columns * rows + 1,)` of each square's items.
        items: numbers of triangles.
        height: `(N,)` result in metres.
        rank: `(N,)` result.
    """
    for n in range(points.shape[0]):
        x, y = points[n, 0], points[n, 1]
        i, j = np.floor((x - grid[0]) / grid[2]), np.floor((y - grid[1]) / grid[2])
        if not (0 <= i < grid[3] and 0 <= j < grid[4]):
            continue
        cell = int(j) * int(grid[3]) + int(i)
        for at in range(starts[cell], starts[cell + 1]):
            face = items[at]
            if ranks[face] > rank[n]:
                continue
            ax, ay, az = corners[face, 0]
            bx, by = corners[face, 1, 0] - ax, corners[face, 1, 1] - ay
            cx, cy = corners[face, 2, 0] - ax, corners[face, 2, 1] - ay
            area = bx * cy - by * cx
            if abs(area) < 1e-12:
                continue
            u = ((x - ax) * cy - (y - ay) * cx) / area
            v = (bx * (y - ay) - by * (x - ax)) / area
            if u < -EDGE or v < -EDGE or u + v > 1.0 + EDGE:
                continue
            z = az + u * (corners[face, 1, 2] - az) + v * (corners[face, 2, 2] - az)
            if ranks[face] < rank[n] or z > height[n]:
                height[n], rank[n] = z, ranks[face]


class Faces:
    """Hold T triangles in a grid of squares."""

    def __init__(self, corners: Floats, ranks: NDArray[np.int64]) -> None:
        """Take up triangles `(T, 3, 3)` with ranks `(T,)`."""
        self._corners = np.ascontiguousarray(corners, dtype=np.float64)
        self._ranks = np.ascontiguousarray(ranks, dtype=np.int64)
        low, high = corners[..., :2].min(axis=1) - PAD_M, corners[..., :2].max(axis=1) + PAD_M
        corner = low.min(axis=0)
        span = high.max(axis=0) - corner
        side = CELL_M / 2.0
        cells = items = MOST_CELLS + 1
        while cells > MOST_CELLS or items > MOST_CELLS + 16 * len(corners):
            side *= 2.0
            columns, rows = (int(count) for count in np.floor(span / side) + 1)
            first = np.floor((low - corner) / side).astype(np.int64)
            wide = np.floor((high - corner) / side).astype(np.int64) - first + 1
            counts = wide[:, 0] * wide[:, 1]
            cells, items = columns * rows, int(counts.sum())
        number = np.repeat(np.arange(len(counts)), counts)
        step = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
        cell = (first[number, 1] + step // wide[number, 0]) * columns + first[number, 0] + step % wide[number, 0]
        order = np.argsort(cell, kind="stable")
        self._items = number[order]
        self._starts = np.searchsorted(cell[order], np.arange(columns * rows + 1))
        self._grid = np.array([*corner, side, columns, rows], dtype=np.float64)

    def found(self, points: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Return `(N,)` heights and ranks at `(N, 2)` points; where no triangle is the rank is `NONE`."""
        height, rank = np.full(len(points), -NOWHERE), np.full(len(points), NONE, dtype=np.int64)
        _look(points, self._corners, self._ranks, self._grid, self._starts, self._items, height, rank)
        return height, rank


def covering(corners: Floats, ranks: NDArray[np.int64], points: Floats) -> NDArray[np.int64]:
    """Return `(N,)` the lowest rank of the triangles over each point `(N, 2)`."""
    return Faces(corners, ranks).found(np.ascontiguousarray(points))[1]


class Heights:
    """Answer how high the ground lies; where roads lie over one another, the upper one."""

    def __init__(self, corners: Floats, ranks: NDArray[np.int64], land: Land) -> None:
        """Take up T triangles `(T, 3, 3)` with ranks `(T,)` (0 carriageway, 1 pavement, 2 other) over the land."""
        self._faces = Faces(corners, ranks)
        self._land = land

    def __call__(self, x: float, y: float) -> float:
        """Return the height at (x, y) in metres."""
        return float(self.many(np.array([[x, y]], dtype=np.float64))[0])

    def many(self, points: Floats) -> Floats:
        """Return the `(...)` heights in metres at points `(..., 2)`."""
        flat = np.ascontiguousarray(points.reshape(-1, 2), dtype=np.float64)
        height, rank = self._faces.found(flat)
        off = rank == NONE
        if off.any():
            height[off] = self._land.at(flat[off])
        return height.reshape(points.shape[:-1])

    def carriageway(self, points: Floats) -> NDArray[np.bool_]:
        """Return `(N,)` bool: which points `(N, 2)` lie on ground for vehicles."""
        driven: NDArray[np.bool_] = self._faces.found(np.ascontiguousarray(points))[1] == 0
        return driven
