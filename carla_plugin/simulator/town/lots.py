"""What stands on the land of a block: buildings, walls, fences and hedges at the pavement, trees behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carla_plugin.simulator.assets.buildings import building
from carla_plugin.simulator.assets.street import bench, billboard, fence, wall
from carla_plugin.simulator.assets.vegetation import bush, hedge, tree
from carla_plugin.simulator.town.plan import BLOCKS, District, Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter, pick

PIECE = 4.0  # metres; walls, fences and hedges come in pieces of this length, so that few meshes serve all


@dataclass(frozen=True)
class Front:
    """One side of a block that lies at a street.

    Attributes:
        frame: origin at the middle of the pavement's back; its x axis points out into the street.
        left: least `right` coordinate of the land.
        right: greatest.
        corner_left: whether another street runs around the left end.
        corner_right: likewise.
        depth: metres of land behind.
    """

    frame: Frame
    left: float
    right: float
    corner_left: bool
    corner_right: bool
    depth: float


def fronts(plan: Plan, cell: tuple[int, int]) -> dict[int, Front]:
    """Return the fronts of a cell by side."""
    west, east, north, south = plan.cell_bounds(cell)
    streets = plan.cell_sides(cell)
    middle = (
        (east, (north + south) / 2),
        ((west + east) / 2, south),
        (west, (north + south) / 2),
        ((west + east) / 2, north),
    )
    found = {}
    for side in range(4):
        if streets[side]:
            half = (south - north) / 2 if side % 2 == 0 else (east - west) / 2
            depth = (east - west) if side % 2 == 0 else (south - north)
            # Seen from the block toward the street, the end at positive `right` touches side + 1.
            frame = Frame(middle[side][0], middle[side][1], 90.0 * side)
            found[side] = Front(frame, -half, half, streets[(side + 3) % 4], streets[(side + 1) % 4], depth)
    return found


def fill_blocks(plan: Plan, scatter: Scatter, rng: np.random.Generator) -> None:
    """Build on every cell of the plan."""
    for i in range(-1, BLOCKS + 1):
        for j in range(-1, BLOCKS + 1):
            cell = (i, j)
            sides = fronts(plan, cell)
            if not sides:
                continue
            district = plan.districts[cell]
            if district in (District.DOWNTOWN, District.OLD_TOWN):
                _terrace(scatter, rng, sides, district)
            elif district == District.SUBURB:
                _gardens(scatter, rng, sides)
            elif district == District.PARK:
                _park(plan, scatter, rng, cell, sides)
            else:
                _works(scatter, rng, sides)


def _ends(front: Front, side: int, taken: float) -> tuple[float, float]:
    """Return the stretch of a front to build on; fronts along x own the corners, those along y leave `taken` metres."""
    inset = 1.6 if side % 2 else taken
    return front.left + (inset if front.corner_left else 0.0), front.right - (inset if front.corner_right else 0.0)


def _terrace(scatter: Scatter, rng: np.random.Generator, sides: dict[int, Front], district: District) -> None:
    """Stand houses wall to wall at the pavement, with a gap here and there behind a wall, a railing or a hoarding."""
    tall = district == District.DOWNTOWN
    style = "downtown" if tall else "oldtown"
    for side, front in sides.items():
        deep = 14.0
        at, stop = _ends(front, side, deep + 3.0)
        first = True
        while stop - at >= 8.0:
            width = min(float(rng.choice([10, 12, 14, 16, 18, 22] if tall else [8, 10, 12, 14])), (stop - at) // 2 * 2)
            if not first and stop - at > 26 and rng.random() < 0.2:
                width = float(rng.choice([8.0, 12.0]))
                enclose(scatter, rng, front, at, at + width, pick(rng, "planks", "brick", "bars", "concrete"), 2.0)
                _tree(scatter, rng, front.frame, -6.0, at + width / 2, "round", 6.0, 9.0)
                at += width
                continue
            floors = int(rng.integers(5, 13)) if tall else int(rng.integers(3, 6))
            block = building(width, deep, floors, style, int(rng.integers(6)))
            scatter.put(block.seeded(int(rng.integers(1 << 31))), front.frame, -deep / 2 - 0.05, at + width / 2)
            at += width
            first = False


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
            house = building(width, 9.0, int(rng.integers(1, 3)), "suburban", int(rng.integers(8)))
            scatter.put(house.seeded(int(rng.integers(1 << 31))), front.frame, -setback - 4.5, at + lot / 2)
            enclose(scatter, rng, front, at, at + lot, _boundary(rng), float(rng.choice([1.0, 1.3, 1.7])), gate=True)
            if rng.random() < 0.7:
                kind = pick(rng, "round", "birch", "conifer", "plane")
                _tree(scatter, rng, front.frame, -2.0, at + 1.5, kind, 4.0, 7.5)
            at += lot


def _boundary(rng: np.random.Generator) -> str:
    return pick(rng, "brick", "stone", "concrete", "brick", "bars", "planks", "mesh", "hedge", "bars")


def _park(
    plan: Plan, scatter: Scatter, rng: np.random.Generator, cell: tuple[int, int], sides: dict[int, Front]
) -> None:
    """Plant a park behind a railing or a low wall."""
    kind = pick(rng, "bars", "stone", "hedge", "brick")
    for front in sides.values():
        enclose(scatter, rng, front, front.left + 2.0, front.right - 2.0, kind, 1.1, gate=True)
        for at in np.arange(front.left + 8.0, front.right - 8.0, 14.0):
            scatter.put(bench(int(rng.integers(4))), front.frame, -2.2, float(at))
    west, east, north, south = plan.cell_bounds(cell)
    for x in np.arange(west + 6.0, east - 5.0, 9.0):
        for y in np.arange(north + 6.0, south - 5.0, 9.0):
            spot = Frame(float(x + rng.uniform(-3, 3)), float(y + rng.uniform(-3, 3)), 0.0)
            if rng.random() < 0.75:
                _tree(
                    scatter, rng, spot, 0.0, 0.0, pick(rng, "round", "plane", "birch", "conifer", "poplar"), 5.0, 11.0
                )
            else:
                scatter.put(bush(float(rng.choice([0.6, 0.9])), int(rng.integers(4))), spot, 0.0, 0.0)


def _works(scatter: Scatter, rng: np.random.Generator, sides: dict[int, Front]) -> None:
    """Stand sheds behind long walls and hoardings."""
    for side, front in sides.items():
        at = front.left + 2.0
        while front.right - 2.0 - at >= 4.0:
            length = min(float(rng.choice([12.0, 16.0, 24.0])), front.right - 2.0 - at)
            enclose(scatter, rng, front, at, at + length, pick(rng, "concrete", "planks", "mesh", "brick"), 2.2)
            at += length
        at, stop = _ends(front, side, 26.0)
        at += 6.0
        while stop - at >= 16.0:
            width = float(rng.choice([16.0, 20.0, 26.0]))
            width = min(width, (stop - at) // 2 * 2)
            shed = building(width, 14.0, int(rng.integers(1, 4)), "warehouse", int(rng.integers(5)))
            scatter.put(shed.seeded(int(rng.integers(1 << 31))), front.frame, -12.0, at + width / 2)
            at += width + float(rng.choice([4.0, 8.0]))
        if rng.random() < 0.5:
            scatter.put(
                billboard(int(rng.integers(4))), front.frame, -2.0, float(rng.uniform(front.left + 8, front.right - 8))
            )


def enclose(
    scatter: Scatter, rng: np.random.Generator, front: Front, low: float, high: float, kind: str, height: float,
    *, gate: bool = False,
) -> None:  # fmt: skip
    """Bound the land at the pavement from `low` to `high` with a wall, fence or hedge; a gate leaves one piece open."""
    count = int((high - low) // PIECE)
    open_piece = int(rng.integers(count)) if gate and count > 2 else -1
    seed = int(rng.integers(1 << 31))
    for piece in range(count):
        if piece == open_piece:
            continue
        if kind == "hedge":
            mesh = hedge(PIECE, height, int(rng.integers(3)))
        elif kind in ("bars", "mesh", "planks"):
            mesh = fence(PIECE, height, kind)
        else:
            mesh = wall(PIECE, height, kind)
        scatter.put(mesh.seeded(seed), front.frame, -0.5, low + (piece + 0.5) * PIECE, 90.0)


def _tree(
    scatter: Scatter,
    rng: np.random.Generator,
    frame: Frame,
    forward: float,
    right: float,
    kind: str,
    low: float,
    high: float,
) -> None:
    height = float(np.round(rng.uniform(low, high)))
    mesh = tree(kind, height, int(rng.integers(3)))
    scatter.put(
        mesh.seeded(int(rng.integers(1 << 31))), frame, forward, right, float(rng.choice([0.0, 90.0, 180.0, 270.0]))
    )
