"""Walls along the outer edges of roads, so that nobody falls off: left out where another road joins or lies beside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.roads.cloth import Cloth
from carla_plugin.simulator.roads.heights import Heights
from carla_plugin.simulator.roads.strips import Strip
from carla_plugin.simulator.roads.surface import lifted
from carla_plugin.simulator.town.surface import Paint

WALL = Paint(Material.CONCRETE, 4, (168, 166, 160))
OUTWARD = 0.4  # metres beyond the edge at which another road would lie


def raise_walls(pieces: Sequence[Strip], height: float, heights: Heights, cloth: Cloth) -> None:
    """Add the walls of all roads that lead through no junction.

    Args:
        pieces: of all roads.
        height: metres above the edge; 0 for none.
        heights: of the roads.
        cloth: takes up the walls, each side of each strip as a part of its own.
    """
    part = 0
    for strip in pieces if height > 0.0 else ():
        if strip.road.junction >= 0:
            continue
        for side, column in ((-1.0, 0), (1.0, len(strip.lanes) - 1)):
            part += 1
            foot = lifted(strip, column)[0 if side < 0 else 1]
            right = np.column_stack([-strip.tangent[:, 1], strip.tangent[:, 0]])
            middle = (foot[:-1, :2] + foot[1:, :2]) / 2.0 + right[:-1] * side * OUTWARD
            top = foot.copy()
            top[:, 2] += height
            for begin, end in _free(~heights.carriageway(middle)):
                low, high = foot[begin : end + 1], top[begin : end + 1]
                cloth.band(high, low, WALL, part) if side < 0 else cloth.band(low, high, WALL, part)


def _free(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (begin, end) of each unbroken run of true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
