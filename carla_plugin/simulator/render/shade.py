"""Shade: light the G-buffer under one appearance: sun, sky, lamps, emission; no air, no reflections in water yet."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import (
    ALBEDO,
    DEPTH,
    EMISSION,
    GLOSS,
    LEVEL,
    NORMAL,
    OCCLUSION,
    POROUS,
    PUDDLE,
    SPECULAR,
)  # fmt: skip
from carla_plugin.simulator.render.lights import AIM, CONE, LIT_ABOVE, PLACE, POWER, REACH
from carla_plugin.simulator.render.noise import smooth
from carla_plugin.simulator.render.shadow import sunlit
from carla_plugin.simulator.render.sky import dome_colour, sky_colour
from carla_plugin.simulator.render.weather import (
    AMBIENT,
    BOUNCE,
    LAMPS,
    SHADOWS,
    SUN_COLOUR,
    SUN_TO,
    WATER,
    WET,
)  # fmt: skip

TILE = 16
_FOLIAGE = 8


@numba.njit(cache=True, nogil=True)
def standing_water(px: NDArray[np.float32], look: NDArray[np.float64]) -> float:
    """Return how much of a pixel is under standing water, 0..1."""
    if px[PUDDLE] <= 0.0 or look[WATER] <= 0.0 or px[NORMAL + 2] < 0.9:
        return 0.0
    edge = 1.02 - 0.85 * look[WATER]
    return smooth(edge - 0.10, edge + 0.10, np.float64(px[PUDDLE]))


@numba.njit(cache=True, nogil=True)
def _tile_lights(
    first_row: int, last_row: int, first_column: int, last_column: int, rays: NDArray[np.float64],
    depths: NDArray[np.float32], kinds: NDArray[np.uint8], lights: NDArray[np.float32], lamps: float,
    chosen: NDArray[np.float64],
) -> int:  # fmt: skip
    """Write the lights that reach a tile's surfaces into `chosen`, dimmed by the lamps' level; return how many.

    A row of `chosen` holds place, power, 1 / reach squared, cone, aim, and 1 / the width of the cone's soft rim.
    """
    low = np.full(3, np.inf)
    high = np.full(3, -np.inf)
    for row in range(first_row, last_row):
        for column in range(first_column, last_column):
            if kinds[row, column] != 255:
                depth = np.float64(depths[row, column])
                for axis in range(3):
                    at = rays[0, axis] + depth * (
                        (column + 0.5) * rays[1, axis] + (row + 0.5) * rays[2, axis] + rays[3, axis]
                    )
                    low[axis] = min(low[axis], at)
                    high[axis] = max(high[axis], at)
    count = 0
    for number in range(lights.shape[0]):
        light = lights[number]
        strength = smooth(0.0, 0.85, lamps - max(np.float64(light[LIT_ABOVE]), 0.0))
        if strength <= 0.0:
            continue
        reach, cone = np.float64(light[REACH]), np.float64(light[CONE])
        square, along, far, half = 0.0, 0.0, 0.0, 0.0
        for axis in range(3):
            gap = max(max(low[axis] - light[axis], light[axis] - high[axis]), 0.0)
            square += gap * gap
            middle = 0.5 * (low[axis] + high[axis]) - light[axis]
            along += middle * light[AIM + axis]
            far += middle * middle
            half += 0.25 * (high[axis] - low[axis]) ** 2
        if square >= reach * reach:
            continue
        if cone > 0.0 and far > half:  # the tile's sphere against the cone (its distance from the cone's surface)
            sine = math.sqrt(1.0 - cone * cone)
            if math.sqrt(max(far - along * along, 0.0)) * cone - along * sine > math.sqrt(half):
                continue
        for axis in range(3):
            chosen[count, axis] = light[PLACE + axis]
            chosen[count, 3 + axis] = light[POWER + axis] * strength
            chosen[count, 8 + axis] = light[AIM + axis]
        chosen[count, 6] = 1.0 / (reach * reach)
        chosen[count, 7] = cone
        chosen[count, 11] = 1.0 / ((1.0 - cone) * 0.7)
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def light_surfaces(
    look: NDArray[np.float64], rays: NDArray[np.float64], first_row: int, last_row: int,
    buffer: NDArray[np.float32], kinds: NDArray[np.uint8], depths: NDArray[np.float32],
    lights: NDArray[np.float32], dome: NDArray[np.float32], frame: NDArray[np.float64],
    height: NDArray[np.float32], texel: NDArray[np.float64], out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the light that leaves each surface, and the sky, of rows first_row..last_row-1.

    Args:
        look: `(48,)` float64 appearance vector.
        rays: `(4, 3)` float64 of `pixel_rays`.
        first_row: first row of the band, a multiple of `TILE`.
        last_row: row behind its last.
        buffer: `(H, W, 16)` float32 G-buffer.
        kinds: `(H, W)` uint8 materials, 255 sky.
        depths: `(H, W)` float32 metres.
        lights: `(L, 12)` float32.
        dome: `(R, C, 3)` float32 sky for reflections.
        frame: `(2, 3, 4)` float64; it and the next two are the fields of `ShadowMaps`.
        height: see there.
        texel: see there.
        out: `(H, W, 3)` float32 linear light, written.
    """
    width = buffer.shape[1]
    colour = np.empty(3, np.float64)
    mirrored = np.empty(3, np.float64)
    albedo = np.empty(3, np.float64)
    diffuse = np.empty(3, np.float64)
    shiny = np.empty(3, np.float64)
    chosen = np.empty((lights.shape[0] + 1, 12), np.float64)
    sun_x, sun_y, sun_z = look[SUN_TO], look[SUN_TO + 1], look[SUN_TO + 2]
    sun_on = look[SUN_COLOUR] + look[SUN_COLOUR + 1] + look[SUN_COLOUR + 2] > 1e-4
    lamps, wet = look[LAMPS], look[WET]
    for tile_row in range(first_row, last_row, TILE):
        bottom = min(tile_row + TILE, last_row)
        for tile_column in range(0, width, TILE):
            right = min(tile_column + TILE, width)
            count = 0
            if lights.shape[0] > 0:
                count = _tile_lights(tile_row, bottom, tile_column, right, rays, depths, kinds, lights, lamps, chosen)
            for row in range(tile_row, bottom):
                for column in range(tile_column, right):
                    sx, sy = column + 0.5, row + 0.5
                    vx = sx * rays[1, 0] + sy * rays[2, 0] + rays[3, 0]
                    vy = sx * rays[1, 1] + sy * rays[2, 1] + rays[3, 1]
                    vz = sx * rays[1, 2] + sy * rays[2, 2] + rays[3, 2]
                    stretch = math.sqrt(vx * vx + vy * vy + vz * vz)
                    kind = kinds[row, column]
                    if kind == 255:
                        sky_colour(vx / stretch, vy / stretch, vz / stretch, look, 5, colour)
                        out[row, column, 0], out[row, column, 1], out[row, column, 2] = colour[0], colour[1], colour[2]
                        continue
                    px = buffer[row, column]
                    depth = np.float64(px[DEPTH])
                    x, y, z = rays[0, 0] + depth * vx, rays[0, 1] + depth * vy, rays[0, 2] + depth * vz
                    vx, vy, vz = vx / stretch, vy / stretch, vz / stretch
                    nx, ny, nz = np.float64(px[NORMAL]), np.float64(px[NORMAL + 1]), np.float64(px[NORMAL + 2])
                    open_sky = np.float64(px[OCCLUSION])
                    gloss, reflect = np.float64(px[GLOSS]), np.float64(px[SPECULAR])
                    film = 0.0
                    darken = 1.0
                    if wet > 0.0:
                        film = wet * (0.25 + 0.75 * max(nz, 0.0)) * min(1.0, open_sky * 1.3)
                        darken = 1.0 - px[POROUS] * film * 0.75
                        film *= min(px[POROUS] * 2.0, 1.0)
                        pool = standing_water(px, look)
                        darken *= 1.0 - 0.35 * pool
                        gloss += film * max(0.0, 0.62 - gloss)
                        reflect = max(reflect, 0.022 * film)
                    for channel in range(3):
                        albedo[channel] = px[ALBEDO + channel] * darken
                    upward = 0.5 + 0.5 * nz
                    for channel in range(3):
                        diffuse[channel] = open_sky * (
                            look[BOUNCE + channel] + (look[AMBIENT + channel] - look[BOUNCE + channel]) * upward
                        )
                        shiny[channel] = 0.0
                    facing = -(nx * vx + ny * vy + nz * vz)
                    facing = min(max(facing, 0.0), 1.0)
                    power = 4.0 + 500.0 * gloss * gloss * gloss
                    strength = (power + 8.0) / 25.0 * reflect
                    if sun_on:
                        cosine = nx * sun_x + ny * sun_y + nz * sun_z
                        through = 0.0
                        if kind == _FOLIAGE:
                            through = 0.30
                            cosine = 0.35 + 0.65 * cosine
                        if cosine > 0.0 or through > 0.0:
                            slope = math.sqrt(max(1.0 - cosine * cosine, 0.0)) / max(cosine, 0.1)
                            light = 1.0
                            if look[SHADOWS] > 0.02:
                                light = sunlit(frame, height, texel, x, y, z, slope)
                                light = 1.0 - min(look[SHADOWS], 1.0) * (1.0 - light)
                            if light > 0.0:
                                amount = max(cosine, 0.0) * light + through * light * 0.5
                                hx, hy, hz = sun_x - vx, sun_y - vy, sun_z - vz
                                half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
                                glint = 0.0
                                if reflect > 0.0 and half > 1.0 - 9.0 / power and half > 0.0 and cosine > 0.0:
                                    glint = strength * half**power * light * cosine
                                for channel in range(3):
                                    diffuse[channel] += look[SUN_COLOUR + channel] * amount
                                    shiny[channel] += look[SUN_COLOUR + channel] * glint
                    sharp = max(1.0 - 9.0 / power, 0.0)
                    sharp *= sharp
                    for number in range(count):
                        light = chosen[number]
                        lx, ly, lz = light[0] - x, light[1] - y, light[2] - z
                        square = lx * lx + ly * ly + lz * lz
                        ratio = square * light[6]
                        cosine = nx * lx + ny * ly + nz * lz  # times the distance, until it is known
                        spread = -(lx * light[8] + ly * light[9] + lz * light[10])
                        if ratio > 1.0 or (cosine <= 0.0 and kind != _FOLIAGE):
                            continue
                        if light[7] >= 0.0 and (spread <= 0.0 or spread * spread < light[7] * light[7] * square):
                            continue
                        per = 1.0 / (math.sqrt(square) + 1e-6)
                        cosine *= per
                        if kind == _FOLIAGE:
                            cosine = max(cosine, 0.25)
                        edge = min((spread * per - light[7]) * light[11], 1.0)
                        fall = (1.0 - ratio) * (1.0 - ratio) / (square + 1.0) * edge * edge * cosine
                        glint = 0.0
                        if reflect > 0.012:
                            hx, hy, hz = lx * per - vx, ly * per - vy, lz * per - vz
                            half = nx * hx + ny * hy + nz * hz
                            size = hx * hx + hy * hy + hz * hz
                            if half > 0.0 and half * half > sharp * size:
                                glint = strength * (half / math.sqrt(size)) ** power * fall
                        for channel in range(3):
                            diffuse[channel] += light[3 + channel] * fall
                            shiny[channel] += light[3 + channel] * glint
                    fresnel = 0.0
                    if reflect > 0.005 and not (wet > 0.02 and nz > 0.9 and px[POROUS] > 0.25):  # those mirror later
                        away = 1.0 - facing
                        fresnel = reflect + (1.0 - reflect) * gloss * away * away * away * away * away * 0.7
                        rx, ry, rz = vx + 2.0 * facing * nx, vy + 2.0 * facing * ny, vz + 2.0 * facing * nz
                        blocked = 0.0
                        if rz > 0.0:
                            dome_colour(dome, rx, ry, rz, mirrored)
                            blocked += smooth(-0.02, 0.32, rz) * open_sky
                        for channel in range(3):
                            ground = (look[BOUNCE + channel] + 0.3 * look[AMBIENT + channel]) * 0.55
                            seen = ground + (mirrored[channel] - ground) * blocked if rz > 0.0 else ground
                            shiny[channel] += seen * fresnel * (0.35 + 0.65 * gloss)
                    emission = 0.0
                    if px[LEVEL] < lamps:
                        emission = 1.0 if px[LEVEL] < 0.0 else smooth(0.0, 0.12, lamps - px[LEVEL])
                    for channel in range(3):
                        out[row, column, channel] = (
                            albedo[channel] * diffuse[channel] * (1.0 - fresnel)
                            + min(shiny[channel], 6.0)
                            + emission * px[EMISSION + channel]
                        )
