"""Collision sensor: a message for each blow to what it is fixed to."""

from __future__ import annotations

import msgpack

from carla_plugin.simulator.actors import Sensor, SimActor
from carla_plugin.simulator.collisions import Collision
from carla_plugin.simulator.sensors.kind import Told
from carla_plugin.simulator.sensors.scenery import standing
from carla_plugin.simulator.world import World
from protocols.carla_rpc.streaming import SensorType


def messages(world: World, sensor: Sensor) -> list[bytes]:
    """Return who was struck, by whom, and with what impulse in N s, for each blow of this tick."""
    parent = world.actors.get(sensor.parent)
    if parent is None:
        return []
    blows = [blow for blow in world.collisions if blow.actor == parent.id]
    return [_told(world, parent, blow) for blow in blows]


def _told(world: World, parent: SimActor, blow: Collision) -> bytes:
    other = world.actors.get(blow.other) if blow.other else None
    record = other.record() if other is not None else standing(world, blow.part, blow.tag)
    return bytes(msgpack.packb([parent.record(), record, blow.impulse]))


KIND = Told(SensorType.COLLISION, messages=messages, events=True)
