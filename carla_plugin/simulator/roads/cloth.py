"""Cloth: the pieces of surface of which the ground of a road network is sewn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.mesh import Mesh, empty, join
from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.town.surface import Paint


class Cloth:
    """Collect bands and grids as one mesh; `uvw` are world metres."""

    def __init__(self) -> None:
        self._meshes: list[Mesh] = []

    def band(self, left: Floats, right: Floats, paint: Paint, part: int = 0) -> None:
        """Add the surface between two lines of P points, `(P, 3)` metres, seen from the side of left x right."""
        if len(left) > 1:
            self.sheet(np.stack([left, right], axis=1), paint, part)

    def sheet(self, points: Floats, paint: Paint, part: int = 0) -> None:
        """Add a grid of points `(S, E, 3)` in metres; normals look along (first axis) x (second axis)."""
        rows, columns = points.shape[:2]
        along, aside = np.gradient(points, axis=0), np.gradient(points, axis=1)
        normals = np.cross(along, aside)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        normals = np.where(length > 1e-12, normals / np.maximum(length, 1e-12), (0.0, 0.0, 1.0))
        index = np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
        triangles = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]).reshape(-1, 3)
        self.add(points.reshape(-1, 3), normals.reshape(-1, 3), triangles, paint, part)

    def add(self, points: Floats, normals: Floats, triangles: NDArray[np.int64], paint: Paint, part: int = 0) -> None:
        """Add triangles `(T, 3)` over points `(V, 3)` with normals `(V, 3)`."""
        vertices, count = points.astype(np.float32), len(triangles)
        self._meshes.append(
            Mesh(
                vertices, normals.astype(np.float32), vertices.copy(), triangles.astype(np.int32),
                np.full(count, paint.material, np.uint8), np.full(count, paint.tag, np.uint8),
                np.broadcast_to(np.array(paint.colour, np.uint8), (count, 3)).copy(),
                np.full(count, part, np.int32), np.zeros(count, np.uint32),
            )
        )  # fmt: skip

    def mesh(self) -> Mesh:
        """Return all pieces as one mesh; pieces of one part stay one thing."""
        if not self._meshes:
            return empty()
        parts = np.concatenate([mesh.part for mesh in self._meshes])
        whole = join(self._meshes)
        whole.part[:] = np.unique(parts, return_inverse=True)[1].reshape(-1)
        return whole
