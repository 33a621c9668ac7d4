"""The sides of blocks that lie at streets, and what bounds them: walls, fences, hedges in pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carla_plugin.simulator.assets.street import fence, wall
from carla_plugin.simulator.assets.vegetation import hedge, tree
from carla_plugin.simulator.town.plan import Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter, pick

PIECE = 4.0  # metres; boundaries come in pieces of this length, so that few meshes serve all


@dataclass(frozen=True)
class Front:
    """One side of a block that lies at a street.

    Attributes:
        frame: origin at the middle of the pavement's back; its x axis points out into the street.
        left: least `right` coordinate of the land in the frame, in metres.
        right: greatest.
        corner_left: whether another street runs around the left end.
        corner_right: likewise at the right.
    """

    frame: Frame
    left: float
    right: float
    corner_left: bool
    corner_right: bool


def fronts(plan: Plan, cell: tuple[int, int]) -> dict[int, Front]:
    """Return the fronts of a cell by side (+x, +y, -x, -y)."""
    west, east, north, south = plan.cell_bounds(cell)
    streets = plan.cell_sides(cell)
    middle_x, middle_y = (west + east) / 2, (north + south) / 2
    middle = ((east, middle_y), (middle_x, south), (west, middle_y), (middle_x, north))
    found = {}
    for side in range(4):
        if streets[side]:
            half = (south - north) / 2 if side % 2 == 0 else (east - west) / 2
            frame = Frame(*middle[side], 90.0 * side)
            found[side] = Front(frame, -half, half, streets[(side + 3) % 4], streets[(side + 1) % 4])
    return found


def enclose(
    scatter: Scatter, rng: np.random.Generator, front: Front, low: float, high: float, kind: str, height: float,
    *, gate: bool = False,
) -> None:  # fmt: skip
    """Bound the land at the pavement from `low` to `high` with a wall, fence or hedge; a gate leaves one piece open."""
    count = int((high - low + 0.1) // PIECE)
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


def plant(
    scatter: Scatter, rng: np.random.Generator, frame: Frame, forward: float, right: float, kinds: tuple[str, ...],
    low: float, high: float,
) -> None:  # fmt: skip
    """Plant a tree of one of `kinds`, `low` to `high` metres tall, turned at random."""
    mesh = tree(pick(rng, *kinds), float(rng.integers(int(low), int(high) + 1)), int(rng.integers(3)))
    scatter.put(mesh.seeded(int(rng.integers(1 << 31))), frame, forward, right, 90.0 * float(rng.integers(4)))
