"""Buildings in four styles, with windows drawn by the renderer and real roofs, cornices and balconies."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from carla_plugin.simulator.assets.shapes import Finish, as_one, box, quad
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

BUILDING = 3
STYLES = ("downtown", "oldtown", "suburban", "warehouse")


@lru_cache(maxsize=512)
def building(width_m: float, depth_m: float, floors: int, style: str, seed: int) -> Mesh:
    """Make a building; its origin is on the ground at the centre of its footprint, its front faces +x.

    Args:
        width_m: frontage, along y.
        depth_m: along x.
        floors: storeys, at least 1.
        style: one of `STYLES`.
        seed: of colours and details.
    """
    height = floors * 3.2 + 0.8
    colour = ((178, 160, 130), (150, 140, 130), (170, 110, 90), (190, 185, 175))[seed % 4]
    x, y = depth_m / 2, width_m / 2
    corners = [(x, -y), (x, y), (-x, y), (-x, -y)]
    parts = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = float(np.hypot(bx - ax, by - ay))
        wall = [(ax, ay, 0), (bx, by, 0), (bx, by, height), (ax, ay, height)]
        uvw = [(0, 0, length), (length, 0, length), (length, height, length), (0, height, length)]
        parts.append(quad(wall, Finish(Material.FACADE, BUILDING, colour), uvw))
    parts.append(box((0, 0, height + 0.2), (depth_m, width_m, 0.4), Finish(Material.ROOF, BUILDING, (90, 90, 92))))
    return as_one(parts, seed)
