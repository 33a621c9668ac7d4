"""Flow: how far what each pixel sees has moved in the image since another moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.camera import Camera, axes, pixel_rays, projection
from carla_plugin.simulator.render.geometry import Placed
from carla_plugin.simulator.render.resolve import project

_STILL = 1e-9  # less than this is rounding


class Motions(NamedTuple):
    """Hold where the actors that have moved were, M of them.

    Attributes:
        actor: `(M,)` int64 ids.
        turn: `(M, 3, 3)` float64 that takes world points of a body from now to before, together with `shift`.
        shift: `(M, 3)` float64 metres.
        first: `(M,)` int64 number of a body's first triangle.
        corners_at: `(M,)` int64 where its earlier corners begin, -1 for a body that has kept its shape.
        corners: `(K, 3, 3)` float64 world metres of the triangles of all bodies that bend, as they were.
    """

    actor: NDArray[np.int64]
    turn: NDArray[np.float64]
    shift: NDArray[np.float64]
    first: NDArray[np.int64]
    corners_at: NDArray[np.int64]
    corners: NDArray[np.float64]


def motions_between(now: Sequence[Placed], before: Sequence[Placed], first_triangle: int) -> Motions:
    """Return where actors were; those that are new have not moved.

    Args:
        now: the actors, in the order in which they are drawn.
        before: at the earlier moment.
        first_triangle: number of the first actor's first triangle.
    """
    were = {each.actor_id: each for each in before}
    moved: list[tuple[int, NDArray[np.float64], NDArray[np.float64], int, int]] = []
    bent: list[NDArray[np.float64]] = []
    at, corners_at = first_triangle, 0
    for each in now:
        was = were.get(each.actor_id, each)
        if was.transform != each.transform or was.mesh is not each.mesh:
            old = axes(was.transform.rotation)
            here, there = (np.array(p.transform.location, dtype=np.float64) for p in (each, was))
            turn = old.T @ axes(each.transform.rotation)
            place = -1
            if was.mesh is not each.mesh and len(was.mesh.triangles) == len(each.mesh.triangles):
                bent.append(was.mesh.vertices[was.mesh.triangles].astype(np.float64) @ old + there)
                place, corners_at = corners_at, corners_at + len(each.mesh.triangles)
            moved.append((each.actor_id, turn, there - turn @ here, at, place))
        at += len(each.mesh.triangles)
    return Motions(
        np.array([m[0] for m in moved], dtype=np.int64),
        np.array([m[1] for m in moved], dtype=np.float64).reshape(-1, 3, 3),
        np.array([m[2] for m in moved], dtype=np.float64).reshape(-1, 3),
        np.array([m[3] for m in moved], dtype=np.int64),
        np.array([m[4] for m in moved], dtype=np.int64),
        np.concatenate(bent) if bent else np.zeros((0, 3, 3)),
    )


def flow_between(
    now: Camera, before: Camera, position: NDArray[np.float32], triangle: NDArray[np.int32],
    depth: NDArray[np.float32], instances: NDArray[np.uint32], motions: Motions,
) -> NDArray[np.float32]:  # fmt: skip
    """Return `(H, W, 2)` float32 motion since a moment before, right and up, 2 being a whole image.

    Args:
        now: the camera that sees.
        before: where it was; same size and field of view.
        position: `(T, 3, 3)` float32 corners of all triangles, world metres.
        triangle: `(H, W)` int32 that each pixel sees.
        depth: `(H, W)` float32 metres, 1000 for sky.
        instances: `(H, W)` uint32, 0 for sky.
        motions: of the actors.
    """
    out = np.zeros((now.height, now.width, 2), np.float32)
    _fill(pixel_rays(now), projection(now), projection(before), position, triangle, depth, instances, *motions, out)
    return out


@numba.njit(cache=True, nogil=True)
def _fill(
    rays: NDArray[np.float64], view: NDArray[np.float64], earlier: NDArray[np.float64],
    position: NDArray[np.float32], triangle: NDArray[np.int32], depth: NDArray[np.float32],
    instances: NDArray[np.uint32], actor: NDArray[np.int64], turn: NDArray[np.float64], shift: NDArray[np.float64],
    first: NDArray[np.int64], corners_at: NDArray[np.int64], corners: NDArray[np.float64], out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the flow of every pixel: into the world, back in time with its actor, into the earlier image."""
    height, width = depth.shape
    point = np.empty(3, np.float64)
    p = np.empty((3, 3), np.float64)
    edge = np.empty((3, 3), np.float64)
    last: Any = np.int64(-1)
    index: Any = np.int64(-1)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            number = np.int64(instances[row, column])
            sky = number == 0
            if number != last:
                last, index = number, np.int64(-1)
                for k in range(actor.shape[0]):
                    if actor[k] == number:
                        index = k
            if index >= 0 and corners_at[index] >= 0:
                t = triangle[row, column]
                project(position[t], view, p, edge)
                f0 = edge[0, 0] * x + edge[0, 1] * y + edge[0, 2]
                f1 = edge[1, 0] * x + edge[1, 1] * y + edge[1, 2]
                f2 = edge[2, 0] * x + edge[2, 1] * y + edge[2, 2]
                total = f0 + f1 + f2
                was = corners[corners_at[index] + t - first[index]]
                for axis in range(3):
                    point[axis] = (f0 * was[0, axis] + f1 * was[1, axis] + f2 * was[2, axis]) / total
            else:
                metres = np.float64(depth[row, column])
                for axis in range(3):
                    ray = x * rays[1, axis] + y * rays[2, axis] + rays[3, axis]
                    point[axis] = ray if sky else rays[0, axis] + metres * ray
                if index >= 0:
                    a, b, c = point[0], point[1], point[2]
                    for axis in range(3):
                        r = turn[index, axis]
                        point[axis] = r[0] * a + r[1] * b + r[2] * c + shift[index, axis]
            far = 0.0 if sky else 1.0  # the sky only turns
            px = earlier[0, 0] * point[0] + earlier[0, 1] * point[1] + earlier[0, 2] * point[2] + far * earlier[0, 3]
            py = earlier[1, 0] * point[0] + earlier[1, 1] * point[1] + earlier[1, 2] * point[2] + far * earlier[1, 3]
            pw = earlier[2, 0] * point[0] + earlier[2, 1] * point[1] + earlier[2, 2] * point[2] + far * earlier[2, 3]
            if pw > 1e-6:
                right = min(max(2.0 * (x - px / pw) / width, -2.0), 2.0)
                up = min(max(-2.0 * (y - py / pw) / height, -2.0), 2.0)
                out[row, column, 0] = right if abs(right) > _STILL else 0.0
                out[row, column, 1] = up if abs(up) > _STILL else 0.0
