"""Post: Gaussian bloom, exposure and tone curve, grain, anti-aliasing, packing to BGRA."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.lights import CONE, LIT_ABOVE, POWER
from carla_plugin.simulator.render.noise import hash3
from carla_plugin.simulator.render.weather import FOG_SIGMA, LAMPS

_CURVE = 8192  # entries of the tone curve, over the square root of linear light up to 16
_TOP = 4.0


def tone_curve() -> NDArray[np.float32]:
    """Return `(8193,)` float32: display level 0..1 of linear light (i / 2048) squared.

    The curve is the fit to ACES by Narkowicz (2016), then sRGB.
    """
    light = (np.arange(_CURVE + 1) / _CURVE * _TOP) ** 2 * 0.72
    film = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0.0, 1.0)
    return np.where(film <= 0.0031308, film * 12.92, 1.055 * film ** (1 / 2.4) - 0.055).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def shrink(lit: NDArray[np.float32], exposure: float, small: NDArray[np.float32]) -> None:
    """Write the mean of 4x4 pixels above display white into `(H/4, W/4, 3)` float32."""
    height, width = lit.shape[0], lit.shape[1]
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            red, green, blue = 0.0, 0.0, 0.0
            for y in range(4 * row, min(4 * row + 4, height)):
                for x in range(4 * column, min(4 * column + 4, width)):
                    top = max(lit[y, x, 0], lit[y, x, 1], lit[y, x, 2]) * exposure
                    keep = min(max(top - 0.7, 0.0), 6.0) / max(top, 1e-6) * exposure
                    red += keep * lit[y, x, 0]
                    green += keep * lit[y, x, 1]
                    blue += keep * lit[y, x, 2]
            small[row, column, 0], small[row, column, 1], small[row, column, 2] = red / 16.0, green / 16.0, blue / 16.0


@numba.njit(cache=True, nogil=True)
def blur(
    source: NDArray[np.float32], weights: NDArray[np.float32], across: int, target: NDArray[np.float32], gain: float,
    keep: float,
) -> None:  # fmt: skip
    """Blur `(h, w, 3)` float32 along one axis: target = keep * target + gain * blurred.

    Args:
        source: picture read.
        weights: `(K + 1,)` float32, middle first.
        across: 1 along columns, 0 along rows.
        target: written, same shape.
        gain: factor.
        keep: share of the old target.
    """
    height, width = source.shape[0], source.shape[1]
    reach = weights.shape[0] - 1
    for row in range(height):
        for column in range(width):
            red, green, blue = 0.0, 0.0, 0.0
            for step in range(-reach, reach + 1):
                y = row if across else min(max(row + step, 0), height - 1)
                x = min(max(column + step, 0), width - 1) if across else column
                weight = weights[abs(step)]
                red += weight * source[y, x, 0]
                green += weight * source[y, x, 1]
                blue += weight * source[y, x, 2]
            target[row, column, 0] = keep * target[row, column, 0] + gain * red
            target[row, column, 1] = keep * target[row, column, 1] + gain * green
            target[row, column, 2] = keep * target[row, column, 2] + gain * blue


@numba.njit(cache=True, nogil=True)
def halo(
    look: NDArray[np.float64], rays: NDArray[np.float64], depths: NDArray[np.float32], lights: NDArray[np.float32],
    gain: float, small: NDArray[np.float32],
) -> None:  # fmt: skip
    """Add the light that fog scatters on its way past each lamp, `(H/4, W/4, 3)` float32.

    The integral of 1 / distance squared along the ray has a closed form (Sun and others, 2005, their airlight).

    Args:
        look: appearance vector.
        rays: `(4, 3)` float64 of `pixel_rays`.
        depths: `(H, W)` float32 metres.
        lights: `(L, 12)` float32.
        gain: factor.
        small: added to.
    """
    height, width = depths.shape
    sigma = min(look[FOG_SIGMA], 0.06)
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            y, x = min(4 * row + 2, height - 1), min(4 * column + 2, width - 1)
            vx = x * rays[1, 0] + y * rays[2, 0] + rays[3, 0]
            vy = x * rays[1, 1] + y * rays[2, 1] + rays[3, 1]
            vz = x * rays[1, 2] + y * rays[2, 2] + rays[3, 2]
            stretch = math.sqrt(vx * vx + vy * vy + vz * vz)
            end = min(np.float64(depths[y, x]) * stretch, 150.0)
            for number in range(lights.shape[0]):
                light = lights[number]
                if light[CONE] > 0.5 or light[LIT_ABOVE] >= look[LAMPS]:
                    continue
                lx, ly, lz = light[0] - rays[0, 0], light[1] - rays[0, 1], light[2] - rays[0, 2]
                along = (lx * vx + ly * vy + lz * vz) / stretch
                square = lx * lx + ly * ly + lz * lz - along * along
                if square > 64.0:
                    continue
                aside = math.sqrt(max(square, 0.0)) + 0.12
                passed = (math.atan((end - along) / aside) + math.atan(along / aside)) / aside
                faded = (1.0 - square / 64.0) * math.exp(-sigma * max(along, 0.0))
                amount = gain * sigma * max(passed, 0.0) * faded * faded
                for channel in range(3):
                    small[row, column, channel] += amount * light[POWER + channel]


@numba.njit(cache=True, nogil=True)
def develop(
    lit: NDArray[np.float32], small: NDArray[np.float32], curve: NDArray[np.float32], exposure: float, bloom: float,
    vignette: float, saturation: float, grain: float, seed: int, first_row: int, last_row: int,
    out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write display levels and their luma, `(H, W, 4)` float32 in 0..1, of rows first_row..last_row-1.

    Args:
        lit: `(H, W, 3)` float32 linear light.
        small: `(H/4, W/4, 3)` float32 bloom.
        curve: of `tone_curve`.
        exposure: factor.
        bloom: share of the bloom added.
        vignette: light lost per squared distance from the middle, in widths and heights.
        saturation: 1 leaves colours as they are.
        grain: standard deviation in display levels.
        seed: seed of the grain.
        first_row: first row of the band.
        last_row: row behind its last.
        out: written.
    """
    height, width = lit.shape[0], lit.shape[1]
    rows, columns = small.shape[0], small.shape[1]
    line = np.zeros((columns + 2, 3), np.float64)  # the bloom of one row, its ends repeated
    for row in range(first_row, last_row):
        by = min(max((row + 0.5) * 0.25 - 0.5, 0.0), rows - 1.0)
        y0 = int(by)
        y1 = min(y0 + 1, rows - 1)
        ty = by - y0
        for column in range(columns + 2):
            x = min(max(column - 1, 0), columns - 1)
            for channel in range(3):
                line[column, channel] = bloom * (small[y0, x, channel] * (1.0 - ty) + small[y1, x, channel] * ty)
        off_y = (row + 0.5) / height - 0.5
        for column in range(width):
            x0 = (column + 2) >> 2
            tx = ((column + 2) & 3) * 0.25 + 0.125
            off_x = (column + 0.5) / width - 0.5
            light = exposure * (1.0 - vignette * (off_x * off_x + off_y * off_y))
            noise = hash3(column, row, seed)
            speck = ((noise & 0xFF) + ((noise >> 8) & 0xFF) + ((noise >> 16) & 0xFF) - 382.5) / 128.0
            red = lit[row, column, 0] * light + line[x0, 0] * (1.0 - tx) + line[x0 + 1, 0] * tx
            green = lit[row, column, 1] * light + line[x0, 1] * (1.0 - tx) + line[x0 + 1, 1] * tx
            blue = lit[row, column, 2] * light + line[x0, 2] * (1.0 - tx) + line[x0 + 1, 2] * tx
            red = np.float64(curve[int(min(math.sqrt(max(red, 0.0)) * (_CURVE / _TOP) + 0.5, _CURVE))])
            green = np.float64(curve[int(min(math.sqrt(max(green, 0.0)) * (_CURVE / _TOP) + 0.5, _CURVE))])
            blue = np.float64(curve[int(min(math.sqrt(max(blue, 0.0)) * (_CURVE / _TOP) + 0.5, _CURVE))])
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            grey = luma * (1.0 - saturation) + grain * speck * (0.55 + 0.9 * (1.0 - luma) * min(luma * 4.0, 1.0))
            out[row, column, 0] = min(max(red * saturation + grey, 0.0), 1.0)
            out[row, column, 1] = min(max(green * saturation + grey, 0.0), 1.0)
            out[row, column, 2] = min(max(blue * saturation + grey, 0.0), 1.0)
            out[row, column, 3] = luma


@numba.njit(cache=True, nogil=True)
def anti_alias(levels: NDArray[np.float32], first_row: int, last_row: int, out: NDArray[np.uint8]) -> None:
    """Smooth edges (after FXAA by Lottes, 2009) and pack rows first_row..last_row-1 to `(H, W, 4)` uint8 BGRA."""
    height, width = levels.shape[0], levels.shape[1]
    for row in range(first_row, last_row):
        up, down = max(row - 1, 0), min(row + 1, height - 1)
        for column in range(width):
            left, right = max(column - 1, 0), min(column + 1, width - 1)
            here = levels[row, column, 3]
            north, south = levels[up, column, 3], levels[down, column, 3]
            west, east = levels[row, left, 3], levels[row, right, 3]
            low = min(min(min(north, south), min(west, east)), here)
            high = max(max(max(north, south), max(west, east)), here)
            red, green, blue = levels[row, column, 0], levels[row, column, 1], levels[row, column, 2]
            if high - low > max(0.045, 0.125 * high):
                nw, ne = levels[up, left, 3], levels[up, right, 3]
                sw, se = levels[down, left, 3], levels[down, right, 3]
                dx = -((nw + ne) - (sw + se))
                dy = (nw + sw) - (ne + se)
                ease = 1.0 / (min(abs(dx), abs(dy)) + max((nw + ne + sw + se) * 0.03125, 0.0078125))
                dx = min(max(dx * ease, -4.0), 4.0)
                dy = min(max(dy * ease, -4.0), 4.0)
                sums = np.zeros(3, np.float64)
                for tap in range(2):
                    shift = -1.0 / 6.0 if tap == 0 else 1.0 / 6.0
                    x = min(max(column + dx * shift, 0.0), width - 1.0)
                    y = min(max(row + dy * shift, 0.0), height - 1.0)
                    x0, y0 = int(x), int(y)
                    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
                    fx, fy = x - x0, y - y0
                    for channel in range(3):
                        sums[channel] += 0.5 * (
                            (levels[y0, x0, channel] * (1.0 - fx) + levels[y0, x1, channel] * fx) * (1.0 - fy)
                            + (levels[y1, x0, channel] * (1.0 - fx) + levels[y1, x1, channel] * fx) * fy
                        )
                red, green, blue = np.float32(sums[0]), np.float32(sums[1]), np.float32(sums[2])
            out[row, column, 0] = np.uint8(blue * np.float32(255.0) + np.float32(0.5))
            out[row, column, 1] = np.uint8(green * np.float32(255.0) + np.float32(0.5))
            out[row, column, 2] = np.uint8(red * np.float32(255.0) + np.float32(0.5))
            out[row, column, 3] = 255


def gaussian(sigma: float) -> NDArray[np.float32]:
    """Return the one-sided `(K + 1,)` float32 weights of a Gaussian, K about 2.5 sigma, summing to 1 on both sides."""
    reach = max(1, math.ceil(2.5 * sigma))
    weight = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    scaled: NDArray[np.float32] = (weight / (weight[0] + 2.0 * weight[1:].sum())).astype(np.float32)
    return scaled
