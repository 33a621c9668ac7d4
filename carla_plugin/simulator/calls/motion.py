"""Calls that move vehicles and walkers, and those that hold them."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, value, void
from carla_plugin.simulator.chassis import ordinary
from carla_plugin.simulator.pose import heading
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Location


def vehicle_of(simulation: Simulation, number: Any) -> Vehicle:
    """Return a living vehicle.

    Raises:
        CallError: the actor is none.
    """
    return actor_as(simulation, number, Vehicle, "vehicle")


def apply_control_to_vehicle(simulation: Simulation, number: Any, control: Any) -> None:
    """Set pedals and wheel."""
    vehicle_of(simulation, number).control = reading.vehicle_control(control)


def apply_control_to_walker(simulation: Simulation, number: Any, control: Any) -> None:
    """Set where a person goes."""
    actor = actor_as(simulation, number, Walker, "walker")
    actor.control = reading.walker_control(control)


def set_actor_simulate_physics(simulation: Simulation, number: Any, on: Any) -> None:
    """Let an actor move, or hold it bit for bit where it is."""
    actor = actor_of(simulation, number)
    if isinstance(actor, (Vehicle, Walker)):
        actor.physics = reading.boolean(on)
        if not actor.physics:
            actor.stop()


def set_actor_collisions(simulation: Simulation, number: Any, on: Any) -> None:
    """Let others drive through an actor, or not."""
    actor = actor_of(simulation, number)
    if isinstance(actor, (Vehicle, Walker)):
        actor.collides = reading.boolean(on)


def set_actor_enable_gravity(simulation: Simulation, number: Any, on: Any) -> None:
    """Let a vehicle fall to the ground, or not."""
    actor = actor_of(simulation, number)
    if isinstance(actor, Vehicle):
        actor.gravity = reading.boolean(on)


def set_actor_target_velocity(simulation: Simulation, number: Any, velocity: Any) -> None:
    """Give a vehicle a speed at once: the part of the velocity that lies along it."""
    actor, wanted = actor_of(simulation, number), reading.location(velocity)
    if isinstance(actor, Vehicle):
        cos, sin = heading(actor.place.rotation.yaw)
        actor.speed = wanted.x * cos + wanted.y * sin
    _set_velocity(actor, wanted)


def _set_velocity(actor: SimActor, velocity: Location) -> None:
    if isinstance(actor, (Vehicle, Walker)) and actor.physics:
        actor.velocity = velocity


def set_actor_target_angular_velocity(simulation: Simulation, number: Any, velocity: Any) -> None:
    """Answer; a vehicle on its wheels turns by steering alone."""
    actor_of(simulation, number)
    reading.location(velocity)


def enable_actor_constant_velocity(simulation: Simulation, number: Any, velocity: Any) -> None:
    """Drive a vehicle at a velocity in its own axes, whatever its pedals say."""
    vehicle_of(simulation, number).constant_velocity = reading.location(velocity)


def disable_actor_constant_velocity(simulation: Simulation, number: Any) -> None:
    """Give a vehicle back to its pedals."""
    vehicle_of(simulation, number).constant_velocity = None


def set_vehicle_light_state(simulation: Simulation, number: Any, flags: Any) -> None:
    """Switch a vehicle's lamps."""
    vehicle_of(simulation, number).lights = reading.light_flags(flags)


def get_vehicle_light_state(simulation: Simulation, number: Any) -> list[int]:
    """Return a vehicle's lamps."""
    return [vehicle_of(simulation, number).lights]


def get_vehicle_light_states(simulation: Simulation) -> list[list[int]]:
    """Return the lamps of all vehicles."""
    return [[vehicle.id, vehicle.lights] for vehicle in simulation.world.vehicles]


def get_physics_control(simulation: Simulation, number: Any) -> list[Any]:
    """Return what a vehicle is built like: its own measures and steering, else an ordinary car's numbers."""
    vehicle = vehicle_of(simulation, number)
    return vehicle.physics_control or ordinary(vehicle)


def apply_physics_control(simulation: Simulation, number: Any, control: Any) -> None:
    """Keep what a client wants a vehicle to be built like; of it, the front wheels' largest angle steers."""
    vehicle, wanted = vehicle_of(simulation, number), reading.physics_control(control)
    vehicle.physics_control = wanted
    vehicle.max_steer_deg = min(max(max(wheel[2] for wheel in wanted[15]), 0.0), 80.0)


CALLS = {
    "apply_control_to_vehicle": void(apply_control_to_vehicle),
    "apply_control_to_walker": void(apply_control_to_walker),
    "set_actor_simulate_physics": void(set_actor_simulate_physics),
    "set_actor_collisions": void(set_actor_collisions),
    "set_actor_enable_gravity": void(set_actor_enable_gravity),
    "set_actor_target_velocity": void(set_actor_target_velocity),
    "set_actor_target_angular_velocity": void(set_actor_target_angular_velocity),
    "enable_actor_constant_velocity": void(enable_actor_constant_velocity),
    "disable_actor_constant_velocity": void(disable_actor_constant_velocity),
    "set_vehicle_light_state": void(set_vehicle_light_state),
    "get_vehicle_light_state": value(get_vehicle_light_state),
    "get_vehicle_light_states": value(get_vehicle_light_states),
    "get_physics_control": value(get_physics_control),
    "apply_physics_control": void(apply_physics_control),
}
