"""The ground of a town: carriageways, kerbs, pavements, verges and land, all from the plan; and its height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.town.bend import split_line
from carla_plugin.simulator.town.markings import draw_markings
from carla_plugin.simulator.town.plan import CORNER_RADIUS, KERB_HEIGHT, SIDES, District, Line, Node, Plan
from carla_plugin.simulator.town.surface import Paint, Surface, beside

ROAD, SIDEWALK, TERRAIN, OPEN_GROUND = 1, 2, 10, 25
KERB_WIDTH = 0.18
UNDER = 0.05  # metres below the road
FAR = 1200.0  # metres of land around the town


def build_ground(plan: Plan, rng: np.random.Generator) -> Mesh:
    """Return everything flat: streets, crossings, markings, kerbs, pavements and land."""
    surface = Surface(plan.bend.axis)
    shade = int(rng.integers(62, 84))
    asphalt = Paint(Material.ASPHALT, ROAD, (shade, shade, shade + int(rng.integers(0, 5))))
    tone = rng.integers(138, 176)
    paving = Paint(
        Material.PAVING, SIDEWALK, (int(tone + rng.integers(0, 10)), int(tone), int(tone - rng.integers(2, 14)))
    )
    stone = Paint(Material.CONCRETE, SIDEWALK, (int(tone) + 14, int(tone) + 13, int(tone) + 10))
    grass = Paint(Material.GRASS, TERRAIN, (82 + int(rng.integers(0, 14)), 100 + int(rng.integers(0, 10)), 62))
    for link in plan.links:
        _street(surface, plan.line(link.start, link.side), link.side, plan.span(link), asphalt, paving, stone, grass)
    for node in plan.nodes():
        _crossing(surface, plan, node, asphalt, paving, stone)
    _land(surface, plan, grass, asphalt)
    draw_markings(surface, plan)
    return surface.mesh(plan.seed)


def _street(
    surface: Surface, line: Line, axis: int, span: tuple[float, float], asphalt: Paint, paving: Paint, stone: Paint,
    grass: Paint,
) -> None:  # fmt: skip
    """Add one street between its crossings."""
    low, high = span

    def band(inner: float, outer: float) -> tuple[float, float, float, float]:
        first, second = sorted((line.position + inner, line.position + outer))
        return (low, high, first, second) if axis == 0 else (first, second, low, high)

    surface.rects([band(-line.half, line.half)], 0.0, asphalt)
    for sign in (-1.0, 1.0):
        kerb, verge = line.half + KERB_WIDTH, line.half + line.verge
        edge = line.position + sign * line.half
        path = [(low, edge), (high, edge)] if axis == 0 else [(edge, low), (edge, high)]
        facing = path if (sign > 0) == (axis == 0) else path[::-1]
        surface.upright(facing, 0.0, KERB_HEIGHT, stone)
        surface.rects([band(sign * line.half, sign * kerb)], KERB_HEIGHT, stone)
        if line.verge:
            surface.rects([band(sign * kerb, sign * verge)], KERB_HEIGHT, grass)
        surface.rects([band(sign * max(kerb, verge), sign * line.reserve)], KERB_HEIGHT, paving)


def _crossing(surface: Surface, plan: Plan, node: Node, asphalt: Paint, paving: Paint, stone: Paint) -> None:
    """Add one crossing: its carriageway, and kerb and pavement around each corner."""
    rim: list[NDArray[np.float64]] = []
    for kerb, back in corners(plan, node):
        rim.append(kerb)
        inner = beside(kerb, -KERB_WIDTH)
        surface.upright(kerb[::-1], 0.0, KERB_HEIGHT, stone)
        surface.strip(kerb, inner, KERB_HEIGHT, stone)
        eye = back[1] * 0.9 + inner[len(inner) // 2] * 0.1
        surface.fan(eye, np.concatenate([back[:1], inner, back[:0:-1]]), KERB_HEIGHT, paving)
    surface.fan(plan.place(node), np.concatenate(rim), 0.0, asphalt)


def corners(plan: Plan, node: Node) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the kerbs of a crossing, clockwise from above in order of arms, and the back of the pavement behind each.

    Returns:
        For each kerb its line `(P, 2)` in metres, with the crossing on the side turned from x toward y, and three
        points `(3, 2)` of the pavement's back: beside its begin, the middle (or corner), beside its end.
    """
    centre = np.array(plan.place(node))
    arms = plan.arms(node)
    found = []
    for index, side in enumerate(arms):
        following = arms[(index + 1) % len(arms)]
        turn = (following - side) % 4
        one, two = np.array(SIDES[side], float), np.array(SIDES[following], float)
        line, other = plan.line(node, side), plan.line(node, following)
        reach, other_reach = plan.reach(node, side), plan.reach(node, following)
        right = np.array([-one[1], one[0]])  # from arm toward the kerb that comes next, clockwise
        other_left = np.array([two[1], -two[0]])
        begin = one * reach + right * line.half
        end = two * other_reach + other_left * other.half
        begin_back = one * reach + right * line.reserve
        end_back = two * other_reach + other_left * other.reserve
        if turn == 2:
            kerb = split_line(np.array([begin, end]) + centre, plan.bend.axis) - centre
            middle = (begin_back + end_back) / 2
        else:
            # Quarter ellipse from `begin`, along -one, to `end`, along two; inner corners are round, outer ones wide.
            focus = begin + (end - begin) @ two * two
            angle = np.linspace(0.0, np.pi / 2, 7 if turn == 1 else 13)[:, None]
            kerb = focus + (begin - focus) * np.cos(angle) + (end - focus) * np.sin(angle)
            middle = right * line.reserve + other_left * other.reserve
        back = np.array([begin_back, middle, end_back])
        found.append((kerb + centre, back + centre))
    return found


def _land(surface: Surface, plan: Plan, grass: Paint, asphalt: Paint) -> None:
    """Add the land of every cell, and the country around the town."""
    paved = Paint(Material.PAVING, OPEN_GROUND, (132, 126, 118))
    gravel = Paint(Material.CONCRETE, OPEN_GROUND, (120, 113, 101))
    ground = {District.DOWNTOWN: paved, District.OLD_TOWN: paved, District.WORKS: gravel}
    for i in range(-1, plan.blocks + 1):
        for j in range(-1, plan.blocks + 1):
            surface.rects([plan.cell_bounds((i, j))], KERB_HEIGHT, ground.get(plan.districts[(i, j)], grass))
    west, east, north, south = outer_bounds(plan)
    # Where two pieces meet in a rounding error, this is seen instead of the sky.
    surface.rects([(west, east, north, south)], -UNDER, asphalt)
    surface.rects(
        [(west - FAR, east + FAR, north - FAR, north), (west - FAR, east + FAR, south, south + FAR),
         (west - FAR, west, north, south), (east, east + FAR, north, south)], KERB_HEIGHT, grass,
    )  # fmt: skip


def outer_bounds(plan: Plan) -> tuple[float, float, float, float]:
    """Return (x low, x high, y low, y high) of the town's land."""
    low, high = plan.cell_bounds((-1, -1)), plan.cell_bounds((plan.blocks, plan.blocks))
    return low[0], high[1], low[2], high[3]


class GroundHeight:
    """Answer how high the ground lies: 0 on the carriageway, a kerb higher elsewhere."""

    def __init__(self, plan: Plan) -> None:
        self._bend = plan.bend
        self._columns = np.array([line.position for line in plan.columns])
        self._rows = np.array([line.position for line in plan.rows])
        self._half_x = [line.half for line in plan.columns]
        self._half_y = [line.half for line in plan.rows]
        self._arms = {(node.column, node.row): frozenset(plan.arms(node)) for node in plan.nodes()}
        self._sides = np.zeros((len(plan.columns), len(plan.rows), 4), dtype=np.bool_)
        for node in plan.nodes():
            self._sides[node.column, node.row, plan.arms(node)] = True

    def __call__(self, x: float, y: float) -> float:
        """Return the height at (x, y) in metres."""
        x, y = self._bend.unplace(x, y)
        i, j = int(np.abs(self._columns - x).argmin()), int(np.abs(self._rows - y).argmin())
        dx, dy = x - float(self._columns[i]), y - float(self._rows[j])
        half_x, half_y = self._half_x[i], self._half_y[j]
        arms = self._arms[(i, j)]
        on_column, on_row = abs(dx) <= half_x, abs(dy) <= half_y
        if on_column and on_row and len(arms) > 2:
            return 0.0
        if on_row and not on_column and (0 if dx > 0 else 2) in arms:
            return 0.0
        if on_column and not on_row and (1 if dy > 0 else 3) in arms:
            return 0.0
        return 0.0 if self._in_corner(dx, dy, half_x, half_y, arms) else KERB_HEIGHT

    def many(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the `(...)` heights in metres at points `(..., 2)`, each as the call for it alone would say."""
        x, y = points[..., 0], points[..., 1]
        other = y if self._bend.axis == 0 else x
        turn = 2.0 * np.pi / self._bend.wavelength
        shift = self._bend.slope / turn * np.sin(turn * other + self._bend.phase)
        x, y = (x - shift, y) if self._bend.axis == 0 else (x, y - shift)
        i = np.abs(self._columns - x[..., None]).argmin(axis=-1)
        j = np.abs(self._rows - y[..., None]).argmin(axis=-1)
        dx, dy = x - self._columns[i], y - self._rows[j]
        half_x, half_y = np.array(self._half_x)[i], np.array(self._half_y)[j]
        arms = self._sides[i, j]  # (..., 4)
        count = arms.sum(axis=-1)
        on_column, on_row = np.abs(dx) <= half_x, np.abs(dy) <= half_y
        beside_x, beside_y = np.where(dx > 0, arms[..., 0], arms[..., 2]), np.where(dy > 0, arms[..., 1], arms[..., 3])
        road = (on_column & on_row & (count > 2)) | (on_row & ~on_column & beside_x) | (on_column & ~on_row & beside_y)
        turns = count == 2  # as in `_in_corner`
        far_x = half_x + CORNER_RADIUS - np.where(turns, np.where(arms[..., 0], dx, -dx), np.abs(dx))
        far_y = half_y + CORNER_RADIUS - np.where(turns, np.where(arms[..., 1], dy, -dy), np.abs(dy))
        outside = far_x**2 + far_y**2 >= CORNER_RADIUS**2
        wide = (far_x / (2 * half_x + CORNER_RADIUS)) ** 2 + (far_y / (2 * half_y + CORNER_RADIUS)) ** 2
        corner = (far_x >= 0) & (far_y >= 0) & outside & np.where(turns, wide <= 1.0, beside_x & beside_y)
        return np.where(road | corner, 0.0, KERB_HEIGHT)

    @staticmethod
    def _in_corner(dx: float, dy: float, half_x: float, half_y: float, arms: frozenset[int]) -> bool:
        """Tell whether a point near a crossing lies on the carriageway between two arms, where kerbs are round."""
        if len(arms) == 2:  # the outer kerb of a bend is a quarter ellipse about the focus of the inner one
            x = dx if 0 in arms else -dx
            y = dy if 1 in arms else -dy
            far_x, far_y = half_x + CORNER_RADIUS - x, half_y + CORNER_RADIUS - y
            if min(far_x, far_y) < 0:
                return False
            wide = (far_x / (2 * half_x + CORNER_RADIUS)) ** 2 + (far_y / (2 * half_y + CORNER_RADIUS)) ** 2
            return wide <= 1.0 and far_x**2 + far_y**2 >= CORNER_RADIUS**2
        if (0 if dx > 0 else 2) not in arms or (1 if dy > 0 else 3) not in arms:
            return False
        far_x, far_y = half_x + CORNER_RADIUS - abs(dx), half_y + CORNER_RADIUS - abs(dy)
        return far_x >= 0 and far_y >= 0 and far_x**2 + far_y**2 >= CORNER_RADIUS**2
