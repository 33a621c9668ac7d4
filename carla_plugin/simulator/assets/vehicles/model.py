"""Build a vehicle from its blueprint id."""

from __future__ import annotations

from functools import lru_cache

from carla_plugin.simulator.assets.shapes import Colour, Point
from carla_plugin.simulator.assets.vehicles.cars import car
from carla_plugin.simulator.assets.vehicles.catalogue import MODELS
from carla_plugin.simulator.assets.vehicles.families import FAMILIES
from carla_plugin.simulator.assets.vehicles.trucks import BUILDS, truck
from carla_plugin.simulator.assets.vehicles.two_wheelers import two_wheeler
from carla_plugin.simulator.mesh import Mesh

VEHICLE_IDS: tuple[str, ...] = tuple(MODELS)
PAINTS: tuple[Colour, ...] = (
    (236, 236, 232), (180, 184, 188), (96, 100, 106), (28, 30, 34), (30, 60, 120), (150, 24, 28), (40, 88, 62),
    (196, 170, 120), (206, 110, 30), (90, 140, 190),
)  # fmt: skip
_TAGS = {"boxtruck": 15, "hgv": 15, "firetruck": 15, "ambulance": 15, "bus": 16,
         "cruiser": 18, "sportbike": 18, "scooter": 18, "bicycle": 19}  # fmt: skip


@lru_cache(maxsize=1024)
def vehicle(blueprint_id: str, colour: Colour) -> Mesh:
    """Make a vehicle, standing on its wheels on the ground, its box's centre over the origin, its nose toward +x.

    Args:
        blueprint_id: one of `VEHICLE_IDS`.
        colour: sRGB of its paint.

    Raises:
        KeyError: no such blueprint.
    """
    model = MODELS[blueprint_id]
    if model.family in BUILDS:
        return truck(model, colour)
    if model.family in FAMILIES:
        return car(model, FAMILIES[model.family], colour)
    return two_wheeler(model, colour)


def vehicle_extent(blueprint_id: str) -> tuple[float, float, float]:
    """Return half sizes (x, y, z) in metres of the box around a vehicle; its centre is at z = ez."""
    model = MODELS[blueprint_id]
    return model.length / 2, model.width / 2, model.height / 2


def vehicle_wheelbase(blueprint_id: str) -> float:
    """Return the metres between the front and the rear axle; both are as far from the origin."""
    return MODELS[blueprint_id].wheelbase


@lru_cache(maxsize=64)
def vehicle_lamps(blueprint_id: str) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the centres (x, y, z in metres) of the head lamps and of the tail lamps; one each for two-wheelers."""
    ex, ey, _ = vehicle_extent(blueprint_id)
    sides = (0.0,) if MODELS[blueprint_id].family in ("cruiser", "sportbike", "scooter", "bicycle") else (-1.0, 1.0)
    return (tuple((ex - 0.05, side * ey * 0.7, 0.65) for side in sides),
            tuple((0.05 - ex, side * ey * 0.7, 0.75) for side in sides))  # fmt: skip


def vehicle_colours(blueprint_id: str) -> tuple[Colour, ...]:
    """Return colours that suit a vehicle, its usual one first."""
    usual = MODELS[blueprint_id].colour
    if MODELS[blueprint_id].family in ("police", "taxi", "firetruck", "ambulance"):
        return (usual,)
    return (usual, *(colour for colour in PAINTS if colour != usual))


def vehicle_tag(blueprint_id: str) -> int:
    """Return the CARLA tag of a vehicle's body: 14 car, 15 truck, 16 bus, 18 motorcycle, 19 bicycle."""
    return _TAGS.get(MODELS[blueprint_id].family, 14)
