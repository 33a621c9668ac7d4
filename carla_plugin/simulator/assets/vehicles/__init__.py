"""Vehicles by their blueprint id: shape, size, axles and lamps."""

from carla_plugin.simulator.assets.vehicles.model import (
    VEHICLE_IDS,
    vehicle,
    vehicle_colours,
    vehicle_extent,
    vehicle_lamps,
    vehicle_tag,
    vehicle_wheelbase,
)

__all__ = [
    "VEHICLE_IDS",
    "vehicle",
    "vehicle_colours",
    "vehicle_extent",
    "vehicle_lamps",
    "vehicle_tag",
    "vehicle_wheelbase",
]
