"""Blueprints: what can be spawned, with CARLA 0.9.16's ids, attributes and defaults."""

from __future__ import annotations

from functools import lru_cache

from carla_plugin.simulator.assets.walkers import WALKER_IDS
from carla_plugin.simulator.blueprints.cameras import camera_rows
from carla_plugin.simulator.blueprints.sensors import sensor_rows
from carla_plugin.simulator.blueprints.statics import static_rows
from carla_plugin.simulator.blueprints.vehicles import FACTS, vehicle_row
from carla_plugin.simulator.blueprints.walkers import controller_rows, walker_row
from protocols.carla_rpc.types import ActorDefinition

__all__ = ["base_type", "by_id", "definitions"]


def base_type(vehicle_id: str) -> str:
    """Return CARLA's `base_type`: car, truck, van, bus, motorcycle or bicycle."""
    return FACTS[vehicle_id].base


@lru_cache(maxsize=1)
def definitions() -> tuple[ActorDefinition, ...]:
    """Return all blueprints, numbered from 1 in the order of their ids."""
    rows = [
        *map(vehicle_row, FACTS),
        *map(walker_row, WALKER_IDS),
        *controller_rows(),
        *camera_rows(),
        *sensor_rows(),
        *static_rows(),
    ]
    return tuple(
        ActorDefinition(number, name, ",".join(name.split(".")), attributes)
        for number, (name, attributes) in enumerate(sorted(rows), start=1)
    )


@lru_cache(maxsize=1)
def by_id() -> dict[str, ActorDefinition]:
    """Return all blueprints by their ids."""
    return {definition.id: definition for definition in definitions()}
