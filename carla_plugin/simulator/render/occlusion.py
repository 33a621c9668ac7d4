"""Ambient occlusion in screen space: how much of the sky the near surroundings hide from each pixel."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import NORMAL, OCCLUSION

_REACH_M = 1.3
_SAMPLES = 7


@numba.njit(cache=True, nogil=True)
def occlude(
    rays: NDArray[np.float64], focal: float, first_row: int, last_row: int, depths: NDArray[np.float32],
    kinds: NDArray[np.uint8], buffer: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write OCCLUSION of rows first_row..last_row-1 from depth and normal.

    Args:
        rays: `(4, 3)` float64 of `pixel_rays`.
        focal: focal length in pixels.
        first_row: first row of the band.
        last_row: row behind its last.
        depths: `(H, W)` float32 metres.
        kinds: `(H, W)` uint8, 255 for sky.
        buffer: `(H, W, 16)` float32, its normals read, its OCCLUSION written.
    """
    height, width = depths.shape
    for row in range(first_row, last_row):
        for column in range(width):
            if kinds[row, column] == 255:
                continue
            depth = np.float64(depths[row, column])
            px = buffer[row, column]
            nx, ny, nz = np.float64(px[NORMAL]), np.float64(px[NORMAL + 1]), np.float64(px[NORMAL + 2])
            reach = min(max(_REACH_M * focal / depth, 2.5), 0.14 * width)
            turn = (((column & 3) * 4 + (row & 3)) * 7 % 16) / 16.0
            sx, sy = column + 0.5, row + 0.5
            ax = depth * (sx * rays[1, 0] + sy * rays[2, 0] + rays[3, 0])
            ay = depth * (sx * rays[1, 1] + sy * rays[2, 1] + rays[3, 1])
            az = depth * (sx * rays[1, 2] + sy * rays[2, 2] + rays[3, 2])
            hidden = 0.0
            for sample in range(_SAMPLES):
                angle = (sample + turn) * 2.399963 + turn * 6.2831853
                far = reach * (sample + 0.6 + 0.4 * turn) / _SAMPLES
                qx, qy = int(sx + far * math.cos(angle)), int(sy + far * math.sin(angle))
                if qx < 0 or qy < 0 or qx >= width or qy >= height or kinds[qy, qx] == 255:
                    continue
                other = np.float64(depths[qy, qx])
                bx, by = qx + 0.5, qy + 0.5
                dx = other * (bx * rays[1, 0] + by * rays[2, 0] + rays[3, 0]) - ax
                dy = other * (bx * rays[1, 1] + by * rays[2, 1] + rays[3, 1]) - ay
                dz = other * (bx * rays[1, 2] + by * rays[2, 2] + rays[3, 2]) - az
                square = dx * dx + dy * dy + dz * dz
                if square < 1e-8 or square > 6.0:
                    continue
                length = math.sqrt(square)
                lift = (nx * dx + ny * dy + nz * dz) / length - 0.12
                if lift > 0.0:
                    hidden += lift * (1.0 - square / 6.0)
            px[OCCLUSION] = max(0.22, 1.0 - 1.9 * hidden / _SAMPLES)
