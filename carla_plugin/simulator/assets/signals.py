"""Traffic lights and traffic signs, on their poles."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Finish, Point, as_one, box, quad, tube
from carla_plugin.simulator.materials import LIMIT_TENS, SIGN_KINDS, Material
from carla_plugin.simulator.mesh import Mesh

POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN = 6, 7, 8
_DARK = (38, 40, 42)


class TrafficLight(NamedTuple):
    """Hold a traffic light.

    Attributes:
        mesh: pole, arm, housings, lenses.
        lenses: centres of the lenses as (x, y, z) metres: red, yellow, green of the first housing, then of the next.
    """

    mesh: Mesh
    lenses: tuple[Point, ...]


@lru_cache(maxsize=1024)
def traffic_light(signal_index: int, arm_m: float = 4.5, height_m: float = 6.0) -> TrafficLight:
    """Make a traffic light; pole at the origin, lenses shine toward +x, the arm reaches over the road toward +y.

    Args:
        signal_index: index in the town's list of signals, written to the lenses' `uvw`.
        arm_m: length of the mast arm; 0 for a low post with one housing.
        height_m: of the mast arm.
    """
    metal = Finish(Material.METAL, POLE, _DARK)
    housing = Finish(Material.METAL, TRAFFIC_LIGHT, _DARK)
    parts = [tube((0, 0, 0), (0, 0, height_m if arm_m else 3.4), 0.09, metal, sides=5, caps=False)]
    centres = [(0.0, 0.0, 2.9)]
    if arm_m:
        parts.append(tube((0, 0, height_m), (0, arm_m, height_m), 0.06, metal, sides=4, caps=False))
        centres.append((0.0, arm_m - 0.3, height_m - 0.1))
    lenses: list[Point] = []
    for x, y, z in centres:
        parts.append(box((x + 0.22, y, z), (0.24, 0.34, 1.05), housing))
        for lens in range(3):
            up = z + 0.32 - 0.32 * lens
            face = [(x + 0.345, y + a, up + b) for a, b in ((-0.11, -0.11), (0.11, -0.11), (0.11, 0.11), (-0.11, 0.11))]
            glow = Finish(Material.SIGNAL_LENS, TRAFFIC_LIGHT, ((200, 30, 20), (220, 160, 20), (30, 190, 90))[lens])
            parts.append(quad(face, glow, [(lens, signal_index, 0)] * 4))
            lenses.append((x + 0.35, y, up))
    return TrafficLight(as_one(parts, signal_index), tuple(lenses))


@lru_cache(maxsize=128)
def traffic_sign(kind: str, seed: int = 0, height_m: float = 2.2, limit: int = 0) -> Mesh:
    """Make a sign on a pole at the origin, its face toward +x.

    Args:
        kind: one of `SIGN_KINDS`.
        seed: which of several faces a kind has.
        height_m: of its lower edge.
        limit: what a speed limit says, to the next ten, in whatever unit.
    """
    w = SIGN_KINDS.index(kind) + LIMIT_TENS * min(round(limit / 10), 99)
    metal = Finish(Material.METAL, POLE, (130, 134, 136))
    face = Finish(Material.SIGN_FACE, TRAFFIC_SIGN, (230, 230, 230))
    r, z = 0.4, height_m + 0.4
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return as_one(
        [tube((0, 0, 0), (0, 0, z + r), 0.035, metal, sides=4, caps=False),
         quad([(0.05, a * r, z + b * r) for a, b in corners], face, [(a, b, w) for a, b in corners])], seed,
    )  # fmt: skip
