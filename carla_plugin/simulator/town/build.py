"""Build a town from its name: `Grid_<number>`, where the number is the seed of everything in it, or one of CARLA's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.mesh import Mesh, join
from carla_plugin.simulator.navigation import Polygon
from carla_plugin.simulator.town.aliases import ALIASES, Alias
from carla_plugin.simulator.town.character import GRID
from carla_plugin.simulator.town.ground import GroundHeight, build_ground
from carla_plugin.simulator.town.lots import fill_blocks
from carla_plugin.simulator.town.opendrive import write_opendrive
from carla_plugin.simulator.town.plan import Plan, make_plan
from carla_plugin.simulator.town.roadside import furnish
from carla_plugin.simulator.town.scatter import Scatter
from carla_plugin.simulator.town.signals import SignalPlacement, place_signals
from carla_plugin.simulator.town.signs import SignPlacement, place_signs
from carla_plugin.simulator.town.spawn import spawn_points
from carla_plugin.simulator.town.walkable import walkable_of
from protocols.carla_rpc.types import Transform
from protocols.errors import InputError

TOWN_NAMES = tuple(f"Grid_{number:02d}" for number in range(12))


class TownNameError(InputError):
    """The map's name is not one this simulator can build."""


@dataclass(frozen=True, eq=False)
class Town:
    """Hold a town: what stands still in the world, in CARLA's axes and metres.

    Attributes:
        name: as it was asked for.
        opendrive: the map as OpenDRIVE 1.4 XML.
        spawn_points: places for vehicles on driving lanes, 0.5 m up, none in a crossing.
        scene: all that stands still.
        lamps: `(L, 3)` float32, where the street lamps shine from.
        signals: the traffic lights; a lens triangle's `uvw` names its signal by its index here.
        ground_height: height in metres of the ground at (x, y) metres.
        digest: sha256, in hexadecimal, of plan and placements.
        walkable: returns the polygons on which people may walk; work of a second.
        signs: speed limits, stop and give way.
    """

    name: str
    opendrive: str
    spawn_points: tuple[Transform, ...]
    scene: Mesh
    lamps: NDArray[np.float32]
    signals: tuple[SignalPlacement, ...]
    ground_height: Callable[[float, float], float]
    digest: str
    walkable: Callable[[], tuple[Polygon, ...]] = tuple
    signs: tuple[SignPlacement, ...] = ()


def town_of(map_name: str) -> Alias:
    """Return seed and character of the town of a name.

    Raises:
        TownNameError: the name is neither one of CARLA's towns nor `Grid_` and a number of at most four digits.
    """
    if map_name in ALIASES:
        return ALIASES[map_name]
    found = re.fullmatch(r"Grid_(\d{1,4})", map_name)
    if found is None:
        raise TownNameError(
            f"map '{map_name}' not found: expected Grid_<number>, 0 to 9999, for example {TOWN_NAMES[7]}"
        )
    return Alias(int(found.group(1)), GRID, "a seeded town")


def build_town(map_name: str) -> Town:
    """Build the town of that name; equal names give equal towns.

    Args:
        map_name: `Grid_<number>` or one of `ALIASES`, without a leading path such as `/Game/Carla/Maps/`.

    Raises:
        TownNameError: no such town.
    """
    seed, character, _ = town_of(map_name)
    plan = make_plan(seed, character)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    scatter = Scatter()
    ground = build_ground(plan, rng)
    signals = place_signals(plan, scatter)
    lamps = [(*plan.bend.place(x, y), z) for x, y, z in furnish(plan, scatter, rng)]
    fill_blocks(plan, scatter, rng)
    opendrive = write_opendrive(plan, map_name)
    return Town(
        name=map_name,
        opendrive=opendrive,
        spawn_points=spawn_points(plan),
        scene=plan.bend.mesh(join([ground, scatter.mesh()])),
        lamps=np.array(lamps, dtype=np.float32).reshape(-1, 3),
        signals=signals,
        ground_height=GroundHeight(plan),
        digest=_digest(plan, scatter, opendrive),
        walkable=partial(walkable_of, plan),
        signs=place_signs(plan),
    )


def _digest(plan: Plan, scatter: Scatter, opendrive: str) -> str:
    whole = hashlib.sha256()
    whole.update(
        repr(
            (plan.bend, plan.columns, plan.rows, plan.links, sorted(plan.signalled), sorted(plan.districts.items()))
        ).encode()
    )
    whole.update(opendrive.encode())
    whole.update(scatter.digest())
    return whole.hexdigest()
