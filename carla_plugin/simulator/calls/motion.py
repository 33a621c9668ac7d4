"""Calls that move vehicles and walkers, and those that hold them."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Vehicle, Walker
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, value, void
from carla_plugin.simulator.chassis import told
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading


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
    """Give a body a velocity at once; physics goes on from there."""
    actor, wanted = actor_of(simulation, number), reading.location(velocity)
    if isinstance(actor, (Vehicle, Walker)) and actor.physics:
        actor.velocity = wanted


def set_actor_target_angular_velocity(simulation: Simulation, number: Any, velocity: Any) -> None:
    """Let a vehicle turn at a rate in degrees a second at once; its tyres go on from there."""
    actor, wanted = actor_of(simulation, number), reading.location(velocity)
    if isinstance(actor, Vehicle) and actor.physics:
        actor.angular_velocity = wanted


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
    """Return what a vehicle is built like."""
    return told(vehicle_of(simulation, number))


def apply_physics_control(simulation: Simulation, number: Any, control: Any) -> None:
    """Build a vehicle as a client wants it."""
    vehicle, wanted = vehicle_of(simulation, number), reading.physics_control(control)
    vehicle.physics_control, vehicle.chassis, vehicle.rest = wanted, None, None


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
