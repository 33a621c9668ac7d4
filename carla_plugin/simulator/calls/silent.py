"""Calls that are answered and change nothing here, or no more than a switch; README lists those without effect."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Sensor, Vehicle
from carla_plugin.simulator.calls.kinds import actor_as, value, void
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.scenery import scenery_of
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.streaming import token

GBUFFERS = 13
LARGEST_GRAVITY = 1e6
SILENT = 1 << 31
"""Bit of a stream on which nothing is ever sent."""
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
    return token(SILENT | sensor.stream, simulation.port)


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
    simulation.world.switches.gravity = reading.number(gravity, LARGEST_GRAVITY)


def switch_vehicle(simulation: Simulation, number: Any, how: Any) -> None:
    """Answer a call that says one thing about a vehicle."""
    actor_as(simulation, number, Vehicle, "vehicle")


def enable_chrono_physics(
    simulation: Simulation, number: Any, substeps: Any, seconds: Any, vehicle: Any, powertrain: Any, tires: Any,
    folder: Any,
) -> None:  # fmt: skip
    """Answer; vehicles move as they did."""
    actor_as(simulation, number, Vehicle, "vehicle")


def restore_physx_physics(simulation: Simulation, number: Any) -> None:
    """Answer; nothing was changed."""
    actor_as(simulation, number, Vehicle, "vehicle")


def get_wheel_pitch_angle(simulation: Simulation, number: Any, wheel: Any) -> float:
    """Return the angle at which a client wants a wheel shown."""
    vehicle = actor_as(simulation, number, Vehicle, "vehicle")
    return simulation.world.switches.wheel_pitch_deg.get((vehicle.id, reading.integer(wheel, 0, 255)), 0.0)


def set_wheel_pitch_angle(simulation: Simulation, number: Any, wheel: Any, angle_deg: Any) -> None:
    """Keep the angle at which a client wants a wheel shown; ours are drawn as they are."""
    vehicle = actor_as(simulation, number, Vehicle, "vehicle")
    simulation.world.switches.wheel_pitch_deg[vehicle.id, reading.integer(wheel, 0, 255)] = reading.number(angle_deg)


def switch_sensor(simulation: Simulation, number: Any, how: Any) -> None:
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
    "enable_gbuffers": void(switch_sensor),
    "are_gbuffers_enabled": value(are_gbuffers_enabled),
    "send": void(switch_sensor),
    "enable_sensor_for_ros": void(enable_sensor_for_ros),
    "disable_sensor_for_ros": void(disable_sensor_for_ros),
    "is_sensor_enabled_for_ros": value(is_sensor_enabled_for_ros),
    "set_annotations_traverse_translucency": void(set_annotations_traverse_translucency),
    "get_imui_gravity": value(get_imui_gravity),
    "set_imui_gravity": void(set_imui_gravity),
    "open_vehicle_door": void(switch_vehicle),
    "close_vehicle_door": void(switch_vehicle),
    "get_wheel_pitch_angle": value(get_wheel_pitch_angle),
    "set_wheel_pitch_angle": void(set_wheel_pitch_angle),
    "enable_carsim": void(switch_vehicle),
    "use_carsim_road": void(switch_vehicle),
    "enable_chrono_physics": void(enable_chrono_physics),
    "restore_physx_physics": void(restore_physx_physics),
}
