"""A collector of flat pieces of ground: rectangles, fans and upright faces become one mesh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh, empty, join
from carla_plugin.simulator.town.bend import split, split_line


class Paint(NamedTuple):
    """Say what a piece of ground is made of: material, CARLA tag, sRGB colour."""

    material: Material
    tag: int
    colour: tuple[int, int, int]


class Surface:
    """Collect pieces of ground; `mesh` returns them as one thing with world metres as `uvw`."""

    def __init__(self, axis: int) -> None:
        """Prepare for a plan that will be bent across `axis`: rectangles are cut so that they can follow."""
        self._axis = axis
        self._meshes: list[Mesh] = []

    def rects(self, bounds: ArrayLike, z: float, paint: Paint) -> None:
        """Add level rectangles.

        Args:
            bounds: `(N, 4)` of x low, x high, y low, y high in metres; those without area are dropped.
            z: height in metres.
            paint: what they are made of.
        """
        box = np.asarray(bounds, dtype=np.float64).reshape(-1, 4)
        box = box[(box[:, 1] - box[:, 0] > 1e-3) & (box[:, 3] - box[:, 2] > 1e-3)]
        box = split(box, self._axis)
        corners = box[:, [[0, 2], [1, 2], [1, 3], [0, 3]]]  # (N, 4, 2)
        points = np.concatenate([corners, np.full((len(box), 4, 1), z)], axis=2)
        self._quads(points, (0.0, 0.0, 1.0), paint)

    def fan(self, centre: ArrayLike, rim: ArrayLike, z: float, paint: Paint) -> None:
        """Add a level polygon with corners `rim` `(P, 2)`, all seen from `centre` `(2,)`."""
        edge = np.asarray(rim, dtype=np.float64)
        edge = split_line(np.concatenate([edge, edge[:1]]), self._axis)
        points = np.concatenate([np.asarray(centre, dtype=np.float64).reshape(1, 2), edge])
        vertices = np.column_stack([points, np.full(len(points), z)]).astype(np.float32)
        index = np.arange(1, len(edge))
        triangles = np.column_stack([np.zeros_like(index), index, index + 1])
        self._add(vertices, np.broadcast_to((0.0, 0.0, 1.0), vertices.shape), triangles, paint)

    def faces(self, corners: ArrayLike, z: float, paint: Paint) -> None:
        """Add level triangles `(T, 3, 2)`."""
        flat = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        vertices = np.column_stack([flat, np.full(len(flat), z)]).astype(np.float32)
        self._add(
            vertices, np.broadcast_to((0.0, 0.0, 1.0), vertices.shape), np.arange(len(flat)).reshape(-1, 3), paint
        )

    def strip(self, left: ArrayLike, right: ArrayLike, z: float, paint: Paint) -> None:
        """Add a level band between two lines of P points each, `(P, 2)`."""
        one, two = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        points = np.stack([one[:-1], one[1:], two[1:], two[:-1]], axis=1)
        points = np.concatenate([points, np.full((len(points), 4, 1), z)], axis=2)
        self._quads(points, (0.0, 0.0, 1.0), paint)

    def upright(self, line: ArrayLike, low: float, high: float, paint: Paint) -> None:
        """Add upright faces along a line `(P, 2)` from `low` to `high` metres, facing left of its direction (x, y)."""
        path = split_line(np.asarray(line, dtype=np.float64), self._axis)
        start, end = path[:-1], path[1:]
        points = np.stack([start, end, end, start], axis=1)
        heights = np.broadcast_to(np.array([low, low, high, high])[None, :, None], (len(points), 4, 1))
        along = (end - start) / np.maximum(np.linalg.norm(end - start, axis=1, keepdims=True), 1e-9)
        normal = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(along))])
        self._quads(np.concatenate([points, heights], axis=2), normal[:, None, :], paint)

    def mesh(self, seed: int = 0) -> Mesh:
        """Return all pieces as one mesh of one part."""
        if not self._meshes:
            return empty()
        whole = join(self._meshes)
        whole.part[:] = 0
        return whole.seeded(seed)

    def _quads(self, points: NDArray[np.float64], normal: ArrayLike, paint: Paint) -> None:
        """Add `(N, 4, 3)` corners with one normal or `(N, 1, 3)` normals."""
        if not len(points):
            return
        normals = np.broadcast_to(np.asarray(normal, dtype=np.float64), points.shape).reshape(-1, 3)
        first = np.arange(len(points))[:, None] * 4
        triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])])
        self._add(points.reshape(-1, 3).astype(np.float32), normals, triangles, paint)

    def _add(
        self, vertices: NDArray[np.float32], normals: ArrayLike, triangles: NDArray[np.int64], paint: Paint
    ) -> None:
        count = len(triangles)
        self._meshes.append(
            Mesh(
                vertices, np.asarray(normals, dtype=np.float32), vertices.copy(), triangles.astype(np.int32),
                np.full(count, paint.material, np.uint8), np.full(count, paint.tag, np.uint8),
                np.broadcast_to(np.array(paint.colour, np.uint8), (count, 3)).copy(),
                np.zeros(count, np.int32), np.zeros(count, np.uint32),
            )
        )  # fmt: skip


def beside(line: Sequence[Sequence[float]] | NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """Return the line `(P, 2)` moved by `distance` metres to the side of its direction turned from x toward y."""
    path = np.asarray(line, dtype=np.float64)
    along = np.diff(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    before, after = np.concatenate([normal[:1], normal]), np.concatenate([normal, normal[-1:]])
    mean = before + after
    mean /= np.maximum((np.linalg.norm(mean, axis=1, keepdims=True) ** 2) / 2, 1e-9)
    moved: NDArray[np.float64] = path + mean * distance
    return moved
