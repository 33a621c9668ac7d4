"""What stands on the land of a block: buildings, walls, fences and hedges at the pavement, trees behind."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.assets.buildings import building
from carla_plugin.simulator.assets.street import barrier, bench, billboard
from carla_plugin.simulator.assets.vegetation import bush
from carla_plugin.simulator.town.fronts import PIECE, Front, enclose, fronts, plant
from carla_plugin.simulator.town.plan import District, Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter, pick

DEPTH = 14.0  # metres, of terraced houses
MOST_TREES = 130  # on one cell, roughly
INSET = 1.6  # metres that houses keep from a corner of the land, so that the pavement there stays wide


def fill_blocks(plan: Plan, scatter: Scatter, rng: np.random.Generator) -> None:
    """Build on every cell of the plan."""
    for i in range(-1, plan.blocks + 1):
        for j in range(-1, plan.blocks + 1):
            cell = (i, j)
            sides = fronts(plan, cell)
            district = plan.districts[cell]
            if not sides:
                _wood(plan, scatter, rng, cell)
            elif district in (District.DOWNTOWN, District.OLD_TOWN):
                _terrace(scatter, rng, sides, district)
                _yard(plan, scatter, rng, cell, district)
            elif district == District.SUBURB:
                _gardens(scatter, rng, sides)
                _wood(plan, scatter, rng, cell, inset=22.0, spacing=11.0)
            elif district == District.PARK:
                _park(plan, scatter, rng, cell, sides)
            else:
                _works(scatter, rng, sides)


def _ends(front: Front, side: int, taken: float) -> tuple[float, float]:
    """Return the stretch of a front to build on; fronts along x own the corners, those along y leave `taken` metres."""
    inset = INSET if side % 2 else taken
    return front.left + (inset if front.corner_left else 0.0), front.right - (inset if front.corner_right else 0.0)


def _reseed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 31))


def _terrace(scatter: Scatter, rng: np.random.Generator, sides: dict[int, Front], district: District) -> None:
    """Stand houses wall to wall at the pavement, with gaps behind a wall, a railing or a hoarding."""
    tall = district == District.DOWNTOWN
    style = "downtown" if tall else "oldtown"
    for side, front in sides.items():
        at, stop = _ends(front, side, DEPTH + PIECE)
        if side % 2 == 0:  # the passage beside the flank of a corner house
            for corner, low in ((front.corner_left, at - PIECE), (front.corner_right, stop)):
                if corner:
                    enclose(scatter, rng, front, low, low + PIECE, pick(rng, "brick", "bars", "concrete"), 2.0)
        gap_next = False
        while stop - at >= 8.0:
            room = stop - at
            if gap_next and room > 24.0:
                width = float(rng.choice([8.0, 12.0, 16.0]))
                _gap(scatter, rng, front, at, at + width)
                gap_next = False
            else:
                width = min(float(rng.choice([10, 14, 18, 22] if tall else [8, 10, 12, 14])), room // 2 * 2)
                floors = int(rng.choice([4, 5, 6, 8, 10, 13])) if tall else int(rng.integers(2, 6))
                house = building(width, DEPTH, floors, style, int(rng.integers(6))).seeded(_reseed(rng))
                scatter.put(house, front.frame, -DEPTH / 2 - 0.3, at + width / 2)
                gap_next = bool(rng.random() < (0.3 if tall else 0.4))
            at += width


def _gap(scatter: Scatter, rng: np.random.Generator, front: Front, low: float, high: float) -> None:
    """Leave a lot between houses empty: a yard, a garden or a building site behind its boundary."""
    kind = pick(rng, "planks", "brick", "bars", "concrete", "stone", "planks", "mesh")
    enclose(scatter, rng, front, low, high, kind, 2.2 if kind in ("planks", "mesh") else float(rng.choice([1.4, 2.0])))
    middle = (low + high) / 2
    if kind in ("planks", "mesh") and rng.random() < 0.6:
        for offset in (-2.5, 0.0, 2.5):
            scatter.put(barrier(int(rng.integers(4))), front.frame, -2.0, middle + offset)
    for offset in np.arange(low + 2.0, high - 1.5, 4.5).tolist():
        plant(scatter, rng, front.frame, -float(rng.uniform(4, 10)), offset, ("round", "birch", "plane"), 5.0, 9.0)


def _yard(plan: Plan, scatter: Scatter, rng: np.random.Generator, cell: tuple[int, int], district: District) -> None:
    """Fill the inside of a terraced block: trees, and downtown sometimes a tower that rises over the roofs."""
    west, east, north, south = plan.cell_bounds(cell)
    middle = Frame((west + east) / 2, (north + south) / 2, 0.0)
    room = min(east - west, south - north) - 2 * DEPTH - 6.0
    if district == District.DOWNTOWN and room >= 18.0 and rng.random() < 0.7:
        tower = building(18.0, 18.0, int(rng.choice([14, 17, 20])), "downtown", int(rng.integers(6)))
        scatter.put(tower.seeded(_reseed(rng)), middle, 0.0, 0.0)
    else:
        _wood(plan, scatter, rng, cell, inset=DEPTH + 5.0, spacing=10.0)


def _gardens(scatter: Scatter, rng: np.random.Generator, sides: dict[int, Front]) -> None:
    """Stand low houses back from the street, each lot bounded in its own way."""
    for side, front in sides.items():
        setback = float(rng.choice([4.0, 5.0, 7.0]))
        at, stop = _ends(front, side, 18.0)
        if side % 2 == 0:  # the flank of the corner lots
            for low, high in ((front.left + 2.0, at), (stop, front.right - 2.0)):
                enclose(scatter, rng, front, low, high, _boundary(rng), 1.6)
        while stop - at >= 12.0:
            lot = min(float(rng.choice([12.0, 16.0, 20.0])), (stop - at) // PIECE * PIECE)
            width = min(lot - 3.0, float(rng.choice([8.0, 9.0, 11.0])))
            house = building(width, 9.0, int(rng.integers(1, 4)), "suburban", int(rng.integers(8))).seeded(_reseed(rng))
            scatter.put(house, front.frame, -setback - 4.5, at + lot / 2)
            height = float(rng.choice([1.0, 1.3, 1.7]))
            enclose(scatter, rng, front, at, at + lot, _boundary(rng), height, gate=True)
            if rng.random() < 0.75:
                kinds = ("round", "birch", "conifer", "plane", "conifer")
                plant(scatter, rng, front.frame, -2.4, at + 1.8, kinds, 4.0, 8.0)
            if rng.random() < 0.5:
                shrub = bush(float(rng.choice([0.6, 0.9])), int(rng.integers(4)))
                scatter.put(shrub, front.frame, -2.0, at + lot - 3.0)
            at += lot


def _boundary(rng: np.random.Generator) -> str:
    return pick(rng, "brick", "stone", "concrete", "brick", "bars", "planks", "mesh", "hedge", "bars", "planks")


def _wood(
    plan: Plan, scatter: Scatter, rng: np.random.Generator, cell: tuple[int, int], *, inset: float = 6.0,
    spacing: float = 9.0,
) -> None:  # fmt: skip
    """Plant trees all over the inside of a cell, `inset` metres from its edges; thinner where the cell is large."""
    west, east, north, south = plan.cell_bounds(cell)
    spacing = max(spacing, float(np.sqrt((east - west) * (south - north) / MOST_TREES)))
    for x in np.arange(west + inset, east - inset + 1.0, spacing):
        for y in np.arange(north + inset, south - inset + 1.0, spacing):
            spot = Frame(float(x + rng.uniform(-2.5, 2.5)), float(y + rng.uniform(-2.5, 2.5)), 0.0)
            plant(scatter, rng, spot, 0.0, 0.0, ("round", "plane", "birch", "conifer", "poplar"), 6.0, 12.0)


def _park(
    plan: Plan, scatter: Scatter, rng: np.random.Generator, cell: tuple[int, int], sides: dict[int, Front]
) -> None:
    """Plant a park behind a railing, a hedge or a low wall."""
    kind = pick(rng, "bars", "stone", "hedge", "brick", "bars")
    for front in sides.values():
        enclose(scatter, rng, front, front.left + 2.0, front.right - 2.0, kind, 1.2, gate=True)
        for at in np.arange(front.left + 8.0, front.right - 8.0, 14.0).tolist():
            scatter.put(bench(int(rng.integers(4))), front.frame, -2.2, at)
            scatter.put(bush(float(rng.choice([0.6, 0.9])), int(rng.integers(4))), front.frame, -3.0, at + 5.0)
    _wood(plan, scatter, rng, cell)


def _works(scatter: Scatter, rng: np.random.Generator, sides: dict[int, Front]) -> None:
    """Stand sheds behind long walls and hoardings."""
    for side, front in sides.items():
        at = front.left + 2.0
        while front.right - 2.0 - at >= PIECE:
            length = min(float(rng.choice([12.0, 16.0, 24.0])), front.right - 2.0 - at)
            enclose(scatter, rng, front, at, at + length, pick(rng, "concrete", "planks", "mesh", "brick"), 2.2)
            at += length // PIECE * PIECE
        at, stop = _ends(front, side, 26.0)
        at += 6.0
        while stop - at >= 16.0:
            width = min(float(rng.choice([16.0, 20.0, 26.0])), (stop - at) // 2 * 2)
            shed = building(width, DEPTH, int(rng.integers(1, 4)), "warehouse", int(rng.integers(5)))
            scatter.put(shed.seeded(_reseed(rng)), front.frame, -12.0, at + width / 2)
            at += width + float(rng.choice([4.0, 8.0]))
        if rng.random() < 0.6:
            spot = float(rng.uniform(front.left + 8.0, front.right - 8.0))
            scatter.put(billboard(int(rng.integers(4))), front.frame, -2.0, spot)
