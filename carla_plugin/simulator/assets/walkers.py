"""People on foot: `walker.pedestrian.0001` to `0049`."""

from __future__ import annotations

from functools import lru_cache

from carla_plugin.simulator.assets.shapes import Finish, as_one, box
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

PEDESTRIAN = 12
STANDING = -1.0
PHASES = 16


def walker(blueprint_id: str, stride: float = STANDING) -> Mesh:
    """Make a person, feet on the ground about the origin, looking toward +x; tag Pedestrian.

    Args:
        blueprint_id: `walker.pedestrian.NNNN`.
        stride: phase of the gait 0..1 (taken modulo 1, rounded to `PHASES` steps); negative = standing.
    """
    return _walker(blueprint_id, -1 if stride < 0 else round(stride * PHASES) % PHASES)


@lru_cache(maxsize=2048)
def _walker(blueprint_id: str, phase: int) -> Mesh:
    height = 2 * walker_extent(blueprint_id)[2]
    cloth = Finish(Material.CLOTH, PEDESTRIAN, (60, 80, 120))
    return as_one([box((0, 0, height / 2), (0.3, 0.45, height), cloth)], 0)


@lru_cache(maxsize=64)
def walker_extent(blueprint_id: str) -> tuple[float, float, float]:
    """Return half sizes (x, y, z) in metres of the box around a walker; its centre is at z = ez."""
    return (0.35, 0.35, 0.9)


WALKER_IDS: tuple[str, ...] = tuple(f"walker.pedestrian.{number:04d}" for number in range(1, 50))


def stride_length(blueprint_id: str) -> float:
    """Return the metres walked in one cycle of the gait (two steps)."""
    return 0.8 * 2 * walker_extent(blueprint_id)[2]


def walker_age(blueprint_id: str) -> str:
    """Return `adult`, `child` or `elderly`."""
    return "adult"


def walker_gender(blueprint_id: str) -> str:
    """Return `male` or `female`."""
    return "male"
