"""The land around roads: level where the roads are, else a carpet that hangs just below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.roads.curves import Floats

FAR = 1200.0  # metres of land around the roads
NEAR = 60.0  # metres around them over which it follows their heights
BELOW = 0.06  # metres below the lowest road above it
FINE, MOST = 4.0, 280  # least side of its squares in metres, most of them along an axis


@dataclass(frozen=True, eq=False)
class Land:
    """Heights on a grid of lines, even but for the outermost ones.

    Attributes:
        x: `(C,)` metres, ascending.
        y: `(R,)`.
        z: `(C, R)` metres.
    """

    x: Floats
    y: Floats
    z: Floats

    def at(self, points: Floats) -> Floats:
        """Return `(N,)` heights at `(N, 2)` points."""
        i = np.clip(np.searchsorted(self.x, points[:, 0]) - 1, 0, len(self.x) - 2)
        j = np.clip(np.searchsorted(self.y, points[:, 1]) - 1, 0, len(self.y) - 2)
        u = np.clip((points[:, 0] - self.x[i]) / (self.x[i + 1] - self.x[i]), 0.0, 1.0)
        v = np.clip((points[:, 1] - self.y[j]) / (self.y[j + 1] - self.y[j]), 0.0, 1.0)
        # the same two triangles that are drawn: cut from (i, j) to (i + 1, j + 1)
        near, far = self.z[i, j], self.z[i + 1, j + 1]
        one, two = self.z[i + 1, j], self.z[i, j + 1]
        value: Floats = near + np.where(u >= v, u * (one - near) + v * (far - one), v * (two - near) + u * (far - two))
        return value

    def points(self) -> Floats:
        """Return the grid `(C, R, 3)` in metres."""
        x, y = np.meshgrid(self.x, self.y, indexing="ij")
        return np.stack([x, y, self.z], axis=2)


def lay(points: Floats) -> Land:
    """Return land that lies below every point `(N, 3)` of the roads."""
    low, high = points.min(axis=0), points.max(axis=0)
    if high[2] - low[2] < 1e-6:
        x, y = (np.array([low[axis] - FAR, high[axis] + FAR]) for axis in (0, 1))
        return Land(x, y, np.full((2, 2), low[2] - BELOW))
    side = max(FINE, float((high[:2] - low[:2] + 2 * NEAR).max()) / MOST)
    lines = []
    for axis in (0, 1):
        count = int(np.ceil((high[axis] - low[axis] + 2 * NEAR) / side)) + 1
        even = low[axis] - NEAR + side * np.arange(count)
        lines.append(np.concatenate([[even[0] - FAR], even, [even[-1] + FAR]]))
    x, y = lines
    i = np.floor((points[:, 0] - x[1]) / side).astype(np.int64) + 1
    j = np.floor((points[:, 1] - y[1]) / side).astype(np.int64) + 1
    z = np.full((len(x), len(y)), np.inf)
    for a in (0, 1):
        for b in (0, 1):
            np.minimum.at(z, (i + a, j + b), points[:, 2])
    return Land(x, y, fill(z) - BELOW)


def fill(z: Floats) -> Floats:
    """Return heights with those that are infinite drawn smoothly from the others, by ever coarser means."""
    known = np.isfinite(z)
    if known.all():
        return z
    value, weight = np.where(known, z, 0.0), known.astype(np.float64)
    coarse_value, coarse_weight = _halved(value), _halved(weight)
    found = coarse_weight > 0.0
    coarse = fill(np.where(found, coarse_value / np.where(found, coarse_weight, 1.0), np.inf))
    rows, columns = (np.clip((np.arange(count) + 0.5) / 2.0 - 0.5, 0, None) for count in z.shape)
    guess = _between(_between(coarse, rows).T, columns).T
    result = np.where(known, z, guess)
    for _ in range(4):
        padded = np.pad(result, 1, mode="edge")
        mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4.0
        result = np.where(known, z, mean)
    return result


def _halved(values: Floats) -> Floats:
    """Return sums over squares of two by two."""
    padded = np.pad(values, [(0, count % 2) for count in values.shape])
    return np.add.reduceat(
        np.add.reduceat(padded, np.arange(0, padded.shape[0], 2), axis=0), np.arange(0, padded.shape[1], 2), axis=1
    )


def _between(values: Floats, rows: NDArray[np.float64]) -> Floats:
    """Return rows of values at broken row numbers."""
    low = np.minimum(rows.astype(np.int64), len(values) - 1)
    high = np.minimum(low + 1, len(values) - 1)
    share = (rows - low)[:, None]
    mixed: Floats = values[low] * (1.0 - share) + values[high] * share
    return mixed
