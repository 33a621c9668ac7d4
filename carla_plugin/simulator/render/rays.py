"""Rays: what each of many rays meets first, exactly, in the town and on its actors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render.bvh import build_tree
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.render.geometry import STATIC_INSTANCE, Placed, Pool, unroll
from carla_plugin.simulator.render.hiding import Hiding
from carla_plugin.simulator.render.visibility import cut_out

_FOLIAGE = int(Material.FOLIAGE)
_FENCE = int(Material.FENCE)
_SPREAD = 0.0025  # metres that a beam is wide for each metre it has gone; finer foliage is drawn by chance
_KEPT_TRIANGLES = 500_000  # of about 200 bytes
Bands = Callable[[int, Callable[[int, int], None]], None]


class Hits(NamedTuple):
    """Hold what N rays have met.

    Attributes:
        distance: `(N,)` float64 metres, infinite where nothing is met.
        cosine: `(N,)` float64 of the angle between ray and surface normal, 0..1.
        tag: `(N,)` uint8 CARLA tags, 0 where nothing is met.
        actor: `(N,)` int64 actor ids, 0 for what never moves.
        material: `(N,)` uint8 `Material`, 255 where nothing is met.
        part: `(N,)` int64 part of the town, or of the actor's mesh; -1 where nothing is met.
    """

    distance: NDArray[np.float64]
    cosine: NDArray[np.float64]
    tag: NDArray[np.uint8]
    actor: NDArray[np.int64]
    material: NDArray[np.uint8]
    part: NDArray[np.int64]


class Shape(NamedTuple):
    """Hold triangles as rays read them; the first four are a `Tree`, the others as in `Arrays`."""

    bounds: NDArray[np.float32]
    first: NDArray[np.int32]
    held: NDArray[np.int32]
    order: NDArray[np.int32]
    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    uvw: NDArray[np.float32]
    material: NDArray[np.uint8]
    tag: NDArray[np.uint8]
    seed: NDArray[np.uint32]
    instance: NDArray[np.uint32]

    def radius(self) -> float:
        """Return how far the furthest corner of the bounds lies from the origin, metres."""
        return float(np.linalg.norm(np.abs(self.bounds[0].astype(np.float64)).reshape(2, 3).max(axis=0)))


class Tracer:
    """Send rays into a town; used by one thread at a time."""

    def __init__(self, pool: Pool, in_bands: Bands) -> None:
        """Sort the town's triangles into a tree, which takes a few tenths of a second.

        Args:
            pool: whose static triangles are the town.
            in_bands: calls a function with (first, last) over a number of rays, at once where there are threads.
        """
        self._in_bands = in_bands
        pool.hide(frozenset())  # the tree is that of the whole town
        static = pool.static_arrays()
        tree = build_tree(static.position)
        corners = static.position.copy()  # what pictures leave out, rays still meet
        self._town = Shape(
            *tree, corners, static.normal, static.uvw, static.material, static.tag, static.seed, static.instance
        )
        self._part = static.instance
        self._hiding = Hiding()
        self._shapes: dict[int, tuple[Mesh, Shape]] = {}
        self._kept = 0

    def trace(
        self, origin: NDArray[np.float64], directions: NDArray[np.float64], reach: NDArray[np.float64],
        placed: Sequence[Placed], inside: int, gone: frozenset[int] = frozenset(),
    ) -> Hits:  # fmt: skip
        """Return what rays meet.

        Args:
            origin: `(3,)` float64 world metres, where all of them start.
            directions: `(N, 3)` float64 unit vectors, world axes.
            reach: `(N,)` float64 metres, how far each of them goes.
            placed: the actors.
            inside: id of the actor whose walls are passed from within, 0 for none.
            gone: parts of the town that are not there.
        """
        count = len(directions)
        hits = Hits(
            reach.copy(), np.zeros(count), np.zeros(count, np.uint8), np.full(count, -1, np.int64),
            np.full(count, 255, np.uint8), np.full(count, -1, np.int64),
        )  # fmt: skip
        self._hiding.hide(gone, self._town.position, self._part, STATIC_INSTANCE)
        furthest = float(reach.max(initial=0.0))
        shapes: list[tuple[NDArray[np.float64], NDArray[np.float64], Shape, int, bool]] = []
        for each in placed:
            shape = self._shape(each.mesh)
            place = np.array(each.transform.location, dtype=np.float64)
            if len(shape.position) and float(np.linalg.norm(place - origin)) - shape.radius() <= furthest:
                turn = axes(each.transform.rotation)
                shapes.append((turn, place, shape, each.actor_id, each.actor_id == inside != 0))
        shapes.append((np.eye(3), np.zeros(3), self._town, 0, False))

        def shoot(first: int, last: int) -> None:
            part: list[Any] = [field[first:last] for field in hits]
            for turn, place, shape, actor, from_within in shapes:
                trace_shape(origin, directions[first:last], turn, place, *shape, actor, from_within, *part)

        self._in_bands(count, shoot)
        missed = hits.actor < 0
        hits.distance[missed] = np.inf
        hits.actor[missed] = 0
        return hits

    def _shape(self, mesh: Mesh) -> Shape:
        """Return a mesh with its tree; kept by identity, the last used ones as long as they are not too many."""
        held = self._shapes.pop(id(mesh), None)
        if held is None or held[0] is not mesh:
            a = unroll(mesh)
            tree = build_tree(a.position)
            held = mesh, Shape(*tree, a.position, a.normal, a.uvw, a.material, a.tag, a.seed, a.instance)
            self._kept += len(a.position)
            while self._kept > _KEPT_TRIANGLES and self._shapes:
                self._kept -= len(self._shapes.pop(next(iter(self._shapes)))[1].position)
        self._shapes[id(mesh)] = held
        return held[1]


@numba.njit(cache=True, nogil=True)
def trace_shape(
    origin: NDArray[np.float64], directions: NDArray[np.float64], turn: NDArray[np.float64],
    place: NDArray[np.float64], bounds: NDArray[np.float32], first: NDArray[np.int32], held: NDArray[np.int32],
    order: NDArray[np.int32], position: NDArray[np.float32], normal: NDArray[np.float32], uvw: NDArray[np.float32],
    material: NDArray[np.uint8], tags: NDArray[np.uint8], seeds: NDArray[np.uint32],
    instances: NDArray[np.uint32], actor: int, from_within: bool,
    distance: NDArray[np.float64], cosine: NDArray[np.float64], tag: NDArray[np.uint8], actors: NDArray[np.int64],
    kinds: NDArray[np.uint8], parts: NDArray[np.int64],
) -> None:  # fmt: skip
    """Shorten the rays that meet one shape, and write what they meet.

    Args:
        origin: `(3,)` float64 world metres.
        directions: `(N, 3)` float64 unit vectors.
        turn: `(3, 3)` float64 axes of the shape as rows.
        place: `(3,)` float64 of the shape.
        bounds: it and the next ten are a `Shape`.
        first: see there.
        held: see there.
        order: see there.
        position: see there.
        normal: see there.
        uvw: see there.
        material: see there.
        tags: see there.
        seeds: see there.
        instances: see there.
        actor: id to be written.
        from_within: walls that face away from the ray are passed.
        distance: `(N,)` float64 how far the rays go; written.
        cosine: `(N,)` float64, written.
        tag: `(N,)` uint8, written.
        actors: `(N,)` int64, written.
        kinds: `(N,)` uint8, written.
        parts: `(N,)` int64, written.
    """
    if position.shape[0] == 0:
        return
    stack = np.empty(256, np.int64)
    o = np.empty(3, np.float64)
    d = np.empty(3, np.float64)
    back = np.empty(3, np.float64)
    for row in range(3):
        o[row] = 0.0
        for k in range(3):
            o[row] += turn[row, k] * (origin[k] - place[k])
    for ray in range(directions.shape[0]):
        for row in range(3):
            d[row] = 0.0
            for k in range(3):
                d[row] += turn[row, k] * directions[ray, k]
            back[row] = 1.0 / d[row] if abs(d[row]) > 1e-18 else math.copysign(1e18, d[row])
        reach = distance[ray]
        found = -1
        if _enters(bounds, 0, o, back, reach) == np.inf:
            continue
        stack[0] = 0
        waiting = 1
        while waiting > 0:
            waiting -= 1
            node = stack[waiting]
            if held[node] == 0:
                left: Any = np.int64(first[node])
                right: Any = left + 1
                to_left = _enters(bounds, left, o, back, reach)
                to_right = _enters(bounds, right, o, back, reach)
                if to_left > to_right:
                    left, right = right, left
                    to_left, to_right = to_right, to_left
                if to_right < np.inf:
                    stack[waiting] = right
                    waiting += 1
                if to_left < np.inf:
                    stack[waiting] = left
                    waiting += 1
                continue
            for at in range(first[node], first[node] + held[node]):
                t = order[at]
                p = position[t]
                ax, ay, az = np.float64(p[0, 0]), np.float64(p[0, 1]), np.float64(p[0, 2])
                e1x, e1y, e1z = p[1, 0] - ax, p[1, 1] - ay, p[1, 2] - az
                e2x, e2y, e2z = p[2, 0] - ax, p[2, 1] - ay, p[2, 2] - az
                hx, hy, hz = d[1] * e2z - d[2] * e2y, d[2] * e2x - d[0] * e2z, d[0] * e2y - d[1] * e2x
                volume = e1x * hx + e1y * hy + e1z * hz
                if volume == 0.0:
                    continue
                sx, sy, sz = o[0] - ax, o[1] - ay, o[2] - az
                f1 = (sx * hx + sy * hy + sz * hz) / volume
                if f1 < -1e-12 or f1 > 1.0 + 1e-12:
                    continue
                qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
                f2 = (d[0] * qx + d[1] * qy + d[2] * qz) / volume
                if f2 < -1e-12 or f1 + f2 > 1.0 + 1e-12:
                    continue
                far = (e2x * qx + e2y * qy + e2z * qz) / volume
                if far <= 0.0 or far > reach or (far == reach and found < 0) or (far == reach and t > found):
                    continue
                f0 = 1.0 - f1 - f2
                if from_within:
                    n = normal[t]
                    away = 0.0
                    for k in range(3):
                        away += d[k] * (f0 * n[0, k] + f1 * n[1, k] + f2 * n[2, k])
                    if away > 0.0:
                        continue
                nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
                facing = abs(nx * d[0] + ny * d[1] + nz * d[2]) / math.sqrt(nx * nx + ny * ny + nz * nz)
                kind: Any = np.int64(material[t])
                if kind in (_FOLIAGE, _FENCE):
                    u = f0 * uvw[t, 0, 0] + f1 * uvw[t, 1, 0] + f2 * uvw[t, 2, 0]
                    v = f0 * uvw[t, 0, 1] + f1 * uvw[t, 1, 1] + f2 * uvw[t, 2, 1]
                    w = f0 * uvw[t, 0, 2] + f1 * uvw[t, 1, 2] + f2 * uvw[t, 2, 2]
                    variation: Any = np.int64(seeds[t])
                    if cut_out(kind, u, v, w, variation, far * _SPREAD, facing):
                        continue
                reach = far
                found = t
                cosine[ray] = facing
        if found >= 0:
            distance[ray] = reach
            tag[ray] = tags[found]
            actors[ray] = actor
            kinds[ray] = material[found]
            parts[ray] = np.int64(instances[found]) - np.int64(STATIC_INSTANCE)


@numba.njit(cache=True, nogil=True)
def _enters(
    bounds: NDArray[np.float32], node: int, o: NDArray[np.float64], back: NDArray[np.float64], reach: float
) -> float:
    """Return how far a ray goes before it enters a box, infinite if it does not within its reach."""
    near, far = 0.0, reach
    for axis in range(3):
        a = (bounds[node, axis] - o[axis]) * back[axis]
        b = (bounds[node, 3 + axis] - o[axis]) * back[axis]
        near = max(near, min(a, b))
        far = min(far, max(a, b))
    return near if near <= far * 1.000000001 + 1e-9 else np.inf
