"""Shadows: two orthographic depth maps toward the sun, a fine one near the camera and a wide one behind it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render.camera import Camera, axes, pixel_rays
from carla_plugin.simulator.render.visibility import holed

_FOLIAGE = int(Material.FOLIAGE)
_FENCE = int(Material.FENCE)
_SPANS_M = (16.0, 160.0)  # depth of the view that each map covers
_MARGIN_M = 0.6
_FINEST_M = 0.02
TEXELS = 640


class ShadowMaps(NamedTuple):
    """Hold the maps of one sun and one camera.

    Attributes:
        frame: `(2, 3, 4)` float64, world metres to (column, row, metres toward the sun) of each map.
        height: `(2, N, N)` float32, the highest surface toward the sun; -1e9 where there is none.
        texel: `(2,)` float64 metres per texel.
    """

    frame: NDArray[np.float64]
    height: NDArray[np.float32]
    texel: NDArray[np.float64]


def shadow_frames(
    camera: Camera, toward: NDArray[np.float64], depth: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the maps' `(2, 3, 4)` world-to-texel transforms, `(2,)` texel sizes and `(2,)` lowest heights in metres.

    The maps are fitted around what the camera sees, the first around the near part of it.

    Args:
        camera: whose view is to be covered.
        toward: `(3,)` unit vector toward the sun.
        depth: `(H, W)` float32 metres.
    """
    forward = axes(camera.transform.rotation)[0]
    over = forward - toward * (forward @ toward)
    if np.linalg.norm(over) < 0.05:
        over = np.array([0.0, 0.0, 1.0]) - toward * toward[2]
    over = over / max(float(np.linalg.norm(over)), 1e-9)
    side = np.cross(over, toward)
    seen = depth[::4, ::4].astype(np.float64)
    rows, columns = np.nonzero(seen < _SPANS_M[1])
    far = seen[rows, columns]
    rays = pixel_rays(camera)
    points = rays[0] + far[:, None] * (
        (4.0 * columns[:, None] + 0.5) * rays[1] + (4.0 * rows[:, None] + 0.5) * rays[2] + rays[3]
    )
    flat = np.stack([points @ side, points @ over], axis=1)
    frames, texels, lowest = np.zeros((2, 3, 4)), np.zeros(2), np.zeros(2)
    rise = points @ toward
    for level, span in enumerate(_SPANS_M):
        chosen = flat[far < span] if level == 0 else flat
        low, high = (chosen.min(axis=0), chosen.max(axis=0)) if len(chosen) else (np.zeros(2), np.ones(2))
        low, high = low - _MARGIN_M, high + _MARGIN_M
        texel = np.maximum((high - low) / TEXELS, _FINEST_M)
        for axis, line in enumerate((side, over)):
            frames[level, axis, :3], frames[level, axis, 3] = line / texel[axis], -low[axis] / texel[axis]
        frames[level, 2, :3] = toward
        texels[level] = texel.max()
        lowest[level] = (rise[far < span] if level == 0 else rise).min(initial=1e9) - 1.0
    return frames, texels, lowest


@numba.njit(cache=True, nogil=True)
def draw_shadow(
    position: NDArray[np.float32], uvw: NDArray[np.float32], material: NDArray[np.uint8], seed: NDArray[np.uint32],
    bounds: NDArray[np.float32], start: NDArray[np.int32], stop: NDArray[np.int32], frame: NDArray[np.float64],
    texel: float, lowest: float, height: NDArray[np.float32],
) -> None:  # fmt: skip
    """Draw all triangles that touch a map into it, those nearest to the sun first.

    Args:
        position: `(T, 3, 3)` float32; it and the next six are the fields of `Arrays`.
        uvw: see there.
        material: see there.
        seed: see there.
        bounds: see there.
        start: see there.
        stop: see there.
        frame: `(3, 4)` float64.
        texel: metres per texel.
        lowest: height toward the sun below which nothing can throw a shadow on what is seen.
        height: `(N, N)` float32, written.
    """
    size = height.shape[0]
    height[:] = np.float32(-1e9)
    q = np.empty((3, 3), np.float64)
    rank = np.empty(start.shape[0], np.float64)
    drawn = 0
    numbers = np.empty(start.shape[0], np.int64)
    for chunk in range(start.shape[0]):
        outside = start[chunk] == stop[chunk]
        top = frame[2, 3]
        for axis in range(3):
            low, high = frame[axis, 3], frame[axis, 3]
            for k in range(3):
                near, far = frame[axis, k] * bounds[chunk, k], frame[axis, k] * bounds[chunk, 3 + k]
                low += min(near, far)
                high += max(near, far)
            if axis == 2:
                top = high
            elif high < 0.0 or low > size:
                outside = True
        if not outside and top > lowest:
            numbers[drawn], rank[drawn] = chunk, -top
            drawn += 1
    for turn in np.argsort(rank[:drawn], kind="mergesort"):
        chunk = numbers[turn]
        for t in range(start[chunk], stop[chunk]):
            for k in range(3):
                x, y, z = np.float64(position[t, k, 0]), np.float64(position[t, k, 1]), np.float64(position[t, k, 2])
                for row in range(3):
                    q[k, row] = frame[row, 0] * x + frame[row, 1] * y + frame[row, 2] * z + frame[row, 3]
            low_x, high_x = min(q[0, 0], q[1, 0], q[2, 0]) - 0.5, max(q[0, 0], q[1, 0], q[2, 0]) - 0.5
            low_y, high_y = min(q[0, 1], q[1, 1], q[2, 1]) - 0.5, max(q[0, 1], q[1, 1], q[2, 1]) - 0.5
            if not (low_x <= high_x and low_y <= high_y):  # a vertex that is no number
                continue
            x_from, x_to = math.ceil(max(low_x, 0.0)), math.floor(min(high_x, size - 1.0))
            y_from, y_to = math.ceil(max(low_y, 0.0)), math.floor(min(high_y, size - 1.0))
            if x_from > x_to or y_from > y_to:
                continue
            area = (q[1, 0] - q[0, 0]) * (q[2, 1] - q[0, 1]) - (q[2, 0] - q[0, 0]) * (q[1, 1] - q[0, 1])
            if not abs(area) > 0.0:
                continue
            kind: Any = np.int64(material[t])
            variation: Any = np.int64(seed[t])
            holes = kind in (_FOLIAGE, _FENCE)
            a1, b1 = (q[2, 1] - q[0, 1]) / area, -(q[2, 0] - q[0, 0]) / area
            a2, b2 = -(q[1, 1] - q[0, 1]) / area, (q[1, 0] - q[0, 0]) / area
            per1 = 1.0 / a1 if abs(a1) > 1e-12 else 0.0
            per2 = 1.0 / a2 if abs(a2) > 1e-12 else 0.0
            per3 = 1.0 / (a1 + a2) if abs(a1 + a2) > 1e-12 else 0.0
            tilt = a1 * (q[1, 2] - q[0, 2]) + a2 * (q[2, 2] - q[0, 2])
            for row in range(y_from, y_to + 1):
                dy = row + 0.5 - q[0, 1]
                low, high = x_from + 0.5, x_to + 0.5
                c1, c2 = b1 * dy - a1 * q[0, 0], b2 * dy - a2 * q[0, 0]
                if a1 > 1e-12:
                    low = max(low, -c1 * per1)
                elif a1 < -1e-12:
                    high = min(high, -c1 * per1)
                if a2 > 1e-12:
                    low = max(low, -c2 * per2)
                elif a2 < -1e-12:
                    high = min(high, -c2 * per2)
                if a1 + a2 > 1e-12:
                    high = min(high, (1.0 - c1 - c2) * per3)
                elif a1 + a2 < -1e-12:
                    low = max(low, (1.0 - c1 - c2) * per3)
                if low > high:
                    continue
                first, last = max(math.ceil(low - 0.5), x_from), min(math.floor(high - 0.5), x_to) + 1
                level = q[0, 2] + c1 * (q[1, 2] - q[0, 2]) + c2 * (q[2, 2] - q[0, 2])
                if not holes:
                    line = height[row]
                    for column in range(first, last):  # plain enough to become vector instructions
                        line[column] = max(line[column], np.float32(level + tilt * (column + 0.5)))
                    continue
                for column in range(first, last):
                    above = np.float32(level + tilt * (column + 0.5))
                    if above <= height[row, column]:
                        continue
                    f1, f2 = a1 * (column + 0.5) + c1, a2 * (column + 0.5) + c2
                    f0 = 1.0 - f1 - f2
                    u = f0 * uvw[t, 0, 0] + f1 * uvw[t, 1, 0] + f2 * uvw[t, 2, 0]
                    v = f0 * uvw[t, 0, 1] + f1 * uvw[t, 1, 1] + f2 * uvw[t, 2, 1]
                    w = f0 * uvw[t, 0, 2] + f1 * uvw[t, 1, 2] + f2 * uvw[t, 2, 2]
                    if not holed(kind, u, v, w, variation, texel):
                        height[row, column] = above


@numba.njit(cache=True, nogil=True)
def sunlit(
    frame: NDArray[np.float64], height: NDArray[np.float32], texel: NDArray[np.float64], x: float, y: float, z: float,
    slope: float,
) -> float:  # fmt: skip
    """Return how much of the sun reaches a world point, 0..1, soft over two texels.

    Args:
        frame: `(2, 3, 4)` float64.
        height: `(2, N, N)` float32.
        texel: `(2,)` float64 metres.
        x: world metres, and so y and z.
        y: see x.
        z: see x.
        slope: tangent of the angle between surface normal and sun, for the bias.
    """
    size = height.shape[1]
    for level in range(2):
        column = frame[level, 0, 0] * x + frame[level, 0, 1] * y + frame[level, 0, 2] * z + frame[level, 0, 3] - 0.5
        row = frame[level, 1, 0] * x + frame[level, 1, 1] * y + frame[level, 1, 2] * z + frame[level, 1, 3] - 0.5
        if column < 2.0 or row < 2.0 or column > size - 4.0 or row > size - 4.0:
            continue
        mine = frame[level, 2, 0] * x + frame[level, 2, 1] * y + frame[level, 2, 2] * z
        mine += texel[level] * (1.2 + 1.6 * min(slope, 5.0)) + 0.015
        c, r = int(column + 0.5), int(row + 0.5)
        dx, dy = column + 0.5 - c, row + 0.5 - r
        light = 0.0
        for j in range(-1, 2):  # a tent of 2 by 2 texels, slid to the exact place
            wy = 1.0 - dy if j == -1 else (dy if j == 1 else 1.0)
            for i in range(-1, 2):
                wx = 1.0 - dx if i == -1 else (dx if i == 1 else 1.0)
                if height[level, r + j, c + i] <= mine:
                    light += wx * wy
        return light * 0.25
    return 1.0
