"""Actors: chosen from the server's blueprints by a seed, spawned, placed, and destroyed on every way out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import carla
import numpy as np

from carla_plugin.layouts import ActorPlan, Footprint, Layouts, Moment
from carla_plugin.scenario import Traffic
from carla_plugin.world import convert
from carla_plugin.world.connection import ServerError, World
from carla_plugin.world.people import bone_control
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

PARKED_SHARES = {"cars": 6.0, "vans": 1.0, "trucks": 3.0}
"""How often each kind is drawn for a place at the kerb."""

OUT_OF_SIGHT_M = 30.0
"""How far under its place the actor goes whose place the camera takes."""

TRIES = 6
"""So often an actor whose place is taken is spawned at another."""

SKY_M, FLOOR_M = 60.0, 5.0
"""Over their places actors are spawned that stand still, each in a storey: higher than any street is built over."""

LAMPS_ON = int(carla.VehicleLightState.Position) | int(carla.VehicleLightState.LowBeam)
BLINKING = (
    int(carla.VehicleLightState.Brake)
    | int(carla.VehicleLightState.RightBlinker)
    | int(carla.VehicleLightState.LeftBlinker)
)


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
        with world.asking("reading its actors"):
            actors = {actor.id: actor for actor in world.world.get_actors(list(ids))}
        world.met += len(ids)
        missing = [number for number in ids if number not in actors]
        if missing:
            raise ServerError(f"simulator at {world.address}: expected {len(ids)} actors, {len(missing)} vanished")
        self._placed: dict[tuple[int, str], Any] = {}  # what each actor was last told, while nothing else moves it
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
        found: dict[int, int] = {}
        try:
            _spawn(world, plans, places, found, still=False)
            if plans and not found:
                raise ServerError(f"simulator at {world.address}: expected a place for {len(plans)} actors, found none")
            world.tick()
            kept = sorted(found)
            yield cls(world, kept, [plans[number] for number in kept], [found[number] for number in kept])
        finally:
            _destroy(world, found)

    @classmethod
    @contextmanager
    def standing(cls, world: World, layouts: Layouts, *, still: bool = True) -> Iterator[Cast]:
        """Spawn all actors of a plan high over their first places, without physics; destroy all on leaving.

        Args:
            world: where.
            layouts: the plan.
            still: take physics off them.

        Raises:
            ServerError: the server did not answer, lacks a blueprint, or found no place for an actor.
        """
        plans, first = layouts.actors, layouts.moments[0].places
        rooms = [
            [_lifted(place, number + 7 * attempt) for attempt in range(TRIES)] for number, place in enumerate(first)
        ]
        found: dict[int, int] = {}
        try:
            _spawn(world, plans, rooms, found, still=still)
            missing = [plan.blueprint for number, plan in enumerate(plans) if number not in found]
            if missing:
                raise ServerError(
                    f"simulator at {world.address}: expected a place for each of {len(plans)} actors, "
                    f"found none for {len(missing)}, such as {missing[0]}"
                )
            world.tick()
            yield cls(world, range(len(plans)), plans, [found[number] for number in range(len(plans))])
        finally:
            _destroy(world, found)

    def forget(self) -> None:
        """Forget what actors were told, so that all is said again."""
        self._placed.clear()

    def place_of(self, number: int) -> Transform:
        """Return where an actor is, as of the newest tick."""
        seen = self.world.world.get_snapshot().find(self.ids[number])
        if seen is None:
            raise ServerError(f"simulator at {self.world.address}: expected actor {self.ids[number]}, it vanished")
        return convert.from_carla(seen.get_transform())

    def show_poses(self, layouts: Layouts, moment: Moment) -> None:
        """Show people in the poses of a moment, in full; who is in it already is left alone, who has none stands."""
        with self.world.asking("posing people"):
            for number, (actor, pose) in enumerate(zip(self.actors, moment.poses, strict=True)):
                if not self.plans[number].walks:
                    continue
                if pose >= 0 and self._is_news(self.ids[number], "pose", pose):
                    held = layouts.poses[pose]
                    actor.set_bones(bone_control(layouts.skeletons[held.skeleton], held))
                if self._is_news(self.ids[number], "shown", pose >= 0):
                    actor.blend_pose(float(pose >= 0))

    def lamps(self) -> list[int]:
        """Return the light bits of all vehicles as of the newest tick; 0 for people."""
        with self.world.asking("reading its actors' lamps"):
            known = self.world.world.get_vehicles_light_states()
        return [int(known.get(number, 0)) for number in self.ids]

    def place_commands(self, moment: Moment, *, steady_lights: bool = True) -> list[Any]:
        """Return the commands that place all actors as in a moment; what they were told before is not said again.

        Args:
            moment: where they are to be.
            steady_lights: leave out the lamps that blink on real servers.
        """
        commands: list[Any] = []
        for number, (actor, plan) in enumerate(zip(self.ids, self.plans, strict=True)):
            place, lights = moment.places[number], moment.lights[number]
            if steady_lights:
                lights &= ~BLINKING
            if number == moment.hidden:
                lights = 0
                place = place._replace(location=place.location._replace(z=place.location.z - OUT_OF_SIGHT_M))
            if self._is_news(actor, "place", place):
                commands.append(carla.command.ApplyTransform(actor, convert.to_carla(place)))
            if not plan.walks and self._is_news(actor, "lights", lights):
                commands.append(carla.command.SetVehicleLightState(actor, carla.VehicleLightState(lights)))
        return commands

    def _is_news(self, actor: int, what: str, value: Any) -> bool:
        """Return whether an actor was not told this before, and remember it."""
        if self._placed.get((actor, what)) == value:
            return False
        self._placed[actor, what] = value
        return True

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


def _spawn(
    world: World,
    plans: Sequence[ActorPlan],
    places: Sequence[Sequence[Transform]],
    found: dict[int, int],
    *,
    still: bool,
) -> None:
    """Spawn actors at their first free places and note their ids as soon as they are known, for who cleans up."""
    library = world.world.get_blueprint_library()
    taken: set[Location] = set()
    for attempt in range(min(TRIES, max((len(options) for options in places), default=0))):
        wanted = []
        for number in range(len(plans)):
            free = [place for place in places[number][attempt:] if place.location not in taken][:1]
            if number not in found and free:
                taken.add(free[0].location)
                wanted.append((number, free[0]))
        commands = [
            carla.command.SpawnActor(blueprint(world, library, plans[number]), convert.to_carla(place))
            for number, place in wanted
        ]
        if still:
            hold = carla.command.SetSimulatePhysics(carla.command.FutureActor, False)
            commands = [command.then(hold) for command in commands]
        responses = world.apply(commands, "spawning actors")
        for (number, _), response in zip(wanted, responses, strict=True):
            if not response.error:
                found[number] = int(response.actor_id)
        if len(found) == len(plans):
            break


def _destroy(world: World, found: Mapping[int, int]) -> None:
    if found and world.alive():
        world.apply([carla.command.DestroyActor(number) for number in found.values()], "removing its actors")


def _lifted(place: Transform, number: int) -> Transform:
    """Return a place high over another, where nobody is in the way: each of ten neighbours has a height of its own."""
    return place._replace(location=place.location._replace(z=place.location.z + SKY_M + FLOOR_M * (number % 10)))


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
    by_kind = {kind: vehicles.get(base_type, []) for kind, base_type in BASE_TYPES.items()}
    by_kind["pedestrians"] = sorted(library.filter("walker.pedestrian.*"), key=lambda entry: str(entry.id))
    plans = []
    counts = traffic.counts()
    for kind, known in by_kind.items():
        count = counts[kind]
        if count and not known:
            raise InputError(
                f"traffic.{kind}: expected blueprints of this kind at {world.address}, got none; set it to 0"
            )
        plans += [_drawn(kind, dice.choice(known), dice) for _ in range(count)]
    kinds = [kind for kind in PARKED_SHARES if by_kind[kind]]
    for kind in dice.choices(kinds, [PARKED_SHARES[kind] for kind in kinds], k=traffic.parked if kinds else 0):
        plans.append(_drawn(kind, dice.choice(by_kind[kind]), dice, parked=True))
    return plans


def blueprint(world: World, library: carla.BlueprintLibrary, plan: ActorPlan) -> carla.ActorBlueprint:
    """Return the wheel's blueprint with the plan's attributes set.

    Raises:
        ServerError: the server has no such blueprint.
    """
    try:
        entry = library.find(plan.blueprint)
    except IndexError:
        raise ServerError(f"simulator at {world.address}: expected the blueprint {plan.blueprint}, got none") from None
    for key, value in plan.attributes:
        if entry.has_attribute(key):
            entry.set_attribute(key, value)
    if entry.has_attribute("role_name"):
        entry.set_attribute("role_name", world.role)
    return entry


def _drawn(kind: str, entry: carla.ActorBlueprint, dice: random.Random, *, parked: bool = False) -> ActorPlan:
    attributes = []
    for key in ("color", "driver_id"):
        if entry.has_attribute(key):
            values = [str(value) for value in entry.get_attribute(key).recommended_values]
            if values:
                attributes.append((key, dice.choice(values)))
    if entry.has_attribute("is_invincible"):
        attributes.append(("is_invincible", "true"))
    return ActorPlan(kind, str(entry.id), tuple(attributes), parked)


def _text(entry: carla.ActorBlueprint, key: str) -> str:
    return str(entry.get_attribute(key).as_str()) if entry.has_attribute(key) else ""
