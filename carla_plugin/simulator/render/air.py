"""Air and water: reflections in wet ground, fog, rain streaks; applied to the lit picture."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import DEPTH, NORMAL, OCCLUSION, POROUS
from carla_plugin.simulator.render.noise import unit3, value2
from carla_plugin.simulator.render.shade import standing_water
from carla_plugin.simulator.render.sky import dome_colour
from carla_plugin.simulator.render.weather import (
    AMBIENT,
    FOG_COLOUR,
    FOG_FALLOFF,
    FOG_SIGMA,
    FOG_START,
    HAZE_GLOW,
    LAMPS,
    RAIN,
    SUN_COLOUR,
    SUN_TO,
    WET,
    WIND,
)  # fmt: skip

_STEPS = 20


@numba.njit(cache=True, nogil=True)
def _mirror(
    x: float, y: float, z: float, rx: float, ry: float, rz: float, start: float, view: NDArray[np.float64],
    depths: NDArray[np.float32], kinds: NDArray[np.uint8], lit: NDArray[np.float32], dome: NDArray[np.float32],
    out: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write what a ray from a world point sees of the picture, or of the sky where it meets nothing."""
    height, width = depths.shape
    ox = view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]
    oy = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]
    ow = view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]
    dx = view[0, 0] * rx + view[0, 1] * ry + view[0, 2] * rz
    dy = view[1, 0] * rx + view[1, 1] * ry + view[1, 2] * rz
    dw = view[2, 0] * rx + view[2, 1] * ry + view[2, 2] * rz
    far = start
    before = 0.0
    share = 0.0
    for _ in range(_STEPS):
        w = ow + far * dw
        if w < 0.1:
            break
        column, row = math.floor((ox + far * dx) / w), math.floor((oy + far * dy) / w)
        if column < 0 or row < 0 or column >= width or row >= height:
            break
        behind = w - depths[row, column]
        if behind > 0.0 and kinds[row, column] != 255 and behind < 0.6 + 1.4 * (far - before) * max(abs(dw), 0.3):
            low, high = before, far
            for _ in range(4):
                middle = 0.5 * (low + high)
                w = ow + middle * dw
                c, r = math.floor((ox + middle * dx) / w), math.floor((oy + middle * dy) / w)
                c, r = min(max(c, 0), width - 1), min(max(r, 0), height - 1)
                if w > depths[r, c]:
                    high, column, row = middle, c, r
                else:
                    low = middle
            rim = min(min(column, width - 1 - column) / (0.06 * width), row / (0.08 * height))
            share = min(max(rim, 0.0), 1.0)
            break
        before = far
        far *= 1.37
    dome_colour(dome, rx, ry, rz, out)
    for channel in range(3):
        out[channel] *= 0.8
        if share > 0.0:
            out[channel] += share * (min(np.float64(lit[row, column, channel]), 2.5) - out[channel])


@numba.njit(cache=True, nogil=True)
def _streaks(column: int, row: int, height: int, look: NDArray[np.float64], seed: int) -> float:
    """Return the brightness of falling rain at a pixel, 0..1, from three sheets of drops."""
    scale = height / 256.0
    total = 0.0
    for sheet in range(3):
        wide = (1.15 + 0.45 * sheet) * scale
        tall = (15.0 + 13.0 * sheet) * scale
        slant = (0.05 + 0.30 * look[WIND]) * (1.0 + 0.12 * sheet)
        x = (column + 0.5 + slant * row) / wide
        lane = math.floor(x)
        y = (row + 0.5) / tall + unit3(lane, sheet, seed) * 17.0
        cell = math.floor(y)
        if unit3(lane, cell, seed + 31 * sheet) < look[RAIN] * (0.20 - 0.035 * sheet):
            long = 0.35 + 0.5 * unit3(lane, cell, seed + 7)
            along = (y - cell) / long
            if along < 1.0:
                across = abs(x - lane - 0.5) * 2.0
                total += (1.0 - across) * along * (1.0 - along) * 4.0 * (0.30 + 0.16 * sheet)
    return min(total, 1.0)


@numba.njit(cache=True, nogil=True)
def add_air(
    look: NDArray[np.float64], rays: NDArray[np.float64], view: NDArray[np.float64], first_row: int, last_row: int,
    seed: int, buffer: NDArray[np.float32], kinds: NDArray[np.uint8], depths: NDArray[np.float32],
    dome: NDArray[np.float32], lit: NDArray[np.float32], out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the picture with wet reflections, fog and rain of rows first_row..last_row-1.

    Args:
        look: `(48,)` float64 appearance vector.
        rays: `(4, 3)` float64 of `pixel_rays`.
        view: `(3, 4)` float64 projection.
        first_row: first row of the band.
        last_row: row behind its last.
        seed: seed of drops and ripples.
        buffer: `(H, W, 16)` float32 G-buffer.
        kinds: `(H, W)` uint8 materials, 255 sky.
        depths: `(H, W)` float32 metres.
        dome: `(R, C, 3)` float32 sky for reflections.
        lit: `(H, W, 3)` float32 from `light_surfaces`.
        out: `(H, W, 3)` float32, written.
    """
    height, width = depths.shape
    mirrored = np.empty(3, np.float64)
    wet, rain = look[WET], look[RAIN]
    sigma, falloff = look[FOG_SIGMA], look[FOG_FALLOFF]
    eye = rays[0, 2]
    base = math.exp(-falloff * max(eye, 0.0))
    for row in range(first_row, last_row):
        for column in range(width):
            sx, sy = column + 0.5, row + 0.5
            vx = sx * rays[1, 0] + sy * rays[2, 0] + rays[3, 0]
            vy = sx * rays[1, 1] + sy * rays[2, 1] + rays[3, 1]
            vz = sx * rays[1, 2] + sy * rays[2, 2] + rays[3, 2]
            stretch = math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx / stretch, vy / stretch, vz / stretch
            red, green, blue = (
                np.float64(lit[row, column, 0]), np.float64(lit[row, column, 1]), np.float64(lit[row, column, 2]),
            )  # fmt: skip
            sky = kinds[row, column] == 255
            distance = 900.0
            if not sky:
                px = buffer[row, column]
                distance = np.float64(px[DEPTH]) * stretch
                nz = np.float64(px[NORMAL + 2])
                if wet > 0.02 and nz > 0.9 and px[POROUS] > 0.25:
                    pool = standing_water(px, look)
                    film = wet * min(px[POROUS] * 1.6, 1.0)
                    x, y, z = rays[0, 0] + distance * vx, rays[0, 1] + distance * vy, rays[0, 2] + distance * vz
                    rough = (0.055 * (1.0 - pool) + 0.004) * (0.6 + 0.4 * film)
                    ripple = rain * 0.02 * min(1.0, 14.0 / distance)
                    tx = (value2(x * 9.0, y * 9.0, 91) - 0.5) * (rough + ripple)
                    ty = (value2(x * 9.0, y * 9.0, 92) - 0.5) * (rough + ripple)
                    jitter = unit3(column, row, 93) - 0.5
                    tx += jitter * rough * vx * 0.6
                    ty += jitter * rough * vy * 0.6
                    facing = min(max(-(tx * vx + ty * vy + vz), 0.02), 1.0)
                    rx, ry, rz = vx + 2.0 * facing * tx, vy + 2.0 * facing * ty, vz + 2.0 * facing
                    rz = max(rz, 0.01)
                    size = math.sqrt(rx * rx + ry * ry + rz * rz)
                    rx, ry, rz = rx / size, ry / size, rz / size
                    away = 1.0 - facing
                    away = away * away * away * away * away
                    amount = pool * (0.03 + 0.90 * away) + (1.0 - pool) * film * (0.015 + 0.42 * away)
                    amount *= 0.35 + 0.65 * px[OCCLUSION]
                    if amount > 0.025:
                        start = 0.10 + 0.012 * distance + 0.10 * unit3(column, row, 94)
                        _mirror(x, y, z, rx, ry, rz, start, view, depths, kinds, lit, dome, mirrored)
                        red += amount * (mirrored[0] - red)
                        green += amount * (mirrored[1] - green)
                        blue += amount * (mirrored[2] - blue)
            path = max(distance - look[FOG_START], 0.0)
            # Fog thins with height: its mean along the ray is base * (1 - exp(-rise)) / rise. Both exponentials are
            # four terms of their series, which is quick, and exact where it shows.
            rise = vz * path * falloff
            steep = min(abs(rise), 12.0)
            mean = 1.0 + steep * (0.5 + steep * (0.16667 + steep * (0.041667 + steep * 0.0083333)))
            thin = base * mean if rise < 0.0 else base * mean / (1.0 + steep * mean)
            depth = sigma * path * min(thin, 3.0)
            if sky:
                depth = min(depth, 1.0 + 60.0 * sigma)
            veil = 1.0 - 1.0 / (1.0 + depth * (1.0 + depth * (0.5 + depth * (0.16667 + depth * 0.041667))))
            toward = max(vx * look[SUN_TO] + vy * look[SUN_TO + 1] + vz * look[SUN_TO + 2], 0.0)
            glow = look[HAZE_GLOW] * (toward**8 * 0.35 + toward**2 * 0.05)
            red += veil * (look[FOG_COLOUR] + glow * look[SUN_COLOUR] - red)
            green += veil * (look[FOG_COLOUR + 1] + glow * look[SUN_COLOUR + 1] - green)
            blue += veil * (look[FOG_COLOUR + 2] + glow * look[SUN_COLOUR + 2] - blue)
            if rain > 0.02:
                drop = _streaks(column, row, height, look, seed)
                if drop > 0.0:
                    local = 0.3333 * (red + green + blue)
                    bright = 0.60 * look[AMBIENT + 1] + 0.30 * local + 0.010 * look[LAMPS]
                    red += drop * 0.55 * (bright - 0.35 * red)
                    green += drop * 0.55 * (bright * 1.02 - 0.35 * green)
                    blue += drop * 0.55 * (bright * 1.06 - 0.35 * blue)
            out[row, column, 0], out[row, column, 1], out[row, column, 2] = red, green, blue
