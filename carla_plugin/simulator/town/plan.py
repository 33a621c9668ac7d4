"""The street plan of a town: lines of streets, the links that exist between their crossings, and districts, by seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.town.bend import Bend
from carla_plugin.simulator.town.character import GRID, Character

SIDES = ((1, 0), (0, 1), (-1, 0), (0, -1))  # directions of the arms of a node: +x, +y, -x, -y (clockwise from above)
CORNER_RADIUS = 6.0  # metres, of the kerb where two streets meet
KERB_HEIGHT = 0.15  # metres
STOP_LINE = 5.2  # metres from the end of a street back to its stop line; the zebra lies between
BUILT_UP_KMH = 50
MARGIN = 48.0  # metres of building land outside the outermost streets


class District(IntEnum):
    """Character of a block."""

    DOWNTOWN = 0  # tall facades at the pavement
    OLD_TOWN = 1  # brick and plaster, three to five floors
    SUBURB = 2  # low houses in gardens behind fences, walls and hedges
    PARK = 3  # grass and trees behind a low wall or railing
    WORKS = 4  # yards behind long walls and hoardings


class Node(NamedTuple):
    """Name a crossing by its column and its row."""

    column: int
    row: int

    def beside(self, side: int) -> Node:
        """Return the next crossing toward `SIDES[side]`."""
        return Node(self.column + SIDES[side][0], self.row + SIDES[side][1])


@dataclass(frozen=True)
class Line:
    """Describe one line of streets through the whole town; widths in metres, counted from its middle outward.

    Attributes:
        position: x of a column, y of a row.
        lanes: driving lanes in each direction, 1 or 2.
        lane_width: of each driving lane.
        parking: width of the parking lane on each side, 0 for none.
        verge: width of the grass between kerb and pavement, 0 for none.
        walk: width of the pavement.
        yellow: whether the middle line is yellow and double, else white and broken.
        speed_kmh: speed for which it is laid out.
    """

    position: float
    lanes: int
    lane_width: float
    parking: float
    verge: float
    walk: float
    yellow: bool
    speed_kmh: int

    @property
    def limit_kmh(self) -> int:
        """Speed limit on the signs: 30 in built-up areas, where faster traffic blocks small crossings."""
        return self.speed_kmh if self.speed_kmh > BUILT_UP_KMH else 30

    @property
    def driving(self) -> float:
        """Width of the driving lanes on one side."""
        return self.lanes * self.lane_width

    @property
    def half(self) -> float:
        """Distance from the middle to the kerb."""
        return self.driving + self.parking

    @property
    def reserve(self) -> float:
        """Distance from the middle to the building land."""
        return self.half + self.verge + self.walk


class Link(NamedTuple):
    """Join `start` to its neighbour `end` in +x (side 0) or +y (side 1)."""

    start: Node
    side: int

    @property
    def end(self) -> Node:
        """The crossing at the far end."""
        return self.start.beside(self.side)


@dataclass(frozen=True)
class Plan:
    """Hold the street plan: everything that OpenDRIVE, ground and placement agree on.

    Attributes:
        seed: number of the town.
        columns: streets along y, by x.
        rows: streets along x, by y.
        links: the streets between neighbouring crossings that exist, in a fixed order.
        signalled: crossings with traffic lights.
        bend: how the plan lies in the world; all other coordinates are the plan's.
        districts: district of cell (column, row), -1..blocks each: the cell between lines `column` and `column + 1`.
    """

    seed: int
    columns: tuple[Line, ...]
    rows: tuple[Line, ...]
    links: tuple[Link, ...]
    signalled: frozenset[Node]
    bend: Bend
    districts: dict[tuple[int, int], District]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_present", frozenset(self.links))

    @property
    def blocks(self) -> int:
        """Return how many blocks lie along each axis."""
        return len(self.columns) - 1

    def has(self, link: Link) -> bool:
        """Tell whether a street exists."""
        return link in self._present  # type: ignore[attr-defined]

    def nodes(self) -> list[Node]:
        """Return all crossings, column by column."""
        return [Node(i, j) for i in range(len(self.columns)) for j in range(len(self.rows))]

    def arm(self, node: Node, side: int) -> Link | None:
        """Return the street that leaves `node` toward `SIDES[side]`, or None."""
        link = Link(node, side) if side < 2 else Link(node.beside(side), side - 2)
        return link if self.has(link) else None

    def arms(self, node: Node) -> list[int]:
        """Return the sides of `node` that have a street."""
        return [side for side in range(4) if self.arm(node, side) is not None]

    def place(self, node: Node) -> tuple[float, float]:
        """Return (x, y) of a crossing in metres."""
        return self.columns[node.column].position, self.rows[node.row].position

    def line(self, node: Node, side: int) -> Line:
        """Return the line on which the street from `node` toward `side` lies."""
        return self.rows[node.row] if side % 2 == 0 else self.columns[node.column]

    def reach(self, node: Node, side: int) -> float:
        """Return how far from the middle of `node` the street toward `side` begins, in metres."""
        crossing = self.columns[node.column] if side % 2 == 0 else self.rows[node.row]
        return crossing.half + CORNER_RADIUS

    def span(self, link: Link) -> tuple[float, float]:
        """Return where a street begins and ends along its axis (x or y), in metres."""
        axis = link.side
        return (
            self.place(link.start)[axis] + self.reach(link.start, axis),
            self.place(link.end)[axis] - self.reach(link.end, axis + 2),
        )

    def cell_sides(self, cell: tuple[int, int]) -> list[bool]:
        """Tell for the sides +x, +y, -x, -y of a cell whether a street runs along it."""
        i, j = cell
        return [
            self.has(Link(Node(i + 1, j), 1)), self.has(Link(Node(i, j + 1), 0)),
            self.has(Link(Node(i, j), 1)), self.has(Link(Node(i, j), 0)),
        ]  # fmt: skip

    def cell_bounds(self, cell: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return (x low, x high, y low, y high) of a cell's land behind the pavements, in metres.

        Where no street runs along a side, the land reaches to the middle between the cells.
        """
        plus_x, plus_y, minus_x, minus_y = self.cell_sides(cell)
        return (
            self._edge(self.columns, cell[0], minus_x), self._edge(self.columns, cell[0] + 1, plus_x, -1),
            self._edge(self.rows, cell[1], minus_y), self._edge(self.rows, cell[1] + 1, plus_y, -1),
        )  # fmt: skip

    @staticmethod
    def _edge(lines: tuple[Line, ...], index: int, street: bool, sign: int = 1) -> float:
        if index < 0:
            return lines[0].position - lines[0].reserve - MARGIN
        if index >= len(lines):
            return lines[-1].position + lines[-1].reserve + MARGIN
        return lines[index].position + (sign * lines[index].reserve if street else 0.0)


def make_plan(seed: int, character: Character = GRID) -> Plan:
    """Draw the street plan of town `seed`; equal seeds and characters give equal plans."""
    rng = np.random.Generator(np.random.PCG64(seed))
    yellow = bool(rng.random() < 0.5)
    lane_width = float(rng.choice([3.3, 3.5, 3.6]))
    columns = _lines(rng, character, yellow, lane_width)
    rows = _lines(rng, character, yellow, lane_width)
    links = _links(rng, character)
    plan = Plan(seed, columns, rows, links, frozenset(), _bend(rng, character), _districts(rng, character))
    signalled = [
        node for node in plan.nodes()
        if len(plan.arms(node)) > 2 and rng.random() < (1.0 if _wide(plan, node) else character.signalled)
    ]  # fmt: skip
    return Plan(seed, columns, rows, links, frozenset(signalled), plan.bend, plan.districts)


def _bend(rng: np.random.Generator, character: Character) -> Bend:
    return Bend(
        int(rng.integers(2)),
        float(rng.uniform(*character.slope)),
        float(rng.uniform(200.0, 340.0)),
        float(rng.uniform(0.0, 6.28)),
    )


def _wide(plan: Plan, node: Node) -> bool:
    return plan.columns[node.column].lanes + plan.rows[node.row].lanes > 2


def _lines(rng: np.random.Generator, character: Character, yellow: bool, lane_width: float) -> tuple[Line, ...]:
    """Draw the lines along one axis, about the origin."""
    gaps = rng.uniform(*character.gaps, character.blocks)
    positions = np.concatenate([[0.0], np.cumsum(gaps)])
    positions -= positions[-1] / 2
    avenues = set(rng.choice(character.blocks + 1, size=character.avenues, replace=False).tolist())
    lines = []
    for index, position in enumerate(positions):
        lanes = 2 if index in avenues else 1
        parking = float(rng.choice(character.parking)) if lanes == 1 else 0.0
        verge = float(rng.choice(character.verge))
        walk = float(np.round(rng.uniform(2.6, 3.9), 1))
        speed = character.avenue_kmh if lanes == 2 else int(rng.choice(character.street_kmh))
        lines.append(
            Line(float(np.round(position, 1)), lanes, lane_width, parking, verge, walk, yellow and lanes == 2, speed)
        )
    return tuple(lines)


def _links(rng: np.random.Generator, character: Character) -> tuple[Link, ...]:
    """Draw which streets exist: a few inner streets are missing, and no crossing loses two arms."""
    blocks = character.blocks
    every = [Link(Node(i, j), side) for i in range(blocks + 1) for j in range(blocks + 1) for side in (0, 1)]
    every = [link for link in every if link.end.column <= blocks and link.end.row <= blocks]
    degree = {Node(i, j): 0 for i in range(blocks + 1) for j in range(blocks + 1)}
    for link in every:
        degree[link.start] += 1
        degree[link.end] += 1
    kept = set(every)
    wanted = int(rng.integers(character.missing[0], character.missing[1] + 1))
    for index in rng.permutation(len(every)).tolist():
        link = every[index]
        across = link.start.row if link.side == 0 else link.start.column
        if wanted and 0 < across < blocks and degree[link.start] == 4 and degree[link.end] == 4:
            kept.remove(link)
            degree[link.start] -= 1
            degree[link.end] -= 1
            wanted -= 1
    return tuple(link for link in every if link in kept)


def _districts(rng: np.random.Generator, character: Character) -> dict[tuple[int, int], District]:
    """Draw the districts: downtown about a heart off the middle, suburbs outside, a few parks and works anywhere."""
    blocks = character.blocks
    heart = rng.uniform(0.8, blocks - 1.8, 2)
    districts = {}
    for i in range(-1, blocks + 1):
        for j in range(-1, blocks + 1):
            distance = float(np.hypot(i - heart[0], j - heart[1])) + float(rng.normal(0.0, 0.45))
            lot = float(rng.random())
            district = (
                District.DOWNTOWN
                if distance < character.downtown
                else District.OLD_TOWN
                if distance < character.old_town
                else District.SUBURB
            )
            if lot < character.parks:
                district = District.PARK
            elif lot < character.parks + character.works:
                district = District.WORKS
            districts[(i, j)] = district
    return districts
