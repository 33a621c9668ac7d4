"""Ground materials: asphalt with cracks and patches, slabs, kerbs, grass, road paint."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import ALBEDO, GLOSS, POROUS, PUDDLE, SPECULAR
from carla_plugin.simulator.render.noise import fractal2, hash3, smooth, unit3, value2


@numba.njit(cache=True, nogil=True)
def set_albedo(px: NDArray[np.float32], red: float, green: float, blue: float) -> None:
    """Write a pixel's albedo."""
    px[ALBEDO], px[ALBEDO + 1], px[ALBEDO + 2] = red, green, blue


@numba.njit(cache=True, nogil=True)
def scale_albedo(px: NDArray[np.float32], factor: float) -> None:
    """Multiply a pixel's albedo by a number."""
    px[ALBEDO] *= factor
    px[ALBEDO + 1] *= factor
    px[ALBEDO + 2] *= factor


@numba.njit(cache=True, nogil=True)
def fade(footprint: float, size: float) -> float:
    """Return how much of a detail of `size` metres survives a pixel of `footprint` metres, 0..1."""
    return min(max(1.5 - footprint / size, 0.0), 1.0)


@numba.njit(cache=True, nogil=True)
def crack(x: float, y: float, seed: int) -> float:
    """Return 1 on the thin dark lines where a warped noise crosses its middle, else 0."""
    gate = value2(x * 0.16, y * 0.16, seed + 6)
    if gate < 0.5:
        return 0.0
    bend_x = x + 0.5 * value2(x * 1.7, y * 1.7, seed + 3)
    bend_y = y + 0.5 * value2(x * 1.7, y * 1.7, seed + 4)
    ridge = abs(value2(bend_x * 0.42, bend_y * 0.42, seed + 5) - 0.5)
    gate = smooth(0.50, 0.60, gate)
    gate *= smooth(0.50, 0.60, value2(x * 0.55, y * 0.55, seed + 8))
    return smooth(0.010, 0.003, ridge) * gate


@numba.njit(cache=True, nogil=True)
def asphalt(px: NDArray[np.float32], u: float, v: float, seed: int, footprint: float) -> None:
    """Draw asphalt at ground metres (u, v)."""
    broad = fractal2(u * 0.11, v * 0.11, 11, 3)
    tone = 0.80 + 0.40 * broad
    grain = fade(footprint, 0.05)
    if grain > 0.0:
        tone *= 1.0 + grain * 0.5 * (unit3(math.floor(u * 40.0), math.floor(v * 40.0), 12) - 0.5)
    coarse = fade(footprint, 0.35)
    if coarse > 0.0:
        tone *= 1.0 + coarse * 0.28 * (value2(u * 7.0, v * 7.0, 13) - 0.5)
    if footprint < 0.15:
        tone *= 1.0 - 0.62 * fade(footprint, 0.09) * crack(u, v, 14)
    cell_u, cell_v = math.floor(u / 7.0), math.floor(v / 7.0)
    if unit3(cell_u, cell_v, 15) < 0.16:  # a mended patch
        lu, lv = u - cell_u * 7.0, v - cell_v * 7.0
        wide, tall = 1.2 + 4.0 * unit3(cell_u, cell_v, 16), 1.2 + 3.0 * unit3(cell_u, cell_v, 17)
        if lu < wide and lv < tall:
            tone *= 0.80
            if min(lu, lv, wide - lu, tall - lv) < 0.05:
                tone *= 0.8
    if unit3(cell_u, cell_v, 18) < 0.03:  # a manhole cover
        far = math.hypot(u - cell_u * 7.0 - 3.5, v - cell_v * 7.0 - 3.5)
        if far < 0.36:
            tone *= 0.62 if far < 0.32 else 0.4
            px[SPECULAR] = 0.2
    scale_albedo(px, tone)
    px[ALBEDO] *= 1.03
    px[ALBEDO + 2] *= 0.93
    px[POROUS] = 0.62
    px[PUDDLE] = smooth(0.42, 0.80, fractal2(u * 0.23, v * 0.23, 19, 3))
    px[GLOSS] = 0.25


@numba.njit(cache=True, nogil=True)
def paving(px: NDArray[np.float32], u: float, v: float, seed: int, footprint: float) -> None:
    """Draw slabs of 0.6 by 0.4 m at ground metres (u, v)."""
    row = math.floor(v / 0.6)
    shifted = u + 0.45 * (row & 1)
    column = math.floor(shifted / 0.9)
    tone = 0.92 + 0.16 * fade(footprint, 0.7) * (unit3(column, row, 21) - 0.5) * 1.6
    joint = fade(footprint, 0.06)
    du, dv = shifted - column * 0.9, v - row * 0.6
    edge = min(min(du, 0.9 - du), min(dv, 0.6 - dv))
    line = 0.022
    tone *= 1.0 - 0.50 * joint * smooth(line, line * 0.4, edge) - (1.0 - joint) * 0.04
    tone *= 0.86 + 0.28 * fractal2(u * 0.6, v * 0.6, 22, 3)
    if footprint < 0.06:
        tone *= 1.0 + 0.22 * (unit3(math.floor(u * 45.0), math.floor(v * 45.0), 23) - 0.5)
    stain = smooth(0.63, 0.72, value2(u * 1.9, v * 1.9, 24))
    scale_albedo(px, 0.82 * tone * (1.0 - 0.18 * stain))
    px[POROUS] = 0.48
    px[PUDDLE] = 0.75 * smooth(0.48, 0.82, fractal2(u * 0.3, v * 0.3, 25, 3))
    px[GLOSS] = 0.2


@numba.njit(cache=True, nogil=True)
def concrete(px: NDArray[np.float32], u: float, v: float, w: float, footprint: float) -> None:
    """Draw cast concrete; all three coordinates in metres."""
    tone = 0.82 + 0.3 * fractal2((u + w * 0.7) * 0.8, (v + w * 0.7) * 0.8, 31, 3)
    if footprint < 0.06:
        tone *= 1.0 + 0.16 * (unit3(math.floor(u * 30.0), math.floor(v * 30.0), math.floor(w * 30.0)) - 0.5)
    scale_albedo(px, tone)
    px[POROUS] = 0.45
    px[GLOSS] = 0.15


@numba.njit(cache=True, nogil=True)
def grass(px: NDArray[np.float32], u: float, v: float, footprint: float) -> None:
    """Draw a lawn with worn and dry places."""
    broad = fractal2(u * 0.25, v * 0.25, 41, 3)
    tone = 0.75 + 0.4 * broad
    if footprint < 0.2:
        tone *= 0.8 + 0.4 * value2(u * 9.0, v * 9.0, 42)
    blade = fade(footprint, 0.05)
    if blade > 0.0:
        tone *= 1.0 + 0.7 * blade * (unit3(math.floor(u * 33.0), math.floor(v * 33.0), 43) - 0.5)
    dry = smooth(0.52, 0.80, fractal2(u * 0.12 + 5.0, v * 0.12, 44, 2))
    scale_albedo(px, tone)
    grey = 0.3 * px[ALBEDO] + 0.6 * px[ALBEDO + 1] + 0.1 * px[ALBEDO + 2]
    for channel in range(3):
        px[ALBEDO + channel] += 0.30 * (grey - px[ALBEDO + channel])
    px[ALBEDO] += dry * 0.07 * tone
    px[ALBEDO + 1] += dry * 0.04 * tone
    px[POROUS] = 0.35
    px[GLOSS] = 0.05


@numba.njit(cache=True, nogil=True)
def marking(px: NDArray[np.float32], u: float, v: float, seed: int, footprint: float) -> None:
    """Draw worn road paint at ground metres (u, v): the asphalt shows through."""
    wear = fractal2(u * 1.3, v * 1.3, 51 + hash3(seed, 0, 0) % 7, 3)
    worn = smooth(0.50, 0.78, wear) * 0.75
    if footprint < 0.08:
        speck = unit3(math.floor(u * 36.0), math.floor(v * 36.0), 52)
        worn = min(1.0, worn + 0.55 * fade(footprint, 0.06) * smooth(0.72, 1.0, speck))
        worn = max(worn, 0.8 * fade(footprint, 0.05) * crack(u, v, 14))
    for channel in range(3):
        px[ALBEDO + channel] = px[ALBEDO + channel] * 0.86 * (1.0 - worn) + 0.085 * worn
    px[POROUS] = 0.30
    px[PUDDLE] = 0.9 * smooth(0.42, 0.80, fractal2(u * 0.23, v * 0.23, 19, 3))
    px[GLOSS] = 0.3
