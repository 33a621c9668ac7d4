"""Geometry pool: the static town sorted into chunks once, moving actors written into a tail behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.render.hiding import Hiding
from carla_plugin.simulator.render.swaying import CALM, Swaying
from protocols.carla_rpc.types import Transform

CHUNK = 64  # triangles culled together
STATIC_INSTANCE = 1 << 31  # instance numbers below are actor ids: they are never used twice, so there can be many
_CELL_M = 12.0


class Placed(NamedTuple):
    """Put a mesh into the world for one frame.

    Attributes:
        actor_id: CARLA's actor number; becomes the instance number of all its pixels.
        mesh: object-local geometry.
        transform: where it stands.
        lights: VehicleLightState bits (1 position, 2 low beam, 4 high beam, 8 brake, ...), 0 for none.
    """

    actor_id: int
    mesh: Mesh
    transform: Transform
    lights: int


class Arrays(NamedTuple):
    """Hold T triangles unrolled, as the kernels read them.

    Attributes:
        position: `(T, 3, 3)` float32 world metres of the three corners.
        normal: `(T, 3, 3)` float32.
        uvw: `(T, 3, 3)` float32 material coordinates.
        material: `(T,)` uint8.
        tag: `(T,)` uint8.
        colour: `(T, 3)` float32, linear light 0..1.
        instance: `(T,)` uint32.
        seed: `(T,)` uint32.
        lights: `(T,)` uint16 VehicleLightState bits of the actor.
        bounds: `(C, 6)` float32 lowest and highest corner of each chunk.
        start: `(C,)` int32 first triangle of each chunk.
        stop: `(C,)` int32 triangle behind its last.
    """

    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    uvw: NDArray[np.float32]
    material: NDArray[np.uint8]
    tag: NDArray[np.uint8]
    colour: NDArray[np.float32]
    instance: NDArray[np.uint32]
    seed: NDArray[np.uint32]
    lights: NDArray[np.uint16]
    bounds: NDArray[np.float32]
    start: NDArray[np.int32]
    stop: NDArray[np.int32]


def linear(colour: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return sRGB bytes of any shape as linear light in 0..1, float32."""
    level = np.arange(256) / 255.0
    table = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return table[colour]


class Pool:
    """Own the triangles of a town and, behind them, of the actors of the present frame."""

    def __init__(self, scene: Mesh) -> None:
        """Sort the static scene into chunks of near triangles.

        Args:
            scene: all that never moves, world axes.
        """
        corners = scene.vertices[scene.triangles] if len(scene.triangles) else np.zeros((0, 3, 3), np.float32)
        order = _near_order(corners)
        self._static = len(order)
        self._capacity = self._static
        self._chunks = 0
        self._key: tuple[object, ...] | None = None
        self._held: Sequence[Placed] = ()  # keeps the meshes of the key alive, so that an id is never used twice
        self._unrolled: dict[int, tuple[Mesh, Arrays]] = {}
        self.arrays = _take(unroll(scene), order)
        self._static_chunks = len(self.arrays.start)
        self.count = self._static
        self.signal_of_part = _signal_of_part(scene)
        self._hiding = Hiding()
        self._swaying = Swaying(self.arrays.material)
        self._built_bounds = self.arrays.bounds.copy()

    @property
    def first_moving(self) -> int:
        """Return the number of the first actor's first triangle; the others follow in their order."""
        return self._static

    def static_arrays(self) -> Arrays:
        """Return the town's triangles alone, without chunks; views that no actor changes."""
        a = self.arrays
        fields: list[Any] = [field[: self._static] for field in a[:9]]
        return Arrays(*[*fields, a.bounds[:0], a.start[:0], a.stop[:0]])

    def hide(self, parts: frozenset[int], gust: tuple[float, float] = CALM) -> None:
        """Leave these parts of the town out, and no others, and let its leaves be where a gust has them.

        Args:
            parts: their numbers in the scene.
            gust: metres that leaves are out of their place at most, and radians of the swing.
        """
        a = self.arrays
        still = gust == self._swaying.gust and (gust[0] <= 0.0 or parts == self._hiding.hidden)
        if not still:
            self._swaying.settle(a.position[: self._static])
        self._hiding.hide(parts, a.position[: self._static], a.instance[: self._static], STATIC_INSTANCE)
        if not still:
            self._swaying.swing(gust, a.position[: self._static])
            room = np.float32(gust[0]) * np.array([-1, -1, 0, 1, 1, 0], np.float32)
            a.bounds[: self._static_chunks] = self._built_bounds + room

    def place(self, placed: Sequence[Placed]) -> None:
        """Write the actors of a frame behind the static triangles; nothing is done if none has moved."""
        key = tuple((p.actor_id, id(p.mesh), p.transform, p.lights) for p in placed)
        if key == self._key:
            return
        self._key, self._held = key, tuple(placed)
        needed = self._static + sum(len(p.mesh.triangles) for p in placed)
        chunks = self._static_chunks + sum(-(-len(p.mesh.triangles) // CHUNK) for p in placed)
        if needed > len(self.arrays.position) or chunks > len(self.arrays.start):
            self._grow(needed + needed // 4, chunks + chunks // 4)
        arrays = self.arrays
        at, chunk = self._static, self._static_chunks
        for p in placed:
            template = self._template(p.mesh)
            count = len(template.position)
            part = slice(at, at + count)
            rotation = axes(p.transform.rotation)
            place = np.array(p.transform.location, dtype=np.float64)
            _transform(template.position, template.normal, rotation, place, arrays.position, arrays.normal, at)
            arrays.uvw[part], arrays.material[part], arrays.tag[part] = template.uvw, template.material, template.tag
            arrays.colour[part], arrays.seed[part] = template.colour, template.seed
            arrays.instance[part] = p.actor_id & 0xFFFFFFFF
            arrays.lights[part] = p.lights & 0xFFFF
            for start in range(at, at + count, CHUNK):
                arrays.start[chunk], arrays.stop[chunk] = start, min(start + CHUNK, at + count)
                chunk += 1
            at += count
        _bound(arrays.position, arrays.start, arrays.stop, arrays.bounds, self._static_chunks, chunk)
        arrays.start[chunk:] = 0
        arrays.stop[chunk:] = 0
        self.count = at

    def _template(self, mesh: Mesh) -> Arrays:
        """Return a mesh unrolled; a few hundred are kept, by identity."""
        held = self._unrolled.get(id(mesh))
        if held is None or held[0] is not mesh:
            if len(self._unrolled) > 512:
                self._unrolled.clear()
            held = (mesh, unroll(mesh))
            self._unrolled[id(mesh)] = held
        return held[1]

    def _grow(self, triangles: int, chunks: int) -> None:
        """Make room for more triangles and chunks; static ones are kept."""
        old = self.arrays
        rooms: list[Any] = []
        for name in Arrays._fields:
            array = getattr(old, name)
            chunked = name in ("bounds", "start", "stop")
            room = np.zeros((chunks if chunked else triangles, *array.shape[1:]), dtype=array.dtype)
            kept = self._static_chunks if chunked else self._static
            room[:kept] = array[:kept]
            rooms.append(room)
        self.arrays = Arrays(*rooms)


def _signal_of_part(scene: Mesh) -> NDArray[np.int64]:
    """Return `(P,)` int64: the signal whose lenses a part holds, as its material coordinates say, or -1."""
    found = np.full(int(scene.part.max(initial=-1)) + 1, -1, np.int64)
    lenses = scene.material == Material.SIGNAL_LENS
    if lenses.any():
        found[scene.part[lenses]] = np.rint(scene.uvw[scene.triangles[lenses, 0], 1]).astype(np.int64)
    return found


def _near_order(corners: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the stable order of triangles by the Morton number of their cell on the ground."""
    cell = np.floor(corners.mean(axis=1)[:, :2] / _CELL_M).astype(np.int64) if len(corners) else np.zeros((0, 2), int)
    cell = cell - cell.min(axis=0, initial=0)
    code = np.zeros(len(corners), np.int64)
    for bit in range(16):
        code |= ((cell[:, 0] >> bit) & 1) << (2 * bit) | ((cell[:, 1] >> bit) & 1) << (2 * bit + 1)
    return np.argsort(code, kind="stable")


def unroll(mesh: Mesh) -> Arrays:
    """Return a mesh's triangles unrolled, without chunks."""
    index = mesh.triangles.astype(np.int64)
    count = len(index)
    return Arrays(
        np.ascontiguousarray(mesh.vertices[index], np.float32).reshape(count, 3, 3),
        np.ascontiguousarray(mesh.normals[index], np.float32).reshape(count, 3, 3),
        np.ascontiguousarray(mesh.uvw[index], np.float32).reshape(count, 3, 3),
        mesh.material.astype(np.uint8), mesh.tag.astype(np.uint8), linear(mesh.colour.astype(np.uint8)),
        (mesh.part.astype(np.int64) + STATIC_INSTANCE).astype(np.uint32), mesh.seed.astype(np.uint32),
        np.zeros(count, np.uint16), np.zeros((0, 6), np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32),
    )  # fmt: skip


def _take(arrays: Arrays, order: NDArray[np.int64]) -> Arrays:
    """Return the triangles in another order, in chunks with their bounds."""
    start = np.arange(0, len(order), CHUNK, dtype=np.int32)
    stop = np.minimum(start + CHUNK, len(order)).astype(np.int32)
    bounds = np.zeros((len(start), 6), np.float32)
    fields: list[Any] = [np.ascontiguousarray(array[order]) for array in arrays[:9]]
    _bound(fields[0], start, stop, bounds, 0, len(start))
    return Arrays(*[*fields, bounds, start, stop])


def lamp_triangles(mesh: Mesh, material: Material) -> NDArray[np.float32]:
    """Return `(K, 3)` float32 middles of a mesh's triangles of one material."""
    chosen = mesh.triangles[mesh.material == material]
    return mesh.vertices[chosen].mean(axis=1).astype(np.float32) if len(chosen) else np.zeros((0, 3), np.float32)


@numba.njit(cache=True, nogil=True)
def _transform(
    local: NDArray[np.float32], normal: NDArray[np.float32], rotation: NDArray[np.float64],
    place: NDArray[np.float64], out: NDArray[np.float32], out_normal: NDArray[np.float32], at: int,
) -> None:  # fmt: skip
    """Write local triangles and normals, turned and moved, from triangle `at` on."""
    for t in range(local.shape[0]):
        for k in range(3):
            x, y, z = np.float64(local[t, k, 0]), np.float64(local[t, k, 1]), np.float64(local[t, k, 2])
            u, v, w = np.float64(normal[t, k, 0]), np.float64(normal[t, k, 1]), np.float64(normal[t, k, 2])
            for axis in range(3):
                a, b, c = rotation[0, axis], rotation[1, axis], rotation[2, axis]
                out[at + t, k, axis] = x * a + y * b + z * c + place[axis]
                out_normal[at + t, k, axis] = u * a + v * b + w * c


@numba.njit(cache=True, nogil=True)
def _bound(
    position: NDArray[np.float32], start: NDArray[np.int32], stop: NDArray[np.int32], bounds: NDArray[np.float32],
    first: int, last: int,
) -> None:  # fmt: skip
    """Write the lowest and highest corner of chunks first..last."""
    for chunk in range(first, last):
        for axis in range(3):
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for t in range(start[chunk], stop[chunk]):
                for k in range(3):
                    low = min(low, position[t, k, axis])
                    high = max(high, position[t, k, axis])
            bounds[chunk, axis] = low
            bounds[chunk, 3 + axis] = high
