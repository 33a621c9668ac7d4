"""Orient: from the triangle of each pixel to the way its surface looks, without painting it."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.resolve import project


@numba.njit(cache=True, nogil=True)
def orient(
    position: NDArray[np.float32], normal: NDArray[np.float32], view: NDArray[np.float64], rays: NDArray[np.float64],
    first_row: int, last_row: int, triangle: NDArray[np.int32], out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the normals of rows first_row..last_row-1.

    Args:
        position: `(T, 3, 3)` float32; it and the next are fields of `Arrays`.
        normal: see there.
        view: `(3, 4)` float64 projection.
        rays: `(4, 3)` float64 of `pixel_rays`.
        first_row: first row of the band.
        last_row: row behind its last.
        triangle: `(H, W)` int32 from `rasterise`.
        out: `(H, W, 3)` float32 unit vectors in world axes, turned toward the camera, 0 for sky; written.
    """
    p = np.empty((3, 3), np.float64)
    edge = np.empty((3, 3), np.float64)
    last = -1
    for row in range(first_row, last_row):
        for column in range(triangle.shape[1]):
            t = triangle[row, column]
            if t < 0:
                out[row, column, 0], out[row, column, 1], out[row, column, 2] = 0.0, 0.0, 0.0
                continue
            if t != last:
                project(position[t], view, p, edge)
                last = t
            sx, sy = column + 0.5, row + 0.5
            f0 = edge[0, 0] * sx + edge[0, 1] * sy + edge[0, 2]
            f1 = edge[1, 0] * sx + edge[1, 1] * sy + edge[1, 2]
            f2 = edge[2, 0] * sx + edge[2, 1] * sy + edge[2, 2]
            total = f0 + f1 + f2
            f0, f1, f2 = f0 / total, f1 / total, f2 / total
            nx = f0 * normal[t, 0, 0] + f1 * normal[t, 1, 0] + f2 * normal[t, 2, 0]
            ny = f0 * normal[t, 0, 1] + f1 * normal[t, 1, 1] + f2 * normal[t, 2, 1]
            nz = f0 * normal[t, 0, 2] + f1 * normal[t, 1, 2] + f2 * normal[t, 2, 2]
            length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            dx = sx * rays[1, 0] + sy * rays[2, 0] + rays[3, 0]
            dy = sx * rays[1, 1] + sy * rays[2, 1] + rays[3, 1]
            dz = sx * rays[1, 2] + sy * rays[2, 2] + rays[3, 2]
            if nx * dx + ny * dy + nz * dz > 0.0:
                length = -length
            out[row, column, 0], out[row, column, 1], out[row, column, 2] = nx / length, ny / length, nz / length
