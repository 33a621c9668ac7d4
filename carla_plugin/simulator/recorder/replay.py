"""Replay: actors of a recording live again and go where they went, by simulated time."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

from carla_plugin.simulator.actors import Signal, SimActor, Vehicle, Walker
from carla_plugin.simulator.recorder.frames import Birth, Frame, Recording
from carla_plugin.simulator.world import World
from protocols.carla_rpc.types import ActorDescription, Location, Rotation, Transform, WalkerControl

SAME_S = 1e-6  # times that differ by less are one
Spawn = Callable[[ActorDescription, Transform], SimActor | None]


class Replayer:
    """Move a world's actors as a recording says, until its end or until it is stopped.

    Attributes:
        factor: recorded seconds per simulated second.
        ignore_hero: leave actors whose `role_name` is hero to themselves.
        ignore_spectator: leave the onlooker where it is.
    """

    def __init__(self, recording: Recording, start_s: float, duration_s: float, follow: int, offset: Transform) -> None:
        """Take a part of a recording.

        Args:
            recording: whole.
            start_s: where to begin; negative counts from the end.
            duration_s: how long, 0 to the end.
            follow: recorded id of the actor that the onlooker follows, 0 for none.
            offset: of the onlooker from it, within its axes.
        """
        total = recording.duration_s
        self.at_s = min(max(start_s if start_s >= 0.0 else total + start_s, 0.0), total)
        self.end_s = min(self.at_s + duration_s, total) if duration_s > 0.0 else total
        self.factor = 1.0
        self.ignore_hero = self.ignore_spectator = False
        self._frames = recording.frames
        self._times = [frame.elapsed_s for frame in recording.frames]
        self._next = 0  # the first frame whose births and deaths are still to come
        self._follow, self._offset = follow, offset
        self._actors: dict[int, SimActor] = {}  # by recorded id
        self._spawned: list[int] = []
        self._speeds: list[tuple[SimActor, Location, Location]] = []

    def begin(self, world: World, spawn: Spawn) -> None:
        """Let the actors of the first moment live, where they were.

        Args:
            world: in which.
            spawn: makes an actor, or returns None where it cannot be made.
        """
        self._catch_up(world, spawn)
        self._set(world)

    def advance(self, world: World, seconds: float, spawn: Spawn) -> bool:
        """Go on by one tick and return whether there is more to come."""
        if self.at_s >= self.end_s - SAME_S:
            return False
        self.at_s = min(self.at_s + seconds * self.factor, self.end_s)
        self._catch_up(world, spawn)
        self._set(world)
        return True

    def give_speeds(self) -> None:
        """Give actors the speeds of the moment: a step takes them from those without physics."""
        for actor, velocity, angular_velocity in self._speeds:
            actor.velocity, actor.angular_velocity = velocity, angular_velocity

    def finish(self, world: World, keep: bool) -> None:
        """Give the actors back to physics, or take out those that the replay made.

        Args:
            world: in which they are.
            keep: whether they stay.
        """
        for actor in self._actors.values():
            if isinstance(actor, (Vehicle, Walker)):
                actor.physics = True
            if isinstance(actor, Walker):  # vehicles go on as they were driven, people stop, as in CARLA
                actor.control = actor.control._replace(speed=0.0)
            elif isinstance(actor, Signal):
                actor.frozen = False
        if not keep:
            for number in self._spawned:
                world.remove(number)

    def _catch_up(self, world: World, spawn: Spawn) -> None:
        """Let come and go who came and went up to now."""
        while self._next < len(self._frames) and self._times[self._next] <= self.at_s + 1e-9:
            frame = self._frames[self._next]
            for birth in frame.births:
                self._born(world, birth, spawn)
            for number in frame.deaths:
                actor = self._actors.pop(number, None)
                if actor is not None and actor.id in self._spawned:
                    world.remove(actor.id)
            self._next += 1

    def _born(self, world: World, birth: Birth, spawn: Spawn) -> None:
        actor = self._same(world, birth)
        if actor is None and birth.description.id.startswith(("vehicle.", "walker.", "static.prop")):
            actor = spawn(birth.description, birth.place)
            if actor is not None:
                self._spawned.append(actor.id)
        if actor is None or (self.ignore_hero and actor.attribute("role_name", "") == "hero"):
            return
        self._actors[birth.actor] = actor
        if isinstance(actor, (Vehicle, Walker)):
            actor.physics = False

    def _same(self, world: World, birth: Birth) -> SimActor | None:
        """Return the living actor that was recorded: of the same id and kind; lights and onlooker are always there."""
        actor = world.actors.get(birth.actor)
        if actor is not None and actor.description.id == birth.description.id and not isinstance(actor, Signal):
            return actor
        if birth.description.id == "spectator":
            return world.spectator
        if birth.description.id == "traffic.traffic_light":
            return next((each for each in world.signals if _near(each.place.location, birth.place.location)), None)
        return None

    def _set(self, world: World) -> None:
        """Put everybody where he is between two frames."""
        after = min(bisect.bisect_left(self._times, self.at_s - 1e-9), len(self._frames) - 1)
        if after < 0:
            return
        before = max(after - 1, 0) if self._times[after] > self.at_s else after
        one, two = self._frames[before], self._frames[after]
        span = two.elapsed_s - one.elapsed_s
        share = (self.at_s - one.elapsed_s) / span if span > 0.0 else 1.0
        for number, place in two.places.items():
            actor = self._actors.get(number)
            if actor is None or (actor is world.spectator and (self.ignore_spectator or self._follow)):
                continue
            actor.place = between(one.places.get(number, place), place, share)
            self._animate(actor, number, one, two)
        for number, light in two.lights.items():
            signal = self._actors.get(number)
            if isinstance(signal, Signal):
                signal.state, signal.elapsed_s, signal.frozen = light.state, light.elapsed_s, True
        self._speeds = [(each, each.velocity, each.angular_velocity) for each in self._actors.values()]
        leader = self._actors.get(self._follow)
        if leader is not None and not self.ignore_spectator:
            world.spectator.place = behind(leader.place, self._offset)

    def _animate(self, actor: SimActor, number: int, one: Frame, two: Frame) -> None:
        """Give an actor speed, pedals, lamps and stride of the moment."""
        span = two.elapsed_s - one.elapsed_s
        if number in two.motions:
            actor.velocity, actor.angular_velocity = two.motions[number]
        elif span > 0.0 and number in one.places:
            moved = zip(two.places[number].location, one.places[number].location, strict=True)
            actor.velocity = Location(*((then - now) / span for then, now in moved))
        if isinstance(actor, Vehicle):
            actor.control = two.vehicles.get(number, actor.control)
            actor.lights = two.lamps.get(number, actor.lights)
        elif isinstance(actor, Walker):
            yaw = math.radians(actor.place.rotation.yaw)
            actor.control = WalkerControl(Location(math.cos(yaw), math.sin(yaw), 0.0), two.walkers.get(number, 0.0))


def between(one: Transform, two: Transform, share: float) -> Transform:
    """Return the place at a share of the way; angles take the shorter way round."""
    location = Location(*(a + (b - a) * share for a, b in zip(one.location, two.location, strict=True)))
    turns = (((b - a + 180.0) % 360.0) - 180.0 for a, b in zip(one.rotation, two.rotation, strict=True))
    return Transform(location, Rotation(*(a + turn * share for a, turn in zip(one.rotation, turns, strict=True))))


def behind(leader: Transform, offset: Transform) -> Transform:
    """Return the onlooker's place: an offset turned with the leader's yaw only."""
    yaw = math.radians(leader.rotation.yaw)
    (x, y, z), (pitch, turn, roll) = offset
    place = leader.location
    return Transform(
        Location(
            place.x + x * math.cos(yaw) - y * math.sin(yaw),
            place.y + x * math.sin(yaw) + y * math.cos(yaw),
            place.z + z,
        ),
        Rotation(pitch, leader.rotation.yaw + turn, roll),
    )


def _near(a: Location, b: Location) -> bool:
    return max(abs(one - other) for one, other in zip(a, b, strict=True)) < 0.1
