"""Actors: chosen from the server's blueprints by a seed, spawned, placed, and destroyed on every way out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import carla
import numpy as np

from carla_plugin.layouts import ActorPlan, Footprint, Moment
from carla_plugin.scenario import Traffic
from carla_plugin.world import convert
from carla_plugin.world.connection import ServerError, World, asking
from protocols.carla_rpc.types import Location, Transform
from protocols.errors import InputError

BASE_TYPES = {
    "bicycles": "bicycle",
    "motorcycles": "motorcycle",
    "buses": "bus",
    "trucks": "truck",
    "vans": "van",
    "cars": "car",
}
"""CARLA's `base_type` of each kind of vehicle in a scenario; where streets are too full, the last are left out."""

OUT_OF_SIGHT_M = 30.0
"""How far under its place the actor goes whose place the camera takes."""

LAMPS_ON = int(carla.VehicleLightState.Position) | int(carla.VehicleLightState.LowBeam)


class Cast:
    """Hold the spawned actors of an episode; made by `Cast.spawned`.

    Attributes:
        numbers: which of the wanted actors found a place, N indices.
        plans: their plans.
        ids: N actor ids.
        footprints: N boxes on the ground.
    """

    def __init__(self, world: World, numbers: Sequence[int], plans: Sequence[ActorPlan], ids: Sequence[int]) -> None:
        """Wrap spawned actors; use `Cast.spawned` instead."""
        self.world = world
        self.numbers = tuple(numbers)
        self.plans = tuple(plans)
        self.ids = tuple(ids)
        with asking(world.address, "reading its actors"):
            actors = {actor.id: actor for actor in world.world.get_actors(list(ids))}
        missing = [number for number in ids if number not in actors]
        if missing:
            raise ServerError(f"simulator at {world.address}: expected {len(ids)} actors, {len(missing)} vanished")
        extents = [actors[number].bounding_box.extent for number in ids]
        self.actors = tuple(actors[number] for number in ids)
        self.footprints = tuple(Footprint(max(extent.x, 0.2), max(extent.y, 0.2)) for extent in extents)

    @classmethod
    @contextmanager
    def spawned(cls, world: World, plans: Sequence[ActorPlan], places: Sequence[Sequence[Transform]]) -> Iterator[Cast]:
        """Spawn each actor at the first of its places that is free; destroy all on leaving.

        Args:
            world: where.
            plans: N actors.
            places: N lists of transforms, best first; an actor without a free one is left out.

        Raises:
            ServerError: the server did not answer, or found no place for any actor.
        """
        library = world.world.get_blueprint_library()
        found: dict[int, int] = {}
        taken: set[Location] = set()
        try:
            for attempt in range(max((len(options) for options in places), default=0)):
                open_plans = []
                for number in range(len(plans)):
                    free = [place for place in places[number][attempt:] if place.location not in taken][:1]
                    if number not in found and free:
                        taken.add(free[0].location)
                        open_plans.append((number, free[0]))
                commands = [
                    carla.command.SpawnActor(blueprint(library, plans[number]), convert.to_carla(place))
                    for number, place in open_plans
                ]
                responses = world.apply(commands, "spawning actors")
                for (number, _), response in zip(open_plans, responses, strict=True):
                    if not response.error:
                        found[number] = int(response.actor_id)
                if len(found) == len(plans) or attempt >= 5:
                    break
            if plans and not found:
                raise ServerError(f"simulator at {world.address}: expected a place for {len(plans)} actors, found none")
            world.tick()
            kept = sorted(found)
            yield cls(world, kept, [plans[number] for number in kept], [found[number] for number in kept])
        finally:
            if found and world.alive():
                world.apply([carla.command.DestroyActor(number) for number in found.values()], "removing its actors")

    def still(self) -> None:
        """Take physics off all actors, so that they stay where they are placed."""
        self.world.apply(
            [carla.command.SetSimulatePhysics(number, False) for number in self.ids], "holding actors still"
        )

    def place_commands(self, moment: Moment) -> list[Any]:
        """Return the commands that place all actors as in a moment."""
        commands: list[Any] = []
        for number, (actor, plan) in enumerate(zip(self.ids, self.plans, strict=True)):
            place = moment.places[number]
            if number == moment.hidden:
                place = place._replace(location=place.location._replace(z=place.location.z - OUT_OF_SIGHT_M))
            commands.append(carla.command.ApplyTransform(actor, convert.to_carla(place)))
            if plan.walks:
                forward = convert.to_carla(place).get_forward_vector()
                control = carla.WalkerControl(forward, moment.speeds_m_s[number], False)
                commands.append(carla.command.ApplyWalkerControl(actor, control))
            else:
                commands.append(
                    carla.command.SetVehicleLightState(actor, carla.VehicleLightState(moment.lights[number]))
                )
        return commands

    def poses(self) -> bytes:
        """Return the bytes of all actors' transforms in the newest snapshot: `(N, 6)` float64."""
        snapshot = self.world.world.get_snapshot()
        rows = []
        for number in self.ids:
            actor = snapshot.find(number)
            if actor is None:
                raise ServerError(f"simulator at {self.world.address}: expected actor {number}, it vanished")
            place = convert.from_carla(actor.get_transform())
            rows.append((*place.location, *place.rotation))
        return np.asarray(rows, dtype=np.float64).tobytes()


def choose(world: World, traffic: Traffic, dice: random.Random) -> list[ActorPlan]:
    """Choose a blueprint and its attributes for each actor of the scenario.

    Args:
        world: whose blueprints.
        traffic: the counts.
        dice: the episode's.

    Raises:
        InputError: the server has no blueprint of a wanted kind.
    """
    library = world.world.get_blueprint_library()
    vehicles: dict[str, list[Any]] = {}
    for entry in sorted(library.filter("vehicle.*"), key=lambda entry: str(entry.id)):
        vehicles.setdefault(_text(entry, "base_type").lower(), []).append(entry)
    walkers = sorted(library.filter("walker.pedestrian.*"), key=lambda entry: str(entry.id))
    plans = []
    for kind in (*BASE_TYPES, "pedestrians"):
        count = int(getattr(traffic, kind))
        known = walkers if kind == "pedestrians" else vehicles.get(BASE_TYPES[kind], [])
        if count and not known:
            raise InputError(
                f"traffic.{kind}: expected blueprints of this kind at {world.address}, got none; set it to 0"
            )
        for _ in range(count):
            plans.append(_drawn(kind, dice.choice(known), dice))
    return plans


def blueprint(library: carla.BlueprintLibrary, plan: ActorPlan) -> carla.ActorBlueprint:
    """Return the wheel's blueprint with the plan's attributes set."""
    entry = library.find(plan.blueprint)
    for key, value in plan.attributes:
        if entry.has_attribute(key):
            entry.set_attribute(key, value)
    return entry


def _drawn(kind: str, entry: carla.ActorBlueprint, dice: random.Random) -> ActorPlan:
    attributes = []
    for key in ("color", "driver_id"):
        if entry.has_attribute(key):
            values = [str(value) for value in entry.get_attribute(key).recommended_values]
            if values:
                attributes.append((key, dice.choice(values)))
    if entry.has_attribute("is_invincible"):
        attributes.append(("is_invincible", "true"))
    return ActorPlan(kind, str(entry.id), tuple(attributes))


def _text(entry: carla.ActorBlueprint, key: str) -> str:
    return str(entry.get_attribute(key).as_str()) if entry.has_attribute(key) else ""
