"""Where people walk in a town: pavements, zebras with ramps, roads for the careless, and islands inside blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, cos, pi, sin

import numpy as np

from carla_plugin.simulator.navigation.mesh import stitched
from carla_plugin.simulator.navigation.polygons import Area, Point, Polygon
from carla_plugin.simulator.town.bend import STEP
from carla_plugin.simulator.town.ground import KERB_WIDTH
from carla_plugin.simulator.town.plan import KERB_HEIGHT, SIDES, STOP_LINE, Line, Link, Node, Plan

INSET_M = 0.35  # a walker's middle may go to the very edge of a polygon
RAMP_M = 0.4  # of the carriageway's rim, over which feet come down from the kerb
ZEBRA_M = (STOP_LINE - 2.2 - 1.5, STOP_LINE - 2.2 + 1.5)  # from the begin of a street
ISLAND_M, ISLANDS_APART_M = 1.0, 16.0
ARC_STEPS = 8

Flat = tuple[float, float]


def walkable_of(plan: Plan) -> tuple[Polygon, ...]:
    """Return the polygons of a plan in the world; those that touch have the touching corners in common."""
    ways = list(_walks_and_roads(plan))
    flat = [*ways, *_apart(_islands(plan), ways)]
    pieces = [piece for polygon in flat for piece in _sliced(polygon, 1 - plan.bend.axis)]
    return tuple(
        Polygon(area, tuple((*plan.bend.place(x, y), z) for x, y, z in points)) for area, points in stitched(pieces)
    )


def _walks_and_roads(plan: Plan) -> Iterator[Polygon]:
    for link in plan.links:
        yield from _street(plan, link)
    for node in plan.nodes():
        yield from _crossing(plan, node)


def pavement(line: Line) -> Flat:
    """Return from where to where one may walk beside a street, metres from its middle."""
    return line.half + max(KERB_WIDTH, line.verge) + INSET_M, line.reserve - INSET_M


def _street(plan: Plan, link: Link) -> Iterator[Polygon]:
    """Yield both pavements and the carriageway of a street; people cross it where the zebras are."""
    line, axis = plan.line(link.start, link.side), link.side
    low, high = plan.span(link)

    def band(area: Area, along: Flat, near: Flat, far: Flat) -> Polygon:
        """Return a band from (offset, z) `near` to `far`."""
        corners = ((along[0], *near), (along[1], *near), (along[1], *far), (along[0], *far))
        if axis == 0:
            return Polygon(area, tuple((s, line.position + t, z) for s, t, z in corners))
        return Polygon(area, tuple((line.position + t, s, z) for s, t, z in corners))

    inner, outer = pavement(line)
    for sign in (-1.0, 1.0):
        level = (sign * inner, KERB_HEIGHT), (sign * outer, KERB_HEIGHT)
        yield band(Area.SIDEWALK, (low, high), *level)
    profile = [(inner, KERB_HEIGHT), (line.half, KERB_HEIGHT), (line.half - RAMP_M, 0.0)]
    across = [(-t, z) for t, z in profile] + profile[::-1]
    zebras = []
    if len(plan.arms(link.start)) > 2:
        zebras.append((low + ZEBRA_M[0] + INSET_M, low + ZEBRA_M[1] - INSET_M))
    if len(plan.arms(link.end)) > 2:
        zebras.append((high - ZEBRA_M[1] + INSET_M, high - ZEBRA_M[0] - INSET_M))
    cuts = [low, *(edge for zebra in zebras for edge in zebra), high]
    for along in pairwise(cuts):
        area = Area.CROSSWALK if along in zebras else Area.ROAD
        for near, far in pairwise(across):
            yield band(area, along, near, far)


def _crossing(plan: Plan, node: Node) -> Iterator[Polygon]:
    """Yield the pavements around the corners of a crossing, and its carriageway."""
    arms = plan.arms(node)
    rims = []
    for index, side in enumerate(arms):
        kerb = _Kerb(plan, node, side, arms[(index + 1) % len(arms)])
        rims.append(kerb.line(-RAMP_M))
        begin, end, heart = kerb.pavement()
        edge = [*begin, *kerb.line(KERB_WIDTH + INSET_M), *end]
        for near, far in pairwise(edge):
            yield _level(Area.SIDEWALK, (heart, near, far), KERB_HEIGHT)
    if len(arms) == 2 and len(rims[0]) > 2:  # a bend: its kerbs are curves about one point
        for (near, far), (far_across, near_across) in zip(
            pairwise(rims[0]), list(pairwise(rims[1]))[::-1], strict=True
        ):
            yield _level(Area.ROAD, (near, far, far_across, near_across), 0.0)
        return
    rim = [point for line in rims for point in line]
    for near, far in pairwise([*rim, rim[0]]):
        yield _level(Area.ROAD, (plan.place(node), near, far), 0.0)


class _Kerb:
    """The kerb of a crossing between one arm and the next."""

    def __init__(self, plan: Plan, node: Node, side: int, following: int) -> None:
        self._centre = np.array(plan.place(node))
        self._turn = (following - side) % 4
        self._one, self._two = np.array(SIDES[side], float), np.array(SIDES[following], float)
        self._right = np.array([-self._one[1], self._one[0]])
        self._left = np.array([self._two[1], -self._two[0]])
        self._lines = plan.line(node, side), plan.line(node, following)
        self._reach = plan.reach(node, side), plan.reach(node, following)

    def line(self, behind: float) -> list[Flat]:
        """Return points along the kerb, moved `behind` it by so many metres."""
        begin = self._one * self._reach[0] + self._right * self._lines[0].half
        end = self._two * self._reach[1] + self._left * self._lines[1].half
        focus = begin + (end - begin) @ self._two * self._two
        begin, end = begin + self._right * behind, end + self._left * behind
        if self._turn == 2:
            return [self._flat(begin), self._flat(end)]
        angles = [pi / 2 * step / ARC_STEPS for step in range(ARC_STEPS + 1)]
        return [self._flat(focus + (begin - focus) * cos(a) + (end - focus) * sin(a)) for a in angles]

    def pavement(self) -> tuple[list[Flat], list[Flat], Flat]:
        """Return where the pavements of both arms begin, outer and inner corner, and the point that sees them all."""
        (inner, outer), (other_inner, other_outer) = (pavement(line) for line in self._lines)
        begin = [self._one * self._reach[0] + self._right * offset for offset in (outer, inner)]
        end = [self._two * self._reach[1] + self._left * offset for offset in (other_inner, other_outer)]
        heart = self._right * outer + self._left * other_outer
        if self._turn == 2:
            heart = (begin[0] + end[1]) / 2
        return [self._flat(point) for point in begin], [self._flat(point) for point in end], self._flat(heart)

    def _flat(self, point: np.ndarray) -> Flat:
        x, y = (point + self._centre).tolist()
        return x, y


def _level(area: Area, points: tuple[Flat, ...], z: float) -> Polygon:
    return Polygon(area, tuple((x, y, z) for x, y in points))


def _islands(plan: Plan) -> Iterator[Polygon]:
    """Yield small lawns all over the land behind the pavements.

    The client dies of a person who is more than 12 m from all that is walkable; who finds himself inside a block has
    one of these near.
    """
    for i in range(-1, plan.blocks + 1):
        for j in range(-1, plan.blocks + 1):
            west, east, north, south = plan.cell_bounds((i, j))
            for x in _spread(west, east):
                for y in _spread(north, south):
                    corners = ((x, y), (x + ISLAND_M, y), (x + ISLAND_M, y + ISLAND_M), (x, y + ISLAND_M))
                    yield _level(Area.GRASS, corners, KERB_HEIGHT)


def _apart(islands: Iterable[Polygon], ways: Sequence[Polygon]) -> Iterator[Polygon]:
    """Yield those islands that no way comes near; at the town's outer corners land reaches under the pavement."""
    boxes = np.array([_box(way) for way in ways])
    for island in islands:
        west, north, east, south = _box(island)
        near = (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < south) & (boxes[:, 3] > north)
        if not near.any():
            yield island


def _box(polygon: Polygon) -> tuple[float, float, float, float]:
    """Return lowest x and y, highest x and y."""
    x, y, _ = zip(*polygon.points, strict=True)
    return min(x), min(y), max(x), max(y)


def _spread(low: float, high: float) -> list[float]:
    """Return where islands begin along one side of a piece of land."""
    low, high = low + INSET_M, high - INSET_M - ISLAND_M
    if high < low:
        return []
    return np.linspace(low, high, max(2, ceil((high - low) / ISLANDS_APART_M) + 1)).tolist() if high > low else [low]


def _sliced(polygon: Polygon, axis: int) -> list[Polygon]:
    """Return a polygon cut at every multiple of `STEP` along an axis, so that it can follow the town's bends."""
    along = [point[axis] for point in polygon.points]
    low, high = min(along), max(along)
    cuts = [n * STEP for n in range(ceil(low / STEP + 1e-6), ceil(high / STEP - 1e-6))]
    slices = [low - 1.0, *cuts, high + 1.0]
    pieces = [_clipped(_clipped(polygon.points, axis, near, 1.0), axis, far, -1.0) for near, far in pairwise(slices)]
    return [Polygon(polygon.area, piece) for piece in pieces if len(piece) > 2]


def _clipped(points: tuple[Point, ...], axis: int, limit: float, sign: float) -> tuple[Point, ...]:
    """Return the part of a convex polygon where `sign * coordinate >= sign * limit`."""
    kept: list[Point] = []
    for here, there in pairwise((*points, *points[:1])):
        inside, next_inside = sign * (here[axis] - limit) >= 0.0, sign * (there[axis] - limit) >= 0.0
        if inside:
            kept.append(here)
        if inside != next_inside:
            share = (limit - here[axis]) / (there[axis] - here[axis])
            x, y, z = (a + (b - a) * share for a, b in zip(here, there, strict=True))
            kept.append((limit, y, z) if axis == 0 else (x, limit, z))
    return tuple(kept)
