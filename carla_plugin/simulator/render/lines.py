"""Lines: segments of the world drawn into an image, near ones over far ones."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

_NEAR_M = 0.05


@numba.njit(cache=True, nogil=True)
def draw_segment(
    image: NDArray[np.uint8], depth: NDArray[np.float32], start: NDArray[np.float64], end: NDArray[np.float64],
    colour: NDArray[np.float64], focal: float, thickness: float,
) -> None:  # fmt: skip
    """Draw one straight segment as a row of squares.

    Args:
        image: `(H, W, 4)` uint8 BGRA, written.
        depth: `(H, W)` float32 metres of what is drawn, written where the segment is nearer.
        start: `(3,)` float64: metres to the right, upward and ahead of the camera.
        end: `(3,)` float64 likewise.
        colour: `(3,)` float64 blue, green, red of 0..255.
        focal: focal length in pixels.
        thickness: metres.
    """
    height, width = depth.shape
    ax, ay, az = start[0], start[1], start[2]
    bx, by, bz = end[0], end[1], end[2]
    if az < _NEAR_M and bz < _NEAR_M:
        return
    if az < _NEAR_M or bz < _NEAR_M:
        s = (_NEAR_M - az) / (bz - az)
        cx, cy = ax + s * (bx - ax), ay + s * (by - ay)
        if az < _NEAR_M:
            ax, ay, az = cx, cy, _NEAR_M
        else:
            bx, by, bz = cx, cy, _NEAR_M
    x0, y0 = 0.5 * width + focal * ax / az, 0.5 * height - focal * ay / az
    x1, y1 = 0.5 * width + focal * bx / bz, 0.5 * height - focal * by / bz
    low, high = 0.0, 1.0  # the part that can be seen, with room for its thickness
    for axis in range(2):
        a, b = (x0, x1) if axis == 0 else (y0, y1)
        room = 0.5 * max(width, height)
        limit = width if axis == 0 else height
        if a == b:
            if a < -room or a > limit + room:
                return
            continue
        s, e = (-room - a) / (b - a), (limit + room - a) / (b - a)
        low, high = max(low, min(s, e)), min(high, max(s, e))
    if low > high:
        return
    steps = math.ceil((high - low) * max(abs(x1 - x0), abs(y1 - y0))) + 1
    for step in range(steps + 1):
        s = low + (high - low) * step / steps
        x, y = x0 + s * (x1 - x0), y0 + s * (y1 - y0)
        far = 1.0 / ((1.0 - s) / az + s / bz)
        half = max(0.5 * focal * thickness / far, 0.5)
        top, bottom = max(math.ceil(y - half - 0.5), 0), min(math.floor(y + half - 0.5), height - 1)
        left, right = max(math.ceil(x - half - 0.5), 0), min(math.floor(x + half - 0.5), width - 1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if far <= depth[row, column]:
                    depth[row, column] = far
                    for channel in range(3):
                        image[row, column, channel] = np.uint8(colour[channel])
                    image[row, column, 3] = 255
