"""Calls that move vehicles and walkers, and those that hold them."""

from __future__ import annotations

import math
from typing import Any

from carla_plugin.simulator.ackermann import AckermannControl, AckermannController, Gains
from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, value, void
from carla_plugin.simulator.chassis import told
from carla_plugin.simulator.motion import chassis, friction_under
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.telemetry import front_steer_deg, telemetry
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Location


def vehicle_of(simulation: Simulation, number: Any) -> Vehicle:
    """Return a living vehicle.

    Raises:
        CallError: the actor is none.
    """
    return actor_as(simulation, number, Vehicle, "vehicle")


def apply_control_to_vehicle(simulation: Simulation, number: Any, control: Any) -> None:
    """Set pedals and wheel; they take over from an Ackermann controller."""
    vehicle = vehicle_of(simulation, number)
    vehicle.control, vehicle.ackermann = reading.vehicle_control(control), None


def apply_control_to_walker(simulation: Simulation, number: Any, control: Any) -> None:
    """Set where a person goes."""
    actor = actor_as(simulation, number, Walker, "walker")
    actor.control, actor.was_led = reading.walker_control(control), False


def set_actor_simulate_physics(simulation: Simulation, number: Any, on: Any) -> None:
    """Let an actor move, or hold it bit for bit where it is.

    Of the dead nothing is said: the wheel's traffic manager calls this in a thread of its own, where a vehicle that was
    destroyed a moment ago would end the whole program.
    """
    world = simulation.world
    if reading.integer(number) in world.boxes and number not in world.actors:
        return
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
    """Return what a vehicle is built like; within a friction trigger its tyres have the trigger's friction."""
    vehicle = vehicle_of(simulation, number)
    control = told(vehicle)
    friction = friction_under(vehicle, simulation.world.actors.values())
    if friction is not None:
        control[15] = [[friction, *wheel[1:]] for wheel in control[15]]
    return control


def apply_physics_control(simulation: Simulation, number: Any, control: Any) -> None:
    """Build a vehicle as a client wants it."""
    vehicle, wanted = vehicle_of(simulation, number), reading.physics_control(control)
    vehicle.physics_control, vehicle.chassis, vehicle.rest = wanted, None, None


def apply_ackermann_control_to_vehicle(simulation: Simulation, number: Any, control: Any) -> None:
    """Let a vehicle's own controller follow a steering angle, a speed and an acceleration."""
    vehicle = vehicle_of(simulation, number)
    wanted = AckermannControl(*(reading.number(item) for item in reading.array(control, 5)[:5]))
    if vehicle.ackermann is None:
        vehicle.ackermann = AckermannController(wanted)
    vehicle.ackermann.wanted = wanted


def get_ackermann_controller_settings(simulation: Simulation, number: Any) -> tuple[float, ...]:
    """Return the gains of a vehicle's controller."""
    return vehicle_of(simulation, number).ackermann_settings or Gains()


def apply_ackermann_controller_settings(simulation: Simulation, number: Any, settings: Any) -> None:
    """Set the gains of a vehicle's controller."""
    gains = Gains(*(reading.number(item) for item in reading.array(settings, 6)[:6]))
    vehicle_of(simulation, number).ackermann_settings = gains


def add_actor_impulse(simulation: Simulation, number: Any, impulse: Any) -> None:
    """Strike a vehicle in its middle: N s, world axes."""
    actor, push = actor_of(simulation, number), reading.location(impulse)
    if isinstance(actor, Vehicle) and actor.physics:
        actor.velocity = _more(actor.velocity, push, 1.0 / chassis(actor).mass)


def add_actor_force(simulation: Simulation, number: Any, force: Any) -> None:
    """Push a vehicle in its middle during the next tick: N, world axes."""
    actor, push = actor_of(simulation, number), reading.location(force)
    if isinstance(actor, Vehicle) and actor.physics:
        actor.force = _more(actor.force, push, 1.0)


def add_actor_angular_impulse(simulation: Simulation, number: Any, impulse: Any) -> None:
    """Twist a vehicle about its upright axis: kg m^2 degrees/s."""
    actor, twist = actor_of(simulation, number), reading.location(impulse)
    if isinstance(actor, Vehicle) and actor.physics:
        actor.angular_velocity = _more(actor.angular_velocity, twist, 1.0 / chassis(actor).inertia)


def add_actor_torque(simulation: Simulation, number: Any, torque: Any) -> None:
    """Twist a vehicle about its upright axis during the next tick: kg m^2 degrees/s^2."""
    actor, twist = actor_of(simulation, number), reading.location(torque)
    if isinstance(actor, Vehicle) and actor.physics:
        actor.torque = _more(actor.torque, twist, 1.0)


def add_actor_impulse_at_location(simulation: Simulation, number: Any, impulse: Any, place: Any) -> None:
    """Strike a vehicle somewhere: N s, world axes."""
    twist = _about_middle(actor_of(simulation, number), reading.location(impulse), reading.location(place))
    add_actor_impulse(simulation, number, impulse)
    add_actor_angular_impulse(simulation, number, twist)


def add_actor_force_at_location(simulation: Simulation, number: Any, force: Any, place: Any) -> None:
    """Push a vehicle somewhere during the next tick: N, world axes."""
    twist = _about_middle(actor_of(simulation, number), reading.location(force), reading.location(place))
    add_actor_force(simulation, number, force)
    add_actor_torque(simulation, number, twist)


def _more(vector: Location, other: Location, factor: float) -> Location:
    """Return a sum that stays within what the wire can carry."""
    limit = reading.FARTHEST
    return Location(*(min(max(a + b * factor, -limit), limit) for a, b in zip(vector, other, strict=True)))


def _about_middle(actor: SimActor, push: Location, place: Location) -> Location:
    """Return what a push at a place twists about the upright axis, in degrees."""
    dx, dy = place.x - actor.place.location.x, place.y - actor.place.location.y
    twist = math.degrees(dx * push.y - dy * push.x)
    return Location(0.0, 0.0, min(max(twist, -reading.FARTHEST), reading.FARTHEST))


def get_telemetry_data(simulation: Simulation, number: Any) -> list[Any]:
    """Return what a vehicle's dashboard and wheels say."""
    return telemetry(vehicle_of(simulation, number))


def show_vehicle_debug_telemetry(simulation: Simulation, number: Any, on: Any) -> None:
    """Answer; there is no screen to show it on."""
    vehicle_of(simulation, number)
    reading.boolean(on)


def set_wheel_steer_direction(simulation: Simulation, number: Any, wheel: Any, angle_deg: Any) -> None:
    """Show one wheel turned by an angle, whatever the steering does."""
    vehicle_of(simulation, number).shown_steer_deg[reading.integer(wheel, 0, 255)] = reading.number(angle_deg)


def get_wheel_steer_angle(simulation: Simulation, number: Any, wheel: Any) -> float:
    """Return by how many degrees a wheel is turned: 0 and 1 are the front ones."""
    vehicle, which = vehicle_of(simulation, number), reading.integer(wheel, 0, 255)
    if which in vehicle.shown_steer_deg and not vehicle.physics:
        return vehicle.shown_steer_deg[which]
    front = (0,) if vehicle.attribute("number_of_wheels", "4") == "2" else (0, 1)
    return front_steer_deg(vehicle) if which in front else 0.0


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
    "apply_ackermann_control_to_vehicle": void(apply_ackermann_control_to_vehicle),
    "get_ackermann_controller_settings": value(get_ackermann_controller_settings),
    "apply_ackermann_controller_settings": void(apply_ackermann_controller_settings),
    "add_actor_impulse": void(add_actor_impulse),
    "add_actor_force": void(add_actor_force),
    "add_actor_angular_impulse": void(add_actor_angular_impulse),
    "add_actor_torque": void(add_actor_torque),
    "add_actor_impulse_at_location": void(add_actor_impulse_at_location),
    "add_actor_force_at_location": void(add_actor_force_at_location),
    "get_telemetry_data": value(get_telemetry_data),
    "show_vehicle_debug_telemetry": void(show_vehicle_debug_telemetry),
    "set_wheel_steer_direction": void(set_wheel_steer_direction),
    "get_wheel_steer_angle": value(get_wheel_steer_angle),
}
