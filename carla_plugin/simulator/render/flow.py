"""Flow: how far what each pixel sees has moved in the image since another moment."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.camera import Camera, pixel_rays, projection

_STILL = 1e-9  # less than this is rounding
Motion = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of an actor, from where its points are now to where they were: `(3, 3)` turn and `(3,)` shift, world metres."""


def flow_between(
    now: Camera, before: Camera, depth: NDArray[np.float32], instances: NDArray[np.uint32], motions: dict[int, Motion]
) -> NDArray[np.float32]:
    """Return `(H, W, 2)` float32 motion since a moment before, right and up, 2 being a whole image.

    Args:
        now: the camera that sees.
        before: where it was; same size and field of view.
        depth: `(H, W)` float32 metres, 1000 for sky.
        instances: `(H, W)` uint32, 0 for sky.
        motions: of the actors that have moved, by their ids.
    """
    known = np.array(sorted(motions), dtype=np.int64)
    turns = np.array([motions[int(each)][0] for each in known], dtype=np.float64).reshape(-1, 3, 3)
    shifts = np.array([motions[int(each)][1] for each in known], dtype=np.float64).reshape(-1, 3)
    out = np.zeros((now.height, now.width, 2), np.float32)
    _fill(pixel_rays(now), projection(before), depth, instances, known, turns, shifts, out)
    return out


@numba.njit(cache=True, nogil=True)
def _fill(
    rays: NDArray[np.float64], view: NDArray[np.float64], depth: NDArray[np.float32],
    instances: NDArray[np.uint32], known: NDArray[np.int64], turns: NDArray[np.float64], shifts: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the flow of every pixel: into the world, back in time with its actor, into the earlier image."""
    height, width = depth.shape
    point = np.empty(3, np.float64)
    last: Any = np.int64(-1)
    index: Any = np.int64(-1)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            number = np.int64(instances[row, column])
            sky = number == 0
            metres = np.float64(depth[row, column])
            for axis in range(3):
                ray = x * rays[1, axis] + y * rays[2, axis] + rays[3, axis]
                point[axis] = ray if sky else rays[0, axis] + metres * ray
            if number != last:
                last, index = number, np.int64(-1)
                for k in range(known.shape[0]):
                    if known[k] == number:
                        index = k
            if index >= 0:
                a, b, c = point[0], point[1], point[2]
                for axis in range(3):
                    t = turns[index, axis]
                    point[axis] = t[0] * a + t[1] * b + t[2] * c + shifts[index, axis]
            far = 0.0 if sky else 1.0  # the sky only turns
            px = view[0, 0] * point[0] + view[0, 1] * point[1] + view[0, 2] * point[2] + far * view[0, 3]
            py = view[1, 0] * point[0] + view[1, 1] * point[1] + view[1, 2] * point[2] + far * view[1, 3]
            pw = view[2, 0] * point[0] + view[2, 1] * point[1] + view[2, 2] * point[2] + far * view[2, 3]
            if pw > 1e-6:
                right = min(max(2.0 * (x - px / pw) / width, -2.0), 2.0)
                up = min(max(-2.0 * (y - py / pw) / height, -2.0), 2.0)
                out[row, column, 0] = right if abs(right) > _STILL else 0.0
                out[row, column, 1] = up if abs(up) > _STILL else 0.0
