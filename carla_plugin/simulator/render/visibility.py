"""Visibility: which triangle each pixel sees, by homogeneous rasterisation without near clipping."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render.noise import hash3, unit3, value3

_FOLIAGE = int(Material.FOLIAGE)
_FENCE = int(Material.FENCE)
_NEAR_M = 0.01  # only for screen bounds of triangles that reach behind the camera


@numba.njit(cache=True, nogil=True)
def leaf_size(footprint: float) -> float:
    """Return the metres of a tuft of leaves, doubled until a pixel can show it."""
    size = 0.10
    while size < footprint:
        size *= 2.0
    return size


@numba.njit(cache=True, nogil=True)
def cut_out(material: int, u: float, v: float, w: float, seed: int, footprint: float, facing: float) -> bool:
    """Return whether a point of foliage or fence is a hole.

    Args:
        material: FOLIAGE or FENCE.
        u: first material coordinate in metres.
        v: second one.
        w: third one; for a fence its kind.
        seed: the triangle's seed.
        footprint: metres that a pixel covers there; finer detail is drawn by chance.
        facing: cosine between surface normal and view; crowns are thinner at their rim.
    """
    if material == _FOLIAGE:
        clump = value3(u * 1.9, v * 1.9, w * 1.9, seed & 0xFFFF)
        rim = (1.0 - facing) * (1.0 - facing)
        if footprint < 0.05:
            leaf = value3(u * 12.0, v * 12.0, w * 12.0, (seed + 5) & 0xFFFF)
        else:
            cell = leaf_size(footprint)
            leaf = unit3(math.floor(u / cell), math.floor(v / cell), hash3(math.floor(w / cell), seed, 5))
            leaf = 0.5 + (leaf - 0.5) * 0.8
        return clump * 0.42 + leaf * 0.58 < 0.37 + 0.33 * rim
    kind = int(w + 0.5)
    if kind == 2:
        return False
    if kind == 0:
        spacing, width = 0.13, 0.035
    else:
        spacing, width = 0.075, 0.014
    if footprint > 0.6 * spacing:
        solid = width / spacing * (1.0 if kind == 0 else 2.0) + 0.06
        return unit3(math.floor(u / 0.011), math.floor(v / 0.011), seed) > solid
    if v < 0.0:
        return False
    along = u - math.floor(u / spacing) * spacing
    if kind == 0:
        rail = v - math.floor(v / 0.9) * 0.9
        return along > width and not (rail > 0.10 and rail < 0.15)
    up = (u + v) - math.floor((u + v) / spacing) * spacing
    down = (u - v) - math.floor((u - v) / spacing) * spacing
    return up > width and down > width


@numba.njit(cache=True, nogil=True)
def holed(material: int, u: float, v: float, w: float, seed: int, footprint: float) -> bool:
    """Return whether a point of foliage or fence lets the sun through; coarser and faster than `cut_out`."""
    if material == _FOLIAGE:
        cell = max(0.17, footprint)
        return unit3(math.floor(u / cell), math.floor(v / cell), math.floor(w / cell) + seed) < 0.30
    return cut_out(material, u, v, w, seed, footprint, 1.0)


@numba.njit(cache=True, nogil=True)
def chunks_in_view(
    bounds: NDArray[np.float32], view: NDArray[np.float64], width: int, height: int, nearest: NDArray[np.float32],
) -> int:  # fmt: skip
    """Write each chunk's least depth into `nearest`, or infinity where it lies outside the image.

    Args:
        bounds: `(C, 6)` float32.
        view: `(3, 4)` float64 projection.
        width: columns.
        height: rows.
        nearest: `(C,)` float32, written.

    Returns:
        The number of chunks in view.
    """
    seen = 0
    for chunk in range(bounds.shape[0]):
        left, right, top, bottom, behind = 0, 0, 0, 0, 0
        least = np.inf
        for corner in range(8):
            x = np.float64(bounds[chunk, 3 if corner & 1 else 0])
            y = np.float64(bounds[chunk, 4 if corner & 2 else 1])
            z = np.float64(bounds[chunk, 5 if corner & 4 else 2])
            px = view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]
            py = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]
            pw = view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]
            left += px < 0.0
            right += px > width * pw
            top += py < 0.0
            bottom += py > height * pw
            behind += pw <= 0.0
            least = min(least, pw)
        if left == 8 or right == 8 or top == 8 or bottom == 8 or behind == 8:
            nearest[chunk] = np.inf
        else:
            nearest[chunk] = max(least, 0.0)
            seen += 1
    return seen


@numba.njit(cache=True, nogil=True)
def rasterise(
    position: NDArray[np.float32], uvw: NDArray[np.float32], material: NDArray[np.uint8], seed: NDArray[np.uint32],
    start: NDArray[np.int32], stop: NDArray[np.int32], order: NDArray[np.int64], view: NDArray[np.float64],
    focal: float, width: int, first_row: int, last_row: int,
    inverse: NDArray[np.float32], triangle: NDArray[np.int32],
) -> None:  # fmt: skip
    """Write the nearest triangle of each pixel of rows first_row..last_row-1 and its inverse depth.

    Every pixel's result is the maximum of (inverse depth, lower triangle number), so it does not depend on the
    order of chunks, on bands of rows or on threads.

    Args:
        position: `(T, 3, 3)` float32.
        uvw: `(T, 3, 3)` float32.
        material: `(T,)` uint8.
        seed: `(T,)` uint32.
        start: `(C,)` int32.
        stop: `(C,)` int32.
        order: `(K,)` int64 chunks to draw, near ones first.
        view: `(3, 4)` float64 projection.
        focal: focal length in pixels.
        width: columns.
        first_row: first row of the band.
        last_row: row behind its last.
        inverse: `(H, W)` float32, 0 where nothing is seen.
        triangle: `(H, W)` int32, -1 where nothing is seen.
    """
    p = np.empty((3, 3), np.float64)
    middle_x, middle_y = 0.5 * width, 0.5 * inverse.shape[0]
    for turn in range(order.shape[0]):
        chunk = order[turn]
        for t in range(start[chunk], stop[chunk]):
            in_front = 0
            for k in range(3):
                x, y, z = np.float64(position[t, k, 0]), np.float64(position[t, k, 1]), np.float64(position[t, k, 2])
                for row in range(3):
                    p[k, row] = view[row, 0] * x + view[row, 1] * y + view[row, 2] * z + view[row, 3]
                if p[k, 2] > _NEAR_M:
                    in_front += 1
            if in_front == 0:
                continue
            low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
            for k in range(3):
                if p[k, 2] > _NEAR_M:
                    sx, sy = p[k, 0] / p[k, 2], p[k, 1] / p[k, 2]
                    low_x, high_x, low_y, high_y = min(low_x, sx), max(high_x, sx), min(low_y, sy), max(high_y, sy)
            if in_front < 3:
                for k in range(3):  # where the edges cross the near plane
                    j = k + 1 if k < 2 else 0
                    if (p[k, 2] > _NEAR_M) != (p[j, 2] > _NEAR_M):
                        s = (_NEAR_M - p[k, 2]) / (p[j, 2] - p[k, 2])
                        sx = (p[k, 0] + s * (p[j, 0] - p[k, 0])) / _NEAR_M
                        sy = (p[k, 1] + s * (p[j, 1] - p[k, 1])) / _NEAR_M
                        low_x, high_x, low_y, high_y = min(low_x, sx), max(high_x, sx), min(low_y, sy), max(high_y, sy)
            if not (low_x <= high_x and low_y <= high_y):  # a vertex that is no number
                continue
            if high_x < 0.5 or low_x > width - 0.5 or high_y < first_row + 0.5 or low_y > last_row - 0.5:
                continue
            x_from = math.ceil(max(low_x - 0.5 - 1e-7, 0.0))
            x_to = math.floor(min(high_x - 0.5 + 1e-7, width - 1.0))
            y_from = math.ceil(max(low_y - 0.5 - 1e-7, first_row + 0.0))
            y_to = math.floor(min(high_y - 0.5 + 1e-7, last_row - 1.0))
            if x_from > x_to or y_from > y_to:
                continue
            a0 = p[1, 1] * p[2, 2] - p[1, 2] * p[2, 1]
            b0 = p[1, 2] * p[2, 0] - p[1, 0] * p[2, 2]
            c0 = p[1, 0] * p[2, 1] - p[1, 1] * p[2, 0]
            a1 = p[2, 1] * p[0, 2] - p[2, 2] * p[0, 1]
            b1 = p[2, 2] * p[0, 0] - p[2, 0] * p[0, 2]
            c1 = p[2, 0] * p[0, 1] - p[2, 1] * p[0, 0]
            a2 = p[0, 1] * p[1, 2] - p[0, 2] * p[1, 1]
            b2 = p[0, 2] * p[1, 0] - p[0, 0] * p[1, 2]
            c2 = p[0, 0] * p[1, 1] - p[0, 1] * p[1, 0]
            volume = p[0, 0] * a0 + p[0, 1] * b0 + p[0, 2] * c0
            if not abs(volume) > 0.0:
                continue
            sign = 1.0 if volume > 0.0 else -1.0
            a0, b0, c0 = a0 * sign, b0 * sign, c0 * sign
            a1, b1, c1 = a1 * sign, b1 * sign, c1 * sign
            a2, b2, c2 = a2 * sign, b2 * sign, c2 * sign
            scale = 1.0 / abs(volume)
            kind: Any = np.int64(material[t])
            variation: Any = np.int64(seed[t])
            holes = kind in (_FOLIAGE, _FENCE)
            tilt = 1.0
            if holes:  # length of the plane's normal, so that total / tilt / |ray| is the cosine toward the camera
                a, b, c = a0 + a1 + a2, b0 + b1 + b2, c0 + c1 + c2
                tilt = math.sqrt(a * a + b * b + ((a * middle_x + b * middle_y + c) / focal) ** 2)
            for row in range(y_from, y_to + 1):
                py = row + 0.5
                d0, d1, d2 = b0 * py + c0, b1 * py + c1, b2 * py + c2
                low, high = x_from + 0.5, x_to + 0.5
                if a0 > 0.0:
                    low = max(low, -d0 / a0)
                elif a0 < 0.0:
                    high = min(high, -d0 / a0)
                if a1 > 0.0:
                    low = max(low, -d1 / a1)
                elif a1 < 0.0:
                    high = min(high, -d1 / a1)
                if a2 > 0.0:
                    low = max(low, -d2 / a2)
                elif a2 < 0.0:
                    high = min(high, -d2 / a2)
                if low > high + 1e-6:
                    continue
                for column in range(max(int(low - 0.500001), x_from), min(int(high + 0.500001), x_to) + 1):
                    px = column + 0.5
                    e0, e1, e2 = a0 * px + d0, a1 * px + d1, a2 * px + d2
                    if e0 < 0.0 or e1 < 0.0 or e2 < 0.0:
                        continue
                    total = e0 + e1 + e2
                    depth = np.float32(total * scale)
                    best = inverse[row, column]
                    if depth < best or (depth == best and t >= triangle[row, column]) or depth <= 0.0:
                        continue
                    if holes:
                        f0, f1, f2 = e0 / total, e1 / total, e2 / total
                        u = f0 * uvw[t, 0, 0] + f1 * uvw[t, 1, 0] + f2 * uvw[t, 2, 0]
                        v = f0 * uvw[t, 0, 1] + f1 * uvw[t, 1, 1] + f2 * uvw[t, 2, 1]
                        w = f0 * uvw[t, 0, 2] + f1 * uvw[t, 1, 2] + f2 * uvw[t, 2, 2]
                        facing = total / tilt / math.sqrt((px - middle_x) ** 2 + (py - middle_y) ** 2 + focal * focal)
                        if cut_out(kind, u, v, w, variation, 1.0 / (total * scale * focal), facing):
                            continue
                    inverse[row, column] = depth
                    triangle[row, column] = t
