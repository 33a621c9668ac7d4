"""Navigation mesh: polygons made to meet corner to corner, cut to Detour's size, each knowing its neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from carla_plugin.simulator.navigation.polygons import Area, Point, Polygon

WELD_M = 1e-3  # corners nearer than this are one
MOST_CORNERS = 6
_CELL_M = 8.0
_THIN_M2 = 1e-4  # twice the least area of a triangle that Detour may be given

Ring = list[int]


class NavigationError(ValueError):
    """The polygons are none that people could walk on."""


class NavigationMesh(NamedTuple):
    """Hold V corners and P polygons.

    Attributes:
        vertices: (x, y, z) in metres, CARLA's axes.
        rings: 3 to 6 indices of each polygon's corners, counter-clockwise where x is right and y is down.
        areas: of each polygon.
        neighbours: for each edge, from corner j to corner j + 1, the polygon beyond it, or -1.
    """

    vertices: tuple[Point, ...]
    rings: tuple[tuple[int, ...], ...]
    areas: tuple[Area, ...]
    neighbours: tuple[tuple[int, ...], ...]


def build_mesh(polygons: Iterable[Polygon]) -> NavigationMesh:
    """Join polygons to a mesh.

    Args:
        polygons: convex, touching but not overlapping; those without area are left out.

    Raises:
        NavigationError: two polygons overlap.
    """
    vertices, rings, areas = welded(polygons)
    split = _with_corners_of_others(vertices, rings)
    cut: list[tuple[int, ...]] = []
    kinds: list[Area] = []
    for ring, area in zip(split, areas, strict=True):
        facing = ring if _doubled_area(vertices, ring) < 0.0 else ring[::-1]
        for piece in _cut(vertices, facing):
            cut.append(tuple(piece))
            kinds.append(area)
    return NavigationMesh(tuple(vertices), tuple(cut), tuple(kinds), _neighbours(cut))


def stitched(polygons: Iterable[Polygon]) -> list[Polygon]:
    """Return polygons that have a corner wherever another one's corner lies on their edges."""
    vertices, rings, areas = welded(polygons)
    whole = _with_corners_of_others(vertices, rings)
    return [Polygon(area, tuple(vertices[corner] for corner in ring)) for ring, area in zip(whole, areas, strict=True)]


def welded(polygons: Iterable[Polygon]) -> tuple[list[Point], list[Ring], list[Area]]:
    """Return corners, each once, and polygons as indices of them; those without area are left out."""
    vertices: list[Point] = []
    cells: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    rings: list[Ring] = []
    areas: list[Area] = []
    for area, points in polygons:
        ring: Ring = []
        for point in points:
            number = _number(point, vertices, cells)
            if number not in ring:
                ring.append(number)
        if len(ring) >= 3 and abs(_doubled_area(vertices, ring)) > _THIN_M2:
            rings.append(ring)
            areas.append(area)
    return vertices, rings, areas


def _number(point: Point, vertices: list[Point], cells: dict[tuple[int, int, int], list[int]]) -> int:
    """Return the number of a corner, a new one if none is near; cells are a weld's width, so neighbours are asked."""
    x, y, z = (round(value / WELD_M) for value in point)
    for i in (x, x - 1, x + 1):
        for j in (y, y - 1, y + 1):
            for k in (z, z - 1, z + 1):
                found = cells.get((i, j, k))
                if found:
                    return found[0]
    cells[x, y, z].append(len(vertices))
    vertices.append(point)
    return len(vertices) - 1


def _doubled_area(vertices: Sequence[Point], ring: Sequence[int]) -> float:
    """Return the shoelace sum over (x, y)."""
    points = [vertices[corner] for corner in ring]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*points, points[0]]))


def _with_corners_of_others(vertices: Sequence[Point], rings: Sequence[Ring]) -> list[Ring]:
    """Return rings with every corner that lies within one of their edges put into it."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number in sorted({corner for ring in rings for corner in ring}):
        x, y, _ = vertices[number]
        cells[int(x // _CELL_M), int(y // _CELL_M)].append(number)
    known: dict[tuple[int, int], list[int]] = {}
    whole: list[Ring] = []
    for ring in rings:
        full: Ring = []
        for start, end in pairwise([*ring, ring[0]]):
            low, high = (start, end) if start < end else (end, start)
            if (low, high) not in known:
                known[low, high] = _within(vertices, low, high, cells)
            between = known[low, high]
            full += [start, *(between if start == low else reversed(between))]
        whole.append(full)
    return whole


def _within(vertices: Sequence[Point], start: int, end: int, cells: dict[tuple[int, int], list[int]]) -> list[int]:
    """Return the corners that lie on an edge between its ends, in order."""
    (ax, ay, az), (bx, by, bz) = vertices[start], vertices[end]
    dx, dy, dz = bx - ax, by - ay, bz - az
    length = (dx * dx + dy * dy) ** 0.5
    found: list[tuple[float, int]] = []
    low_x, high_x = sorted((ax, bx))
    low_y, high_y = sorted((ay, by))
    for i in range(int((low_x - WELD_M) // _CELL_M), int((high_x + WELD_M) // _CELL_M) + 1):
        for j in range(int((low_y - WELD_M) // _CELL_M), int((high_y + WELD_M) // _CELL_M) + 1):
            for number in cells.get((i, j), ()):
                x, y, z = vertices[number]
                if not (low_x - WELD_M <= x <= high_x + WELD_M and low_y - WELD_M <= y <= high_y + WELD_M):
                    continue
                along = ((x - ax) * dx + (y - ay) * dy) / length
                aside = abs((x - ax) * dy - (y - ay) * dx) / length
                if WELD_M < along < length - WELD_M and aside < WELD_M and abs(az + dz * along / length - z) < 0.01:
                    found.append((along, number))
    return [number for _, number in sorted(found)]


def _cut(vertices: Sequence[Point], ring: Ring) -> list[Ring]:
    """Return a ring cut by chords into rings of at most six corners, each turned so that its fan has no flat piece."""
    if len(ring) <= MOST_CORNERS:
        for shift in range(len(ring)):
            turned = ring[shift:] + ring[:shift]
            if _fans(vertices, turned):
                return [turned]
    best: tuple[int, int, int] | None = None
    count = len(ring)
    for first in range(count):
        for second in range(first + 2, count - (first == 0)):
            parts = ring[first : second + 1], ring[second:] + ring[: first + 1]
            if all(_doubled_area(vertices, part) < -_THIN_M2 for part in parts):
                uneven = abs(len(parts[0]) - len(parts[1]))
                if best is None or uneven < best[0]:
                    best = uneven, first, second
    if best is None:
        raise NavigationError(f"no chord cuts the polygon about {vertices[ring[0]]}")
    _, first, second = best
    return _cut(vertices, ring[first : second + 1]) + _cut(vertices, ring[second:] + ring[: first + 1])


def _fans(vertices: Sequence[Point], ring: Ring) -> bool:
    """Return whether all triangles from the first corner have area."""
    return all(_doubled_area(vertices, (ring[0], b, c)) < -_THIN_M2 for b, c in pairwise(ring[1:]))


def _neighbours(rings: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    owner: dict[tuple[int, int], int] = {}
    for number, ring in enumerate(rings):
        for edge in pairwise([*ring, ring[0]]):
            if edge in owner:
                raise NavigationError(f"polygons {owner[edge]} and {number} overlap")
            owner[edge] = number
    return tuple(tuple(owner.get((end, start), -1) for start, end in pairwise([*ring, ring[0]])) for ring in rings)
