"""A wheelchair, and how somebody sits in it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from carla_plugin.simulator.assets.people import Joints, seated
from carla_plugin.simulator.assets.shapes import Finish, as_one, box, pipe, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

SEAT_M = 0.52
WHEEL_M = 0.30  # radius of the large wheels
TRACK_M = 0.27  # from the middle to each


def sitting(height: float) -> Joints:
    """Return the joints of somebody in a wheelchair, hands on the wheels; the chair stands at z = 0."""
    seat = (-0.06, 0.0, SEAT_M + 0.055 * height)
    return seated(height, seat, -4.0, (0.06, TRACK_M, SEAT_M + 0.12), ((0.42, 0.10, 0.16), (0.42, -0.10, 0.16)))


@lru_cache(maxsize=4)
def wheelchair(tag: int) -> Mesh:
    """Make a wheelchair that looks toward +x and stands at z = 0.

    Args:
        tag: CARLA tag of all its parts.
    """
    cloth, frame = Finish(Material.CLOTH, tag, (38, 40, 48)), Finish(Material.CHROME, tag, (150, 152, 156))
    tyre = Finish(Material.RUBBER, tag, (30, 30, 32))
    parts = [
        box((-0.02, 0.0, SEAT_M), (0.44, 0.42, 0.05), cloth),
        box((-0.25, 0.0, SEAT_M + 0.24), (0.04, 0.42, 0.42), cloth),
    ]
    angles = np.linspace(0.0, 2.0 * math.pi, 19)
    for sign in (-1.0, 1.0):
        side, hub = sign * 0.22, np.array([-0.08, sign * TRACK_M, WHEEL_M])
        rim = np.stack([np.cos(angles), np.zeros_like(angles), np.sin(angles)], axis=1) * (WHEEL_M - 0.02)
        parts.append(pipe(hub + rim, 0.02, tyre, sides=5, caps=False, up=(0.0, 1.0, 0.0)))
        for spoke in range(4):
            way = np.array([math.cos(spoke * math.pi / 4), 0.0, math.sin(spoke * math.pi / 4)]) * (WHEEL_M - 0.02)
            parts.append(tube(hub - way, hub + way, 0.006, frame, sides=3, caps=False))
        caster = np.array([0.30, side, 0.07])
        parts += [
            tube(caster - [0.0, 0.015, 0.0], caster + [0.0, 0.015, 0.0], 0.07, tyre, sides=10),
            pipe([[-0.36, side, 0.95], [-0.26, side, 0.93], [-0.24, side, 0.30]], 0.014, frame, sides=5),
            pipe([[-0.24, side, SEAT_M - 0.03], [0.22, side, SEAT_M - 0.03], [0.40, side * 0.6, 0.12]], 0.014, frame,
                 sides=5),
            pipe([[-0.24, side, 0.30], [0.26, side, 0.30], [0.30, side, 0.10]], 0.012, frame, sides=5),
            box((0.43, sign * 0.10, 0.11), (0.18, 0.14, 0.02), frame),
        ]  # fmt: skip
    return as_one(parts)
