"""Batches: many commands in one message, each with an answer of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from carla_plugin.simulator.actors import Walker
from carla_plugin.simulator.calls import actors, motion, signals
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, raw, value, void
from carla_plugin.simulator.pose import heading, wrap_deg
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError, spawn
from protocols.carla_rpc import messages, reading
from protocols.carla_rpc.types import Location, Rotation, Transform, WalkerControl
from protocols.errors import RemoteProtocolError

SPAWN_ACTOR = 0


async def apply_batch(simulation: Simulation, commands: Any, do_tick: Any) -> list[Any]:
    """Carry out commands in order, and let a tick pass if asked."""
    answers = [_carry_out(simulation, command) for command in reading.array(commands)]
    if reading.boolean(do_tick):
        await simulation.tick()
    return answers


def _carry_out(simulation: Simulation, command: Any) -> Any:
    """Return one command's answer: an actor's id, or what is wrong."""
    index = SPAWN_ACTOR
    try:
        index, payload = _opened(command)
        return messages.good(_execute(simulation, index, payload))
    except CallError as error:
        return messages.bad(error.worded(NAMES.get(index, "apply_batch")))
    except RemoteProtocolError as error:
        return messages.bad(str(error))


def _opened(command: Any) -> tuple[int, list[Any]]:
    index, payload = reading.array(reading.array(command, 1)[0], 2)[:2]
    return reading.integer(index), list(reading.array(payload))


def _execute(simulation: Simulation, index: int, payload: list[Any]) -> int:
    if index == SPAWN_ACTOR:
        return _spawn(simulation, payload)
    call = COMMANDS.get(index)
    if call is None:
        raise CallError(f"command {index} is not known here")
    takes = TAKES[index]
    if len(payload) != takes:
        raise CallError(f"command {index} takes {takes} arguments, not {len(payload)}")
    call(simulation, *payload)
    return payload[0] if payload and isinstance(payload[0], int) else 0


def _spawn(simulation: Simulation, payload: list[Any]) -> int:
    """Spawn, then do what is to follow; the new actor's id takes the place of 0."""
    description, place, parent = reading.array(payload, 3)[:3]
    fixed_to = reading.array(parent, 1)
    parent_id = reading.integer(fixed_to[1]) if reading.boolean(fixed_to[0]) and len(fixed_to) > 1 else 0
    made = spawn(
        simulation.world, reading.description(description), reading.transform(place), parent_id, simulation.port
    )
    for command in reading.array(payload[5]) if len(payload) > 5 else ():
        index, follow = _opened(command)
        if follow and index != SPAWN_ACTOR:
            follow[0] = made.id
        _carry_out(simulation, [[index, follow]])  # whatever comes of it: the actor lives, and CARLA says no more
    return made.id


def set_walker_state(simulation: Simulation, number: Any, place: Any, speed: Any) -> None:
    """Put a person onto the walkable point that the client worked out: feet at `place`."""
    actor = actor_as(simulation, number, Walker, "walker")
    (x, y, z), (_, yaw, _) = reading.transform(place)
    yaw, pace = wrap_deg(yaw), reading.number(speed, reading.FARTHEST)
    if actor.died_s is not None:
        return
    ahead, aside = heading(yaw)
    actor.place = Transform(Location(x, y, z + actor.half_height), Rotation(0.0, yaw, 0.0))
    actor.control = WalkerControl(Location(ahead, aside, 0.0), pace, False)
    actor.led = Location(ahead * pace, aside * pace, 0.0)


def set_actor_autopilot(simulation: Simulation, number: Any, on: Any) -> None:
    """Answer; the autopilot is the client's own traffic manager."""
    actor_of(simulation, number)


def console_command(simulation: Simulation, command: Any) -> None:
    """Answer; there is no console."""
    reading.text(command)


COMMANDS: dict[int, Callable[..., Any]] = {
    1: actors.destroy_actor,
    2: motion.apply_control_to_vehicle,
    3: motion.apply_ackermann_control_to_vehicle,
    4: motion.apply_control_to_walker,
    5: motion.apply_physics_control,
    6: actors.set_actor_transform,
    7: set_walker_state,
    8: motion.set_actor_target_velocity,
    9: motion.set_actor_target_angular_velocity,
    10: motion.add_actor_impulse,
    11: motion.add_actor_force,
    12: motion.add_actor_angular_impulse,
    13: motion.add_actor_torque,
    14: motion.set_actor_simulate_physics,
    15: motion.set_actor_enable_gravity,
    16: set_actor_autopilot,
    17: motion.show_vehicle_debug_telemetry,
    18: motion.set_vehicle_light_state,
    19: actors.set_actor_location,
    20: console_command,
    21: signals.set_traffic_light_state,
}

TAKES = {index: len(inspect.signature(call).parameters) - 1 for index, call in COMMANDS.items()}
"""Arguments of each command; one comes with every walker that a client leads, in every tick."""

NAMES = {index: call.__name__ for index, call in COMMANDS.items()}
"""What CARLA's server calls each command when something is wrong with it."""

CALLS = {
    "apply_batch": raw(apply_batch),
    "set_actor_autopilot": void(set_actor_autopilot),
    "set_walker_state": void(set_walker_state),
    "console_command": value(lambda simulation, command: True),
}
