"""Calls that are answered and change nothing here; README lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carla_plugin.simulator.actors import Sensor, Vehicle
from carla_plugin.simulator.calls.kinds import actor_as, value, void
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.scenery import scenery_of
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.streaming import token

GBUFFERS = 13
NO_SUCH_OBJECT = "unable to find Actor to apply the texture"


def apply_texture(simulation: Simulation, names: Any, parameter: Any, texture: Any) -> None:
    """Answer as CARLA does: wrong only if there is no object of these names."""
    wanted = {reading.text(name) for name in reading.array(names)}
    reading.integer(parameter, 0, 255)
    reading.array(texture, 3)
    if not any(thing.name in wanted for thing in scenery_of(simulation.world.town).things):
        raise CallError(NO_SUCH_OBJECT)


def get_gbuffer_token(simulation: Simulation, number: Any, buffer: Any) -> bytes:
    """Return the token of a stream on which nothing is ever sent."""
    sensor = actor_as(simulation, number, Sensor, "sensor")
    reading.integer(buffer, 0, GBUFFERS - 1)
    return token(sensor.stream, simulation.port)


def draw_debug_shape(simulation: Simulation, shape: Any) -> None:
    """Answer; nothing is drawn into pictures."""
    reading.array(shape, 4)


def clear_debug(simulation: Simulation) -> None:
    """Answer; nothing was drawn."""


def is_sensor_enabled_for_ros(simulation: Simulation, stream: Any) -> bool:
    """Return what a client has set."""
    return reading.integer(stream) in simulation.world.switches.ros


def enable_sensor_for_ros(simulation: Simulation, stream: Any) -> None:
    """Keep what a client sets; nothing is published in ROS."""
    simulation.world.switches.ros.add(reading.integer(stream))


def disable_sensor_for_ros(simulation: Simulation, stream: Any) -> None:
    """Keep what a client sets; nothing is published in ROS."""
    simulation.world.switches.ros.discard(reading.integer(stream))


def set_annotations_traverse_translucency(simulation: Simulation, on: Any) -> None:
    """Keep what a client sets; glass is opaque here, to pictures and masks alike."""
    simulation.world.switches.traverse_translucency = reading.boolean(on)


def get_imui_gravity(simulation: Simulation) -> float:
    """Return the gravity that inertial sensors feel, m/s^2."""
    return simulation.world.switches.gravity


def set_imui_gravity(simulation: Simulation, gravity: Any) -> None:
    """Set the gravity that inertial sensors feel, m/s^2."""
    simulation.world.switches.gravity = reading.number(gravity)


def _to_vehicle(arguments: int) -> Callable[..., None]:
    """Return a call about a vehicle that takes so many arguments, and does nothing with them."""

    def none(simulation: Simulation, number: Any) -> None:
        actor_as(simulation, number, Vehicle, "vehicle")

    def one(simulation: Simulation, number: Any, first: Any) -> None:
        actor_as(simulation, number, Vehicle, "vehicle")

    def six(simulation: Simulation, number: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> None:
        actor_as(simulation, number, Vehicle, "vehicle")

    return {0: none, 1: one, 6: six}[arguments]


def _to_sensor(simulation: Simulation, number: Any, value: Any) -> None:
    """Answer a call about a sensor."""
    actor_as(simulation, number, Sensor, "sensor")


def are_gbuffers_enabled(simulation: Simulation, number: Any) -> bool:
    """Return False: there are none."""
    actor_as(simulation, number, Sensor, "sensor")
    return False


CALLS = {
    "apply_color_texture_to_objects": void(apply_texture),
    "apply_float_color_texture_to_objects": void(apply_texture),
    "get_gbuffer_token": value(get_gbuffer_token),
    "enable_gbuffers": void(_to_sensor),
    "are_gbuffers_enabled": value(are_gbuffers_enabled),
    "send": void(_to_sensor),
    "set_ignored_vehicles": void(_to_sensor),
    "draw_debug_shape": void(draw_debug_shape),
    "clear_debug_shape": void(clear_debug),
    "clear_debug_string": void(clear_debug),
    "enable_sensor_for_ros": void(enable_sensor_for_ros),
    "disable_sensor_for_ros": void(disable_sensor_for_ros),
    "is_sensor_enabled_for_ros": value(is_sensor_enabled_for_ros),
    "set_annotations_traverse_translucency": void(set_annotations_traverse_translucency),
    "get_imui_gravity": value(get_imui_gravity),
    "set_imui_gravity": void(set_imui_gravity),
    "open_vehicle_door": void(_to_vehicle(1)),
    "close_vehicle_door": void(_to_vehicle(1)),
    "enable_carsim": void(_to_vehicle(1)),
    "use_carsim_road": void(_to_vehicle(1)),
    "enable_chrono_physics": void(_to_vehicle(6)),
    "restore_physx_physics": void(_to_vehicle(0)),
}
