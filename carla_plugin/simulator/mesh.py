"""Triangle meshes: the one geometry type that town, assets and renderer share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """Hold V vertices and T triangles with what the renderer must know of each.

    Attributes:
        vertices: `(V, 3)` float32, metres, in CARLA's left-handed axes (x forward, y right, z up).
        normals: `(V, 3)` float32, unit length, pointing out of the surface.
        uvw: `(V, 3)` float32, material coordinates; their meaning is listed with each `Material`.
        triangles: `(T, 3)` int32 vertex indices; both sides are visible.
        material: `(T,)` uint8, a `Material`.
        tag: `(T,)` uint8, a CARLA tag (`protocols.labels`).
        colour: `(T, 3)` uint8, sRGB base colour.
        part: `(T,)` int32, instance number within the mesh, from 0; one per thing one would count.
        seed: `(T,)` uint32, seed of procedural variation (windows, dirt); equal over one thing.
    """

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvw: NDArray[np.float32]
    triangles: NDArray[np.int32]
    material: NDArray[np.uint8]
    tag: NDArray[np.uint8]
    colour: NDArray[np.uint8]
    part: NDArray[np.int32]
    seed: NDArray[np.uint32]

    def placed(self, x: float, y: float, z: float = 0.0, yaw_deg: float = 0.0, scale: float = 1.0) -> Mesh:
        """Return this mesh turned about z by `yaw_deg`, scaled and moved to (x, y, z) metres; `uvw` stay."""
        turn = np.radians(yaw_deg)
        cos, sin = np.cos(turn), np.sin(turn)
        matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)
        moved = self.vertices @ (matrix * np.float32(scale)) + np.array([x, y, z], dtype=np.float32)
        return Mesh(
            moved.astype(np.float32), (self.normals @ matrix).astype(np.float32), self.uvw, self.triangles,
            self.material, self.tag, self.colour, self.part, self.seed,
        )  # fmt: skip

    def seeded(self, seed: int) -> Mesh:
        """Return this mesh with every triangle's procedural seed replaced by `seed`."""
        value = np.full(len(self.triangles), seed & 0xFFFFFFFF, dtype=np.uint32)
        return Mesh(
            self.vertices, self.normals, self.uvw, self.triangles,
            self.material, self.tag, self.colour, self.part, value,
        )  # fmt: skip


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Concatenate meshes; parts are renumbered so that no two meshes share one.

    Args:
        meshes: any number, also none.
    """
    if not meshes:
        return empty()
    vertex_starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    part_counts = [int(mesh.part.max()) + 1 if len(mesh.part) else 0 for mesh in meshes]
    part_starts = np.cumsum([0, *part_counts])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uvw for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + np.int32(start) for mesh, start in zip(meshes, vertex_starts, strict=False)]
        ).astype(np.int32),
        np.concatenate([mesh.material for mesh in meshes]),
        np.concatenate([mesh.tag for mesh in meshes]),
        np.concatenate([mesh.colour for mesh in meshes]),
        np.concatenate([mesh.part + np.int32(start) for mesh, start in zip(meshes, part_starts, strict=False)]).astype(
            np.int32
        ),
        np.concatenate([mesh.seed for mesh in meshes]),
    )


def empty() -> Mesh:
    """Return a mesh without triangles."""
    return Mesh(
        np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32),
        np.zeros((0, 3), np.int32), np.zeros(0, np.uint8), np.zeros(0, np.uint8), np.zeros((0, 3), np.uint8),
        np.zeros(0, np.int32), np.zeros(0, np.uint32),
    )  # fmt: skip
