"""Street furniture: lamps, fences, walls, benches, bins, shelters and what else stands on a sidewalk."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Finish, Point, as_one, box, quad, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

WALL, FENCE, POLE, STATIC = 4, 5, 6, 20
FENCE_KINDS = ("bars", "mesh", "planks")
WALL_KINDS = ("brick", "concrete", "stone")


class StreetLamp(NamedTuple):
    """Hold a street lamp's mesh and the (x, y, z) of its head in metres."""

    mesh: Mesh
    head: Point


@lru_cache(maxsize=16)
def street_lamp(height_m: float = 7.5, arm_m: float = 1.8) -> StreetLamp:
    """Make a lamp; pole at the origin, the arm reaches over the road toward +x."""
    metal = Finish(Material.METAL, POLE, (84, 90, 94))
    glow = Finish(Material.STREET_LAMP, POLE, (250, 240, 210))
    parts = [tube((0, 0, 0), (0, 0, height_m), 0.09, metal, end_radius=0.06),
             tube((0, 0, height_m), (arm_m, 0, height_m + 0.25), 0.04, metal),
             box((arm_m + 0.2, 0, height_m + 0.25), (0.7, 0.25, 0.12), metal),
             box((arm_m + 0.2, 0, height_m + 0.17), (0.5, 0.2, 0.05), glow)]  # fmt: skip
    return StreetLamp(as_one(parts, 0), (arm_m + 0.2, 0.0, height_m + 0.15))


@lru_cache(maxsize=128)
def fence(length_m: float, height_m: float = 1.2, kind: str = "bars") -> Mesh:
    """Make a fence of one of `FENCE_KINDS` along x, centred on the origin."""
    metal = Finish(Material.FENCE, FENCE, (70, 76, 74) if kind != "planks" else (140, 110, 80))
    w, half = FENCE_KINDS.index(kind), length_m / 2
    corners = [(-half, 0, 0.05), (half, 0, 0.05), (half, 0, height_m), (-half, 0, height_m)]
    uvw = [(0, 0.05, w), (length_m, 0.05, w), (length_m, height_m, w), (0, height_m, w)]
    return as_one([quad(corners, metal, uvw)], 0)


@lru_cache(maxsize=128)
def wall(length_m: float, height_m: float = 1.8, kind: str = "brick") -> Mesh:
    """Make a free-standing wall of one of `WALL_KINDS` along x, centred on the origin, 0.25 m thick."""
    finish = Finish(Material.BRICK if kind == "brick" else Material.CONCRETE, WALL, (150, 96, 76))
    return as_one([box((0, 0, height_m / 2), (length_m, 0.25, height_m), finish)], 0)


def _static(size: Point, colour: tuple[int, int, int], material: Material = Material.PLAIN) -> Mesh:
    return as_one([box((0, 0, size[2] / 2), size, Finish(material, STATIC, colour))], 0)


@lru_cache(maxsize=4)
def bollard() -> Mesh:
    """Make a bollard (tag Pole)."""
    return tube((0, 0, 0), (0, 0, 0.95), 0.08, Finish(Material.METAL, POLE, (60, 64, 66)))


@lru_cache(maxsize=16)
def bench(seed: int = 0) -> Mesh:
    """Make a bench 1.8 m long (along y); one sits on it looking toward +x."""
    return _static((0.5, 1.8, 0.45), (150, 104, 64), Material.WOOD)


@lru_cache(maxsize=16)
def bin_(seed: int = 0) -> Mesh:
    """Make a litter bin."""
    return _static((0.45, 0.45, 0.9), (50, 90, 60))


@lru_cache(maxsize=16)
def hydrant(seed: int = 0) -> Mesh:
    """Make a hydrant."""
    return _static((0.3, 0.3, 0.8), (190, 40, 30))


@lru_cache(maxsize=16)
def planter(seed: int = 0) -> Mesh:
    """Make a planter with a bush; 1.2 m long along x."""
    return _static((1.2, 0.6, 0.9), (150, 140, 128), Material.CONCRETE)


@lru_cache(maxsize=16)
def bus_stop(seed: int = 0) -> Mesh:
    """Make a shelter 4 m long (along y), open toward +x."""
    return _static((1.5, 4.0, 2.5), (120, 130, 134), Material.GLASS)


@lru_cache(maxsize=16)
def kiosk(seed: int = 0) -> Mesh:
    """Make a newspaper kiosk 2.4 m wide (along y), its counter toward +x."""
    return _static((2.0, 2.4, 2.8), (40, 100, 80))


@lru_cache(maxsize=16)
def billboard(seed: int = 0) -> Mesh:
    """Make an advertisement 2.6 m wide (along y) on posts, its face toward +x."""
    return _static((0.2, 2.6, 3.4), (200, 120, 60))


@lru_cache(maxsize=16)
def letter_box(seed: int = 0) -> Mesh:
    """Make a letter box on a foot."""
    return _static((0.4, 0.5, 1.3), (230, 180, 30))


@lru_cache(maxsize=16)
def cabinet(seed: int = 0) -> Mesh:
    """Make a grey cabinet of the telephone company, doors toward +x."""
    return _static((0.4, 1.0, 1.2), (140, 146, 140), Material.METAL)


@lru_cache(maxsize=16)
def parasol(seed: int = 0) -> Mesh:
    """Make a cafe table with chairs under a parasol, 2.2 m across."""
    return _static((0.8, 0.8, 0.75), (200, 190, 180))


@lru_cache(maxsize=16)
def barrier(seed: int = 0) -> Mesh:
    """Make a red and white road-works barrier 1.5 m long (along y)."""
    return _static((0.3, 1.5, 1.0), (220, 60, 40))
