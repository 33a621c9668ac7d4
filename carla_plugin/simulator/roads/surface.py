"""The surface of roads: lanes, kerbs between them, the land around, and the triangles on which one stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.roads.cloth import Cloth
from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.roads.heights import Heights
from carla_plugin.simulator.roads.land import Land, lay
from carla_plugin.simulator.roads.network import DRIVEN, PAVED, WALKED
from carla_plugin.simulator.roads.strips import Strip
from carla_plugin.simulator.town.surface import Paint

ASPHALT = Paint(Material.ASPHALT, 1, (72, 72, 75))
SHOULDER = Paint(Material.ASPHALT, 1, (80, 80, 81))
PAVING = Paint(Material.PAVING, 2, (156, 152, 145))
KERB = Paint(Material.CONCRETE, 2, (170, 168, 163))
GRASS = Paint(Material.GRASS, 10, (88, 104, 62))
EARTH = Paint(Material.CONCRETE, 25, (112, 104, 92))
SUNK = 0.02  # metres by which what is not paved lies lower: in junctions lanes overlap
LOW = 1e-4  # metres; lower steps need no kerb
BURIED = 0.1  # metres of a bank below the land


def rank(kind: str) -> int:
    """Return which ground wins where lanes overlap: 0 carriageway, 1 pavement, 2 what is not paved."""
    return 0 if kind in DRIVEN or kind in PAVED else 1 if kind in WALKED else 2


def paint(kind: str) -> Paint:
    """Return what a lane is made of."""
    if kind in DRIVEN:
        return ASPHALT
    return SHOULDER if kind in PAVED else PAVING if kind in WALKED else KERB if kind == "curb" else GRASS


def lifted(strip: Strip, column: int) -> tuple[Floats, Floats]:
    """Return the left and the right line `(S, 3)` of a lane at its own height."""
    lane = strip.lanes[column]
    inner, outer = lane.height
    left, right = (outer, inner) if lane.number > 0 else (inner, outer)
    drop = SUNK if rank(lane.kind) == 2 else 0.0
    one, two = strip.edges[:, column].copy(), strip.edges[:, column + 1].copy()
    one[:, 2] += left - drop
    two[:, 2] += right - drop
    return one, two


def widened(strip: Strip, column: int, one: Floats, two: Floats, extra: float) -> tuple[Floats, Floats]:
    """Return the lines of a lane of a junction, moved outward by `extra` metres where nothing lies beside it."""
    if strip.road.junction < 0 or extra <= 0.0 or rank(strip.lanes[column].kind):
        return one, two
    right = np.column_stack([-strip.tangent[:, 1], strip.tangent[:, 0], np.zeros(len(one))])
    if column == 0:
        one = one - right * extra
    if column == len(strip.lanes) - 1:
        two = two + right * extra
    return one, two


def lay_ground(pieces: Sequence[Strip], extra: float, cloth: Cloth, *, visible: bool) -> tuple[Heights, Land]:
    """Add all ground to a cloth and return how high it lies.

    Args:
        pieces: of all roads.
        extra: metres by which the lanes of junctions are wider than the map says.
        cloth: takes up the surfaces.
        visible: whether roads are drawn; land always is.
    """
    corners: list[Floats] = []
    ranks: list[NDArray[np.int64]] = []
    for strip in pieces:
        sides = [lifted(strip, column) for column in range(len(strip.lanes))]
        for column, (one, two) in enumerate(sides):
            one, two = widened(strip, column, one, two, extra)
            if float(np.abs(two - one).max()) < 1e-6:
                continue
            kind = strip.lanes[column].kind
            faces = _faces(one, two)
            corners.append(faces)
            ranks.append(np.full(len(faces), rank(kind), dtype=np.int64))
            if visible:
                cloth.band(one, two, paint(kind))
        for (_, inner), (outer, _) in pairwise(sides) if visible else ():
            _step(cloth, inner, outer)
    whole = np.concatenate(corners)
    land = lay(np.concatenate([strip.edges.reshape(-1, 3) for strip in pieces]))
    cloth.sheet(land.points(), GRASS)
    for strip in pieces if visible else ():
        _skirt(cloth, strip, land)
    return Heights(whole, np.concatenate(ranks), land), land


def _faces(one: Floats, two: Floats) -> Floats:
    """Return the `(T, 3, 3)` corners of the band between two lines, as it is drawn."""
    a, b, c, d = one[:-1], two[:-1], two[1:], one[1:]
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _step(cloth: Cloth, left: Floats, right: Floats) -> None:
    """Add the upright face where two lanes meet at different heights; it looks from the higher to the lower one."""
    rise = float((right[:, 2] - left[:, 2]).mean())
    if abs(rise) > LOW and (np.abs(right[:, :2] - left[:, :2]) < 1e-6).all():
        cloth.band(left, right, KERB)


def _skirt(cloth: Cloth, strip: Strip, land: Land) -> None:
    """Add the banks from the outer edges of a strip down into the land."""
    last = len(strip.lanes) - 1
    for top, sign in ((lifted(strip, 0)[0], 1), (lifted(strip, last)[1], -1)):
        foot = top.copy()
        foot[:, 2] = np.minimum(land.at(top[:, :2]), top[:, 2]) - BURIED
        if float((top[:, 2] - foot[:, 2]).max()) > BURIED + 0.1:
            cloth.band(foot, top, EARTH) if sign > 0 else cloth.band(top, foot, EARTH)
