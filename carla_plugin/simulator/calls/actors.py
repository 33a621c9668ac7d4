"""Calls about actors: blueprints, birth, death and place."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Sensor, Vehicle, Walker
from carla_plugin.simulator.blueprints import definitions
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, value, void
from carla_plugin.simulator.death import die
from carla_plugin.simulator.pose import compose
from carla_plugin.simulator.refusal import MISMATCH, ActorError
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError, spawn
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Actor, ActorDefinition, BoundingBox, Transform


def get_actor_definitions(simulation: Simulation) -> tuple[ActorDefinition, ...]:
    """Return all blueprints."""
    return definitions()


def get_spectator(simulation: Simulation) -> Actor:
    """Return the onlooker."""
    return simulation.world.spectator.record()


def get_actors_by_id(simulation: Simulation, numbers: Any) -> list[Actor]:
    """Return those of the actors that live."""
    known = (simulation.world.actors.get(reading.integer(number)) for number in reading.array(numbers))
    return [actor.record() for actor in known if actor is not None]


def spawn_actor(simulation: Simulation, description: Any, place: Any) -> Actor:
    """Make an actor."""
    made = spawn(simulation.world, reading.description(description), reading.transform(place), 0, simulation.port)
    return made.record()


def spawn_actor_with_parent(
    simulation: Simulation, description: Any, place: Any, parent: Any, attachment: Any, socket: Any
) -> Actor:
    """Make an actor that is fixed to another; every attachment is rigid."""
    made = spawn(
        simulation.world, reading.description(description), reading.transform(place), reading.integer(parent),
        simulation.port,
    )  # fmt: skip
    return made.record()


def destroy_actor(simulation: Simulation, number: Any) -> bool:
    """Take an actor out of the world; the onlooker stays."""
    if reading.integer(number) == simulation.world.spectator.id:
        raise CallError("internal error: unable to destroy actor")
    if simulation.world.remove(number) is None:
        raise CallError("unable to destroy actor: not found")
    return True


def get_actor_bounding_box(simulation: Simulation, number: Any) -> BoundingBox:
    """Return an actor's box, also that of one who has died: the traffic manager asks for it."""
    return simulation.world.boxes.get(reading.integer(number), BoundingBox())


def set_actor_transform(simulation: Simulation, number: Any, place: Any) -> None:
    """Put an actor somewhere, exactly; of one that is fixed to another this is the place within its axes."""
    actor, there = actor_of(simulation, number), reading.transform(place)
    parent = simulation.world.actors.get(actor.parent) if actor.parent else None
    if parent is not None:
        actor.relative, there = there, compose(parent.place, there)
    actor.place = there


def set_actor_location(simulation: Simulation, number: Any, place: Any) -> None:
    """Put an actor somewhere, its direction unchanged."""
    actor = actor_of(simulation, number)
    turn = (actor.relative if actor.parent else actor.place).rotation
    set_actor_transform(simulation, number, Transform(reading.location(place), turn))


def set_actor_dead(simulation: Simulation, number: Any) -> None:
    """Take an actor's life: a car stands still and nothing moves it any more, a person lies for a while."""
    actor = actor_of(simulation, number)
    if isinstance(actor, Walker):
        die(actor, simulation.world.elapsed_s)
    elif isinstance(actor, Vehicle):
        actor.physics = False
        actor.stop()
    else:
        raise ActorError(MISMATCH, actor.id)


def set_ignored_vehicles(simulation: Simulation, number: Any, vehicles: Any) -> None:
    """Let a sensor look through vehicles."""
    sensor = actor_as(simulation, number, Sensor, "sensor")
    sensor.ignored = frozenset(reading.integer(vehicle) for vehicle in reading.array(vehicles))


CALLS = {
    "set_ignored_vehicles": void(set_ignored_vehicles),
    "set_actor_dead": void(set_actor_dead),
    "get_actor_definitions": value(get_actor_definitions),
    "get_spectator": value(get_spectator),
    "get_actors_by_id": value(get_actors_by_id),
    "spawn_actor": value(spawn_actor),
    "spawn_actor_with_parent": value(spawn_actor_with_parent),
    "destroy_actor": value(destroy_actor),
    "get_actor_bounding_box": value(get_actor_bounding_box),
    "set_actor_transform": void(set_actor_transform),
    "set_actor_location": void(set_actor_location),
}
