"""Detour: a navigation mesh as the set file of one tile that CARLA's client loads, and back.

The file's axes are (x, up, y of CARLA). Everything is little endian; blocks follow each other without padding.
"""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.navigation.mesh import NavigationError, NavigationMesh
from carla_plugin.simulator.navigation.polygons import Area, Point

SET_MAGIC, SET_VERSION = 0x4D534554, 1
TILE_MAGIC, TILE_VERSION = 0x444E4156, 7
CELL_M = 0.3  # of the bounding volumes
MARGIN_M = 1.0  # beyond the corners: what is asked farther away is moved to the rim
WALKER_HEIGHT_M, WALKER_RADIUS_M, CLIMB_M = 1.8, 0.3, 0.3
MOST_POLYGONS, MOST_VERTICES = 32766, 65534

_SET = struct.Struct("<3i5f2i")
_TILE_REFERENCE = struct.Struct("<Ii")
_HEADER = struct.Struct("<5iI9i10f")
_POLYGON = np.dtype([("link", "<u4"), ("corners", "<u2", 6), ("beyond", "<u2", 6), ("flags", "<u2"), ("count", "u1"),
                     ("area", "u1")])  # fmt: skip
_DETAIL = np.dtype([("vertex", "<u4"), ("triangle", "<u4"), ("vertices", "u1"), ("triangles", "u1"), ("pad", "<u2")])
_VOLUME = np.dtype([("low", "<u2", 3), ("high", "<u2", 3), ("number", "<i4")])
_LINK_BYTES = 12


def encode(mesh: NavigationMesh) -> bytes:
    """Return the file.

    Args:
        mesh: at least one polygon.

    Raises:
        NavigationError: there are none, or too many polygons or corners.
    """
    count, corners = len(mesh.rings), len(mesh.vertices)
    if not 0 < count <= MOST_POLYGONS or corners > MOST_VERTICES:
        raise NavigationError(f"expected 1..{MOST_POLYGONS} polygons, {MOST_VERTICES} corners, got {count}, {corners}")
    vertices = np.asarray(mesh.vertices, np.float64)[:, [0, 2, 1]]
    low, high = vertices.min(axis=0) - MARGIN_M, vertices.max(axis=0) + MARGIN_M
    sizes = np.array([len(ring) for ring in mesh.rings])
    volumes = _volumes(mesh, vertices, low, _cell(low, high))
    slots, fans = int(sizes.sum()), int((sizes - 2).sum())
    data = b"".join([
        _HEADER.pack(
            TILE_MAGIC, TILE_VERSION, 0, 0, 0, 0, count, corners, slots, count, 0, fans, len(volumes), 0, count,
            WALKER_HEIGHT_M, WALKER_RADIUS_M, CLIMB_M, *low, *high, 1.0 / _cell(low, high),
        ),
        vertices.astype("<f4").tobytes(), _polygons(mesh), bytes(_LINK_BYTES * slots), *_details(sizes),
        volumes.tobytes(),
    ])  # fmt: skip
    reference = 1 << (count - 1).bit_length()  # salt 1; one tile takes no bits
    head = _SET.pack(SET_MAGIC, SET_VERSION, 1, *low, high[0] - low[0], high[2] - low[2], 1, count)
    return head + _TILE_REFERENCE.pack(reference, len(data)) + data


def _cell(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Return the size of a bounding volume's cell: one that 16 bits can count across the whole."""
    return max(CELL_M, float((high - low).max()) / 65000.0)


def _polygons(mesh: NavigationMesh) -> bytes:
    rows = np.zeros(len(mesh.rings), _POLYGON)
    rows["link"] = 0xFFFFFFFF
    for number, (ring, beyond) in enumerate(zip(mesh.rings, mesh.neighbours, strict=True)):
        rows["corners"][number, : len(ring)] = ring
        rows["beyond"][number, : len(ring)] = [other + 1 for other in beyond]
        rows["count"][number] = len(ring)
    rows["area"] = [int(area) for area in mesh.areas]
    rows["flags"] = [1 << int(area) for area in mesh.areas]
    return rows.tobytes()


def _details(sizes: NDArray[np.int64]) -> tuple[bytes, bytes]:
    """Return records and triangles of the detail meshes: fans over the polygons' own corners."""
    rows = np.zeros(len(sizes), _DETAIL)
    rows["triangles"] = sizes - 2
    rows["triangle"] = np.concatenate([[0], np.cumsum(sizes - 2)[:-1]])
    fan = bytearray()
    for size in sizes.tolist():
        for corner in range(2, size):  # two bits an edge: 1 = on the polygon's border
            fan += bytes((0, corner - 1, corner, 4 + (corner == 2) + 16 * (corner == size - 1)))
    return rows.tobytes(), bytes(fan)


def _volumes(
    mesh: NavigationMesh, vertices: NDArray[np.float64], origin: NDArray[np.float64], cell: float
) -> NDArray[np.void]:
    """Return the tree of bounding volumes, depth first, halved along the longest side of each."""
    steps = np.floor((vertices - origin) * (1.0 / cell)).astype(np.int64)
    low = np.array([steps[list(ring)].min(axis=0) for ring in mesh.rings])
    high = np.array([steps[list(ring)].max(axis=0) for ring in mesh.rings]) + 1
    rows = np.zeros(2 * len(mesh.rings) - 1, _VOLUME)
    pending: list[NDArray[np.int64]] = [np.arange(len(mesh.rings))]
    at = 0
    while pending:
        members = pending.pop()
        rows["low"][at], rows["high"][at] = low[members].min(axis=0), high[members].max(axis=0)
        if len(members) == 1:
            rows["number"][at] = members[0]
        else:
            rows["number"][at] = 1 - 2 * len(members)
            extent = rows["high"][at].astype(np.int64) - rows["low"][at]
            ordered = members[np.argsort(low[members, int(extent.argmax())], kind="stable")]
            half = len(members) // 2
            pending += [ordered[half:], ordered[:half]]
        at += 1
    return rows


def decode(data: bytes) -> NavigationMesh:
    """Read a file of one tile and check all that the client relies on.

    Raises:
        NavigationError: it is none, or something in it would mislead or crash a client.
    """
    try:
        return _decoded(data)
    except (struct.error, ValueError, IndexError) as error:
        raise NavigationError(f"not a navigation mesh: {error}") from error


def _decoded(data: bytes) -> NavigationMesh:
    magic, version, tiles, *_, most_tiles, most = _SET.unpack_from(data)
    reference, size = _TILE_REFERENCE.unpack_from(data, _SET.size)
    start = _SET.size + _TILE_REFERENCE.size
    header = _HEADER.unpack_from(data, start)
    count, corners, slots, details, extra, fans, volumes, off_mesh = header[6:14]
    _expect("set", (magic, version, tiles, most_tiles), (SET_MAGIC, SET_VERSION, 1, 1))
    _expect("tile", header[:6], (TILE_MAGIC, TILE_VERSION, 0, 0, 0, 0))
    _expect("counts", (details, extra, off_mesh, volumes), (count, 0, 0, 2 * count - 1))
    _expect("reference", reference, 1 << (most - 1).bit_length())
    at = start + _HEADER.size
    vertices = np.frombuffer(data, "<f4", 3 * corners, at).reshape(-1, 3).astype(np.float64)
    at += 12 * corners
    rows = np.frombuffer(data, _POLYGON, count, at)
    at += _POLYGON.itemsize * count + _LINK_BYTES * slots
    records = np.frombuffer(data, _DETAIL, count, at)
    at += _DETAIL.itemsize * count + 4 * fans
    tree = np.frombuffer(data, _VOLUME, volumes, at)
    at += _VOLUME.itemsize * volumes
    _expect("bytes", (size, len(data)), (at - start, at))
    sizes = rows["count"].astype(np.int64)
    _expect("detail triangles", records["triangles"].tolist(), (sizes - 2).tolist())
    _expect("link slots", slots, int(sizes.sum()))
    _expect("leaves", sorted(tree["number"][tree["number"] >= 0].tolist()), list(range(count)))
    _expect("flags", rows["flags"].tolist(), [1 << (int(area) & 63) for area in rows["area"]])
    points: tuple[Point, ...] = tuple((float(x), float(y), float(z)) for x, z, y in vertices)
    rings = tuple(tuple(row["corners"][: row["count"]].tolist()) for row in rows)
    beyond = tuple(tuple(int(other) - 1 for other in row["beyond"][: row["count"]]) for row in rows)
    mesh = NavigationMesh(points, rings, tuple(Area(int(area) & 63) for area in rows["area"]), beyond)
    _check(mesh)
    return mesh


def _check(mesh: NavigationMesh) -> None:
    """Hold a mesh to what Detour takes for granted."""
    edges = {edge: number for number, ring in enumerate(mesh.rings) for edge in pairwise([*ring, ring[0]])}
    for number, (ring, beyond) in enumerate(zip(mesh.rings, mesh.neighbours, strict=True)):
        points = [mesh.vertices[corner] for corner in ring]
        doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*points, points[0]]))
        if not 3 <= len(ring) <= 6 or doubled >= 0.0:
            raise NavigationError(f"polygon {number}: {len(ring)} corners, turning the wrong way or flat")
        there = tuple(edges.get((end, start), -1) for start, end in pairwise([*ring, ring[0]]))
        if there != beyond:
            raise NavigationError(f"polygon {number}: neighbours {beyond}, but {there} share its edges")


def _expect(name: str, got: object, expected: object) -> None:
    if got != expected:
        raise NavigationError(f"{name}: expected {expected}, got {got}"[:200])
