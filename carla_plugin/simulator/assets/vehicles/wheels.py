"""Wheels: tyre, rim and spokes by turning a profile about the axle."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from carla_plugin.simulator.assets.shapes import Finish, as_one, grid, surface
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

TYRE: tuple[int, int, int] = (24, 24, 26)
GAP: tuple[int, int, int] = (30, 30, 32)


@lru_cache(maxsize=128)
def wheel(radius: float, width: float, tag: int, rim: tuple[int, int, int] = (176, 180, 184), spokes: int = 7) -> Mesh:
    """Make a wheel about the origin that turns about y, its outer face toward +y.

    Args:
        radius: metres, of the tyre.
        width: metres, of the tyre.
        tag: CARLA tag of the vehicle.
        rim: sRGB of the spokes.
        spokes: how many; 0 for a closed disc.
    """
    sides = 2 * spokes if spokes else 14
    angle = np.arange(sides + 1) * (2 * np.pi / sides)
    angle[-1] = 0.0
    profile = np.array([(0.96, -0.5), (1.0, -0.3), (1.0, 0.3), (0.94, 0.5), (0.68, 0.46)])
    reach, across = profile[:, 0] * radius, profile[:, 1] * width
    skin = np.stack(
        [np.cos(angle)[:, None] * reach, np.broadcast_to(across, (sides + 1, len(across))),
         np.sin(angle)[:, None] * reach], axis=-1,
    )  # fmt: skip
    skin[-1] = skin[0]
    tyre = grid(skin[::-1, ::-1], Finish(Material.RUBBER, tag, TYRE), crease_deg=50.0)
    around = np.stack([np.cos(angle[:-1]), np.zeros(sides), np.sin(angle[:-1])], axis=1)
    edge = around * (0.68 * radius) + [0, 0.46 * width, 0]
    hub = around * (0.2 * radius) + [0, 0.44 * width, 0]
    points = np.concatenate([edge, hub, [[0, 0.46 * width, 0]]])
    here = np.arange(sides)
    after = (here + 1) % sides
    spread = np.concatenate(
        [np.stack([here, here + sides, after], 1), np.stack([after, here + sides, after + sides], 1),
         np.stack([here + sides, np.full(sides, 2 * sides), after + sides], 1)]
    )  # fmt: skip
    bright = np.ones(3 * sides, dtype=bool)
    if spokes:
        bright[: 2 * sides] = np.tile(here % 2 == 0, 2)
    face = surface(
        points, spread,
        (np.where(bright, int(Material.CHROME), int(Material.PLAIN)), tag, np.where(bright[:, None], rim, GAP)),
    )  # fmt: skip
    return as_one([tyre, face])
