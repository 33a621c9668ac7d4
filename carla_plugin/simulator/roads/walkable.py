"""Where people walk beside a user's roads: sidewalks and, for the careless, carriageways outside junctions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.navigation.polygons import Area, Point, Polygon
from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.roads.heights import covering
from carla_plugin.simulator.roads.strips import Strip
from carla_plugin.simulator.roads.surface import lifted, rank

LONGEST = 6.0  # metres of one polygon
LEAST_M2 = 0.05
MOST = 60_000  # polygons
MEET_M = 0.05  # metres within which corners are one
CELL_M = 1.0


def walkable_of(pieces: Sequence[Strip]) -> tuple[Polygon, ...]:
    """Return convex polygons that do not overlap; those of sidewalks come first where they would."""
    areas: list[Area] = []
    quads: list[Floats] = []
    for kind in (1, 0):
        for strip in pieces:
            for column, lane in enumerate(strip.lanes):
                if rank(lane.kind) == kind and (kind == 1 or strip.road.junction < 0):
                    found = _quads(strip, column)
                    quads.append(found)
                    areas += [Area.SIDEWALK if kind == 1 else Area.ROAD] * len(found)
    if not sum(map(len, quads)):
        return ()
    corners = np.concatenate(quads)
    keep = np.flatnonzero(_free(corners))[:MOST]
    rings = _met(corners[keep].reshape(-1, 3).tolist())
    return tuple(Polygon(areas[number], tuple(rings[4 * at : 4 * at + 4])) for at, number in enumerate(keep.tolist()))


def _quads(strip: Strip, column: int) -> Floats:
    """Return the `(Q, 4, 3)` convex pieces of a lane."""
    s = strip.stations
    stops = [0]
    for number in range(1, len(s)):
        if number == len(s) - 1 or s[number + 1] - s[stops[-1]] > LONGEST:
            stops.append(number)
    one, two = (line[stops] for line in lifted(strip, column))
    found = np.stack([one[:-1], two[:-1], two[1:], one[1:]], axis=1)
    flat = found[..., :2]
    ahead, behind = np.roll(flat, -1, axis=1) - flat, flat - np.roll(flat, 1, axis=1)
    turn = behind[..., 1] * ahead[..., 0] - behind[..., 0] * ahead[..., 1]
    kept: Floats = found[(turn > LEAST_M2).all(axis=1)]
    return kept


def _free(corners: Floats) -> NDArray[np.bool_]:
    """Return which of `(Q, 4, 3)` pieces overlap none that comes before them, as far as nine points of each tell."""
    u, v = np.meshgrid((0.08, 0.5, 0.92), (0.08, 0.5, 0.92))
    share = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=-1).reshape(9, 4)
    points = np.einsum("kc,qcd->qkd", share, corners[..., :2])
    faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    number = np.arange(len(corners))
    first = covering(faces, np.concatenate([number, number]), points.reshape(-1, 2)).reshape(-1, 9)
    free: NDArray[np.bool_] = (first == number[:, None]).all(axis=1)
    return free


def _met(points: list[list[float]]) -> list[Point]:
    """Return points, those that nearly meet made equal: roads follow one another with small errors between them."""
    cells: dict[tuple[int, int], list[Point]] = {}
    found: list[Point] = []
    for x, y, z in points:
        i, j = int(x // CELL_M), int(y // CELL_M)
        near = (point for a in (-1, 0, 1) for b in (-1, 0, 1) for point in cells.get((i + a, j + b), ()))
        met = next((point for point in near if max(abs(point[0] - x), abs(point[1] - y)) < MEET_M), None)
        if met is None:
            met = (x, y, z)
            cells.setdefault((i, j), []).append(met)
        found.append(met)
    return found
