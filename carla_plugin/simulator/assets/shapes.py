"""Building blocks of every asset: boxes, prisms, tubes, balls and lofts, with outward normals and a finish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh, join

Colour = tuple[int, int, int]
Point = tuple[float, float, float]


class Finish(NamedTuple):
    """Say what a surface is made of.

    Attributes:
        material: what the renderer draws.
        tag: CARLA tag, 0..28.
        colour: sRGB, 0..255 each.
    """

    material: Material
    tag: int
    colour: Colour


def surface(
    points: ArrayLike,
    triangles: ArrayLike,
    finish: Finish | tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    crease_deg: float = 0.0,
    uvw: ArrayLike | None = None,
) -> Mesh:
    """Make a mesh from points and counter-clockwise triangles (seen from outside, x right-hand-ruled into y gives z).

    Args:
        points: `(P, 3)` metres.
        triangles: `(T, 3)` indices into `points`; those without area are dropped.
        finish: one finish, or (material `(T,)`, tag `(T,)`, colour `(T, 3)`).
        crease_deg: normals are averaged over neighbouring triangles that meet at less than this angle; 0 = flat.
        uvw: `(P, 3)` or `(T, 3, 3)` material coordinates; `points` if None.
    """
    place = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    faces = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    count = len(faces)
    material = np.broadcast_to(np.asarray(finish[0], dtype=np.uint8), (count,))
    tag = np.broadcast_to(np.asarray(finish[1], dtype=np.uint8), (count,))
    colour = np.broadcast_to(np.asarray(finish[2], dtype=np.uint8), (count, 3))
    given = place if uvw is None else np.asarray(uvw, dtype=np.float64)
    corner_uvw = given if given.ndim == 3 else given[faces]
    corners = place[faces]
    normal = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.sqrt((normal * normal).sum(axis=1))
    keep = length > 1e-9
    corners, normal, corner_uvw = corners[keep], normal[keep], corner_uvw[keep]
    normals = _corner_normals(corners, normal, crease_deg)
    rows = np.concatenate([corners, normals, corner_uvw], axis=2).reshape(-1, 9).astype(np.float32)
    first, inverse = _distinct(rows)
    unique = rows[first]
    kept = len(corners)
    return Mesh(
        np.ascontiguousarray(unique[:, 0:3]), np.ascontiguousarray(unique[:, 3:6]),
        np.ascontiguousarray(unique[:, 6:9]), inverse.reshape(kept, 3).astype(np.int32),
        material[keep].copy(), tag[keep].copy(), colour[keep].copy(),
        np.zeros(kept, np.int32), np.zeros(kept, np.uint32),
    )  # fmt: skip


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `(T, 3)` cross products; most surfaces are so small that numpy's own spends its time on preparations."""
    product = np.empty_like(a)
    product[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    product[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    product[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def _distinct(rows: NDArray[np.generic]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of `(N, K)` rows come first of their kind, in ascending order, and each row's number of kind."""
    order = np.lexsort(rows.T[::-1])
    lined = rows[order]
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (lined[1:] != lined[:-1]).any(axis=1)
    inverse = np.empty(len(rows), dtype=np.int64)
    inverse[order] = np.cumsum(new) - 1
    return order[new], inverse


def _corner_normals(
    corners: NDArray[np.float64], normal: NDArray[np.float64], crease_deg: float
) -> NDArray[np.float64]:
    """Return `(T, 3, 3)` unit normals of corners `(T, 3, 3)` from area-weighted face normals `(T, 3)`."""
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    count = len(corners)
    if crease_deg <= 0 or count == 0:
        return np.repeat(unit[:, None, :], 3, axis=1)
    keys = np.round(corners.reshape(-1, 3) * 1e4).astype(np.int64)
    _, group = _distinct(keys)
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    slots = np.full((len(sizes), int(sizes.max())), -1, dtype=np.int64)
    slots[group[order], np.arange(len(order)) - starts[group[order]]] = order // 3
    neighbours = slots[group]  # (3T, K) faces around each corner
    near = np.where(neighbours >= 0, neighbours, 0)
    cosine = np.einsum("cki,ci->ck", unit[near], np.repeat(unit, 3, axis=0))
    weight = (neighbours >= 0) & (cosine > np.cos(np.radians(crease_deg)))
    total = np.einsum("ck,cki->ci", weight.astype(np.float64), normal[near])
    smooth = total / np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(smooth.reshape(count, 3, 3), dtype=np.float64)


def as_one(meshes: Sequence[Mesh], seed: int | None = None) -> Mesh:
    """Join meshes into one thing: every triangle has part 0 (and, if given, the one `seed`)."""
    whole = join(meshes)
    part = np.zeros(len(whole.triangles), np.int32)
    whole = Mesh(
        whole.vertices, whole.normals, whole.uvw, whole.triangles,
        whole.material, whole.tag, whole.colour, part, whole.seed,
    )  # fmt: skip
    return whole if seed is None else whole.seeded(seed)


def turned(mesh: Mesh, matrix: ArrayLike, offset: ArrayLike = (0.0, 0.0, 0.0)) -> Mesh:
    """Return a mesh with vertices `matrix @ vertex + offset`; `matrix` is `(3, 3)`: turns, mirrors, stretches."""
    spin = np.asarray(matrix, dtype=np.float64)
    triangles = mesh.triangles if np.linalg.det(spin) > 0 else mesh.triangles[:, ::-1].copy()
    normals = mesh.normals @ np.linalg.inv(spin)  # the inverse's transpose keeps them upright on what is stretched
    return Mesh(
        (mesh.vertices @ spin.T + np.asarray(offset, dtype=np.float32)).astype(np.float32),
        (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32), mesh.uvw, triangles,
        mesh.material, mesh.tag, mesh.colour, mesh.part, mesh.seed,
    )  # fmt: skip


def mirrored(mesh: Mesh) -> Mesh:
    """Return the mesh reflected from the right side to the left (y changes its sign)."""
    return turned(mesh, np.diag([1.0, -1.0, 1.0]))


def box(centre: Point, size: Point, finish: Finish, *, bevel: float = 0.0, bottom: bool = True) -> Mesh:
    """Make a box of full `size` (x, y, z metres) about `centre`.

    `bevel` shrinks its upper face by that much a side; what stands on the ground can do without its `bottom`.
    """
    half = np.asarray(size, dtype=np.float64) / 2
    signs = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1],
                      [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], dtype=np.float64)  # fmt: skip
    points = signs * half
    points[4:, :2] -= signs[4:, :2] * bevel
    return surface(points + np.asarray(centre, dtype=np.float64), _BOX if bottom else _BOX[2:], finish)


_BOX = np.array(
    [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
     [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]]
)  # fmt: skip


def quad(corners: ArrayLike, finish: Finish, uvw: ArrayLike | None = None) -> Mesh:
    """Make a flat face from `(4, 3)` corners, counter-clockwise seen from outside; `uvw` `(4, 3)` at the corners."""
    return surface(corners, [[0, 1, 2], [0, 2, 3]], finish, uvw=uvw)


def grid(
    points: ArrayLike,
    finish: Finish | tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    crease_deg: float = 0.0,
    uvw: ArrayLike | None = None,
) -> Mesh:
    """Make a sheet from a lattice of points; outside is where (along rows) x (along columns) points.

    Args:
        points: `(R, C, 3)` metres.
        finish: one for all, or (material, tag, colour) arrays broadcastable to `(R-1, C-1)` and `(R-1, C-1, 3)`.
        crease_deg: as in `surface`.
        uvw: `(R, C, 3)` or None.
    """
    place = np.asarray(points, dtype=np.float64)
    rows, columns = place.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    low, right, up, both = index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]
    triangles = np.stack([np.stack([low, right, both], -1), np.stack([low, both, up], -1)], axis=2).reshape(-1, 3)
    cells = (rows - 1, columns - 1)
    spread: tuple[ArrayLike, ArrayLike, ArrayLike] = (
        np.repeat(np.broadcast_to(np.asarray(finish[0], np.uint8), cells).reshape(-1), 2),
        np.repeat(np.broadcast_to(np.asarray(finish[1], np.uint8), cells).reshape(-1), 2),
        np.repeat(np.broadcast_to(np.asarray(finish[2], np.uint8), (*cells, 3)).reshape(-1, 3), 2, axis=0),
    )
    flat = None if uvw is None else np.asarray(uvw, dtype=np.float64).reshape(-1, 3)
    return surface(place.reshape(-1, 3), triangles, spread, crease_deg=crease_deg, uvw=flat)


def polygon(points: ArrayLike, finish: Finish) -> Mesh:
    """Make a flat convex face from `(P, 3)` points, counter-clockwise seen from outside."""
    place = np.asarray(points, dtype=np.float64)
    fan = [[0, i, i + 1] for i in range(1, len(place) - 1)]
    return surface(place, fan, finish)


def loft(rings: ArrayLike, finish: Finish, *, crease_deg: float = 0.0, caps: bool = True) -> Mesh:
    """Make a closed skin through rings of points.

    Args:
        rings: `(R, P, 3)` metres; each ring counter-clockwise seen from the side of the last ring, not repeated.
        finish: of skin and caps.
        crease_deg: as in `surface`.
        caps: whether the first and the last ring are closed (they must be convex).
    """
    place = np.asarray(rings, dtype=np.float64)
    closed = np.concatenate([place, place[:, :1]], axis=1)
    parts = [grid(np.swapaxes(closed, 0, 1), finish, crease_deg=crease_deg)]
    if caps:
        parts += [polygon(place[0, ::-1], finish), polygon(place[-1], finish)]
    return as_one(parts)


def extruded(profile: ArrayLike, half_width: float, finish: Finish, *, taper: float = 0.0) -> Mesh:
    """Make a convex side profile `(P, 2)` of (x, z), counter-clockwise seen with x right and z up, into a body.

    It reaches `half_width` to both sides in y; `taper` shortens that at the profile's highest point.
    """
    side = np.asarray(profile, dtype=np.float64)
    low, high = side[:, 1].min(), side[:, 1].max()
    reach = half_width - taper * (side[:, 1] - low) / max(high - low, 1e-9)
    right = np.stack([side[:, 0], reach, side[:, 1]], axis=1)
    return loft(np.stack([right, right * [1, -1, 1]]), finish)


def tube(start: ArrayLike, end: ArrayLike, radius: float, finish: Finish, *, end_radius: float | None = None,
         sides: int = 8, caps: bool = True) -> Mesh:  # fmt: skip
    """Make a round bar from `start` to `end` (metres), `radius` at its start and `end_radius` at its end."""
    first, last = np.asarray(start, np.float64), np.asarray(end, np.float64)
    return pipe(np.stack([first, last]), [radius, radius if end_radius is None else end_radius], finish,
                sides=sides, caps=caps)  # fmt: skip


def pipe(path: ArrayLike, radii: ArrayLike, finish: Finish, *, sides: int = 8, caps: bool = True,
         flat: float = 1.0, up: ArrayLike = (0.0, 0.0, 1.0)) -> Mesh:  # fmt: skip
    """Make a round bar along a path.

    Args:
        path: `(N, 3)` metres.
        radii: `(N,)` metres, or one for all.
        finish: of skin and caps.
        sides: corners of its cross section.
        caps: whether its ends are closed.
        flat: the radius along the second axis of the cross section is this many times `radii`.
        up: direction near which the first axis of the cross section lies.
    """
    line = np.asarray(path, dtype=np.float64)
    radius = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(line),))
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    hint = np.asarray(up, dtype=np.float64)
    if np.abs(along @ hint).max() > 0.95 * np.linalg.norm(hint):
        hint = np.array([1.0, 0.0, 0.0]) if abs(hint[0]) < 0.5 else np.array([0.0, 1.0, 0.0])
    second = np.cross(along, hint)
    second /= np.maximum(np.linalg.norm(second, axis=1, keepdims=True), 1e-12)
    first = np.cross(second, along)
    angle = np.arange(sides) * (2 * np.pi / sides) + np.pi / sides
    around = (first[:, None] * np.cos(angle)[None, :, None]
              - second[:, None] * (flat * np.sin(angle))[None, :, None])  # fmt: skip
    rings = line[:, None] + around * radius[:, None, None]
    return loft(rings[:, ::-1], finish, crease_deg=60.0, caps=caps)


def cone(base: ArrayLike, tip: ArrayLike, radius: float, finish: Finish, *, sides: int = 10) -> Mesh:
    """Make a cone with a closed base of `radius` metres."""
    return tube(base, tip, radius, finish, end_radius=1e-4, sides=sides)


def ball(centre: ArrayLike, radii: ArrayLike, finish: Finish, *, sides: int = 10, rings: int = 6) -> Mesh:
    """Make an ellipsoid with half axes `radii` (x, y, z metres) about `centre`."""
    height = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    angle = np.arange(sides + 1) * (2 * np.pi / sides)
    unit = np.stack(
        [np.cos(angle)[:, None] * np.cos(height), np.sin(angle)[:, None] * np.cos(height),
         np.broadcast_to(np.sin(height), (sides + 1, rings + 1))], axis=-1,
    )  # fmt: skip
    unit[-1] = unit[0]
    half = np.asarray(radii, dtype=np.float64)
    return grid(unit * half + np.asarray(centre, dtype=np.float64), finish, crease_deg=80.0)


def rotation(axis: str, angle_deg: float) -> NDArray[np.float64]:
    """Return the `(3, 3)` rotation about 'x', 'y' or 'z' that takes the next axis (cyclic) toward the one after."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    first = {"x": 1, "y": 2, "z": 0}[axis]
    second = (first + 1) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[second, first], matrix[first, second] = sin, -sin
    return matrix
