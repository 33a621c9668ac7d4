"""Sky: the dome's colour in any direction, with sun, clouds and stars, and a small dome for reflections."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.noise import fractal2, smooth, unit3
from carla_plugin.simulator.render.weather import (
    CLOUD_BRIGHT,
    CLOUD_COVER,
    CLOUD_DARK,
    DISC,
    DRIFT,
    GLOW,
    HORIZON,
    STARS,
    SUN_TO,
    ZENITH,
)  # fmt: skip

DOME_SIZE = 64


@numba.njit("void(float64, float64, float64, float64[::1], int64, float64[::1])", cache=True, nogil=True)
def sky_colour(x: float, y: float, z: float, look: NDArray[np.float64], octaves: int, out: NDArray[np.float64]) -> None:
    """Write the sky's colour in a direction.

    Args:
        x: unit direction, and so y and z.
        y: see x.
        z: see x; below the horizon the horizon is repeated.
        look: appearance vector.
        octaves: fineness of the clouds; 0 leaves out disc and stars too.
        out: `(3,)` float64, written.
    """
    up = max(z, 0.0)
    blend = math.sqrt(up) * (1.55 - 0.55 * math.sqrt(up))
    toward = x * look[SUN_TO] + y * look[SUN_TO + 1] + z * look[SUN_TO + 2]
    near = max(toward, 0.0)
    halo = near**6 * 0.55 + near**64 * 1.2
    level = 1.0 - 0.65 * up
    for channel in range(3):
        base = look[HORIZON + channel] * (1.0 - blend) + look[ZENITH + channel] * blend
        out[channel] = base + look[GLOW + channel] * halo * level
    if octaves > 0:
        if look[DISC] > 0.0 and toward > 0.9994:
            for channel in range(3):
                out[channel] += look[DISC] * (0.3 + look[GLOW + channel]) * smooth(0.9994, 0.9998, toward)
        if look[STARS] > 0.0 and z > 0.03:
            sx, sy = x / (1.0 + z), y / (1.0 + z)
            cx, cy = math.floor(sx * 130.0), math.floor(sy * 130.0)
            chance = unit3(cx, cy, 77)
            if chance > 0.985:
                px = sx * 130.0 - cx - 0.2 - 0.6 * unit3(cx, cy, 78)
                py = sy * 130.0 - cy - 0.2 - 0.6 * unit3(cx, cy, 79)
                bright = look[STARS] * smooth(0.34, 0.08, math.sqrt(px * px + py * py)) * (chance - 0.983) * 16.0
                for channel in range(3):
                    out[channel] += bright
    cover = look[CLOUD_COVER]
    if cover > 0.01 and z > 0.015:
        distance = 1.0 / (z + 0.10)
        flat_x, flat_y = x * distance * 0.85 + look[DRIFT], y * distance * 0.85
        steps = max(octaves, 3)
        wisp = fractal2(flat_x + 3.7, flat_y - 1.2, 101, steps)
        edge = 0.66 - 0.52 * cover
        thick = smooth(edge, edge + 0.20, wisp)
        toward_x, toward_y = flat_x + 3.7 + 0.22 * look[SUN_TO], flat_y - 1.2 + 0.22 * look[SUN_TO + 1]
        lit = fractal2(toward_x, toward_y, 101, max(steps - 1, 2))
        shade = smooth(-0.16, 0.16, wisp - lit) * 0.6 + 0.4 * (1.0 - thick)
        amount = thick * smooth(0.0, 0.12, cover) * smooth(0.015, 0.12, z) * (0.92 if cover < 0.9 else 0.97)
        for channel in range(3):
            cloud = look[CLOUD_DARK + channel] * (1.0 - shade) + look[CLOUD_BRIGHT + channel] * shade
            cloud += look[GLOW + channel] * near**8 * 0.8
            out[channel] += amount * (cloud - out[channel])


@numba.njit(cache=True, nogil=True)
def fill_dome(look: NDArray[np.float64], dome: NDArray[np.float32]) -> None:
    """Write the upper half of the sky, folded on a square as half an octahedron, `(N, N, 3)` float32."""
    colour = np.empty(3, np.float64)
    size = dome.shape[0]
    for row in range(size):
        for column in range(size):
            s, t = (column + 0.5) / size * 2.0 - 1.0, (row + 0.5) / size * 2.0 - 1.0
            x, y = 0.5 * (s + t), 0.5 * (s - t)
            z = max(1.0 - abs(x) - abs(y), 0.0)
            length = math.sqrt(x * x + y * y + z * z)
            sky_colour(x / length, y / length, z / length, look, 0, colour)
            for channel in range(3):
                dome[row, column, channel] = colour[channel]


@numba.njit(cache=True, nogil=True)
def dome_colour(dome: NDArray[np.float32], x: float, y: float, z: float, out: NDArray[np.float64]) -> None:
    """Write the dome's colour in a unit direction into `(3,)` float64, mixed of the four nearest places."""
    size = dome.shape[0]
    scale = 1.0 / (abs(x) + abs(y) + max(z, 0.0) + 1e-9)
    across = ((x + y) * scale * 0.5 + 0.5) * size - 0.5
    down = ((x - y) * scale * 0.5 + 0.5) * size - 0.5
    across = min(max(across, 0.0), size - 1.001)
    down = min(max(down, 0.0), size - 1.001)
    column, row = int(across), int(down)
    mix, part = across - column, down - row
    for channel in range(3):
        low = dome[row, column, channel] * (1.0 - mix) + dome[row, column + 1, channel] * mix
        high = dome[row + 1, column, channel] * (1.0 - mix) + dome[row + 1, column + 1, channel] * mix
        out[channel] = low * (1.0 - part) + high * part
