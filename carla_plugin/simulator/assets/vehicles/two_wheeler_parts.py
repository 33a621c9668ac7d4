"""Parts that bicycles and motorcycles share: spoked wheels and mudguards."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.assets.people import Array, Joints
from carla_plugin.simulator.assets.people_body import Look
from carla_plugin.simulator.assets.shapes import Colour, Finish, grid, pipe, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

BLACK: Colour = (24, 24, 26)
SILVER: Colour = (176, 180, 184)


class Ridden(NamedTuple):
    """Hold the parts of a machine and who sits on it.

    Attributes:
        machine: its meshes.
        joints: of the rider.
        look: of the rider.
    """

    machine: list[Mesh]
    joints: Joints
    look: Look


def wheel(x: float, radius: float, tyre: float, tag: int, spokes: int) -> list[Mesh]:
    """Make a wheel that stands on the ground in the x-z plane: tyre (half as thick as `tyre` is wide), rim, hub."""
    centre = np.array([x, 0.0, radius])
    rubber, metal = Finish(Material.RUBBER, tag, BLACK), Finish(Material.CHROME, tag, SILVER)
    parts = [
        _torus(centre, radius - tyre, tyre, rubber, sides=6),
        _torus(centre, radius - 2.2 * tyre, 0.5 * tyre, metal, sides=4),
        tube(centre - [0, 0.05, 0], centre + [0, 0.05, 0], 0.03 + tyre * 0.3, metal, sides=6),
    ]
    for number in range(spokes):
        turn = 2 * math.pi * number / spokes
        end = centre + np.array([math.cos(turn), 0.0, math.sin(turn)]) * (radius - 2 * tyre)
        parts.append(tube(centre, end, 0.004 + 0.10 * tyre, metal, sides=3, caps=False))
    return parts


def _torus(centre: Array, radius: float, thick: float, finish: Finish, *,
           sides: int) -> Mesh:  # fmt: skip
    """Make a ring about the y axis."""
    around = np.arange(19) * (2 * math.pi / 18)
    across = np.arange(sides + 1) * (2 * math.pi / sides)
    around[-1] = across[-1] = 0.0
    reach = radius + thick * np.cos(across)[:, None]
    points = np.stack(
        [reach * np.cos(around), np.broadcast_to(thick * np.sin(across)[:, None], (sides + 1, 19)),
         reach * np.sin(around)], axis=-1,
    )  # fmt: skip
    return grid(points + centre, finish, crease_deg=70.0)


def mudguard(x: float, radius: float, half_width: float, finish: Finish, start_deg: float, end_deg: float) -> Mesh:
    """Make an arc over a wheel of `radius` metres, from one angle to the other (0 = ahead, 90 = above)."""
    angle = np.radians(np.linspace(start_deg, end_deg, 7))
    reach = radius + 0.025
    path = np.stack([x + reach * np.cos(angle), np.zeros(7), radius + reach * np.sin(angle)], axis=1)
    return pipe(path, half_width, finish, sides=6, flat=0.22, up=(0.0, 1.0, 0.0))
