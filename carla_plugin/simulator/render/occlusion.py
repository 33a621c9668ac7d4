"""Ambient occlusion in screen space: how much of the sky the near surroundings hide from each pixel."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import NORMAL, OCCLUSION

_REACH_M = 1.3
_SAMPLES = 6
_TURNS = 16


def sample_spirals() -> NDArray[np.float64]:
    """Return `(16, 6, 2)` float64: for each place in a 4x4 block of pixels a spiral of offsets within the unit disc."""
    spirals = np.zeros((_TURNS, _SAMPLES, 2))
    for turn in range(_TURNS):
        for sample in range(_SAMPLES):
            angle = (sample + turn / _TURNS) * 2.399963 + turn / _TURNS * 2.0 * math.pi
            far = (sample + 0.6 + 0.4 * turn / _TURNS) / _SAMPLES
            spirals[turn, sample] = far * math.cos(angle), far * math.sin(angle)
    return spirals


@numba.njit(cache=True, nogil=True)
def occlude(
    turn: NDArray[np.float64], focal: float, spirals: NDArray[np.float64], first_row: int, last_row: int,
    depths: NDArray[np.float32], kinds: NDArray[np.uint8], buffer: NDArray[np.float32], rough: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write how open to the sky each pixel is, still grainy, for rows first_row..last_row-1.

    Args:
        turn: `(3, 3)` float64 camera axes: rows forward, right, up.
        focal: focal length in pixels.
        spirals: of `sample_spirals`.
        first_row: first row of the band.
        last_row: row behind its last.
        depths: `(H, W)` float32 metres, 1000 for sky.
        kinds: `(H, W)` uint8, 255 for sky.
        buffer: `(H, W, 16)` float32, its normals are read.
        rough: `(H, W)` float32, written: 1 open .. 0 buried.
    """
    height, width = depths.shape
    middle_x, middle_y = 0.5 * width, 0.5 * height
    per_focal = 1.0 / focal
    for row in range(first_row, last_row):
        for column in range(width):
            depth = np.float64(depths[row, column])
            rough[row, column] = 1.0
            if kinds[row, column] == 255 or depth > 90.0:
                continue
            px = buffer[row, column]
            nx, ny, nz = np.float64(px[NORMAL]), np.float64(px[NORMAL + 1]), np.float64(px[NORMAL + 2])
            ahead = turn[0, 0] * nx + turn[0, 1] * ny + turn[0, 2] * nz
            right = turn[1, 0] * nx + turn[1, 1] * ny + turn[1, 2] * nz
            down = -(turn[2, 0] * nx + turn[2, 1] * ny + turn[2, 2] * nz)
            reach = min(max(_REACH_M * focal / depth, 2.5), 0.14 * width)
            spiral = spirals[((column & 3) * 4 + (row & 3)) * 7 % 16]
            sx, sy = column + 0.5, row + 0.5
            ax, ay = (sx - middle_x) * per_focal * depth, (sy - middle_y) * per_focal * depth
            hidden = 0.0
            for sample in range(_SAMPLES):
                qx, qy = int(sx + reach * spiral[sample, 0]), int(sy + reach * spiral[sample, 1])
                if qx < 0 or qy < 0 or qx >= width or qy >= height:
                    continue
                other = np.float64(depths[qy, qx])
                dz = other - depth
                if dz > 2.4 or dz < -2.4:
                    continue
                dx = (qx + 0.5 - middle_x) * per_focal * other - ax
                dy = (qy + 0.5 - middle_y) * per_focal * other - ay
                square = dx * dx + dy * dy + dz * dz
                if square < 1e-8 or square > 6.0:
                    continue
                lift = (ahead * dz + right * dx + down * dy) / math.sqrt(square) - 0.12
                if lift > 0.0:
                    hidden += lift * (1.0 - square / 6.0)
            rough[row, column] = max(0.22, 1.0 - 1.9 * hidden / _SAMPLES)


@numba.njit(cache=True, nogil=True)
def settle_occlusion(
    first_row: int, last_row: int, depths: NDArray[np.float32], rough: NDArray[np.float32],
    buffer: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write OCCLUSION as the mean over the 4x4 block of spirals, of pixels about as far away.

    Args:
        first_row: first row of the band.
        last_row: row behind its last.
        depths: `(H, W)` float32 metres.
        rough: `(H, W)` float32 of `occlude`.
        buffer: `(H, W, 16)` float32, its OCCLUSION is written.
    """
    height, width = depths.shape
    for row in range(first_row, last_row):
        for column in range(width):
            depth = np.float64(depths[row, column])
            if depth > 90.0:
                continue
            near = 0.04 * depth + 0.05
            total, count = 0.0, 0.0
            for y in range(max(row - 2, 0), min(row + 2, height)):
                for x in range(max(column - 2, 0), min(column + 2, width)):
                    if abs(depths[y, x] - depth) < near:
                        total += rough[y, x]
                        count += 1.0
            if count > 0.0:
                buffer[row, column, OCCLUSION] = total / count
