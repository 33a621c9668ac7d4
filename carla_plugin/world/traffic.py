"""Traffic: vehicles driven by the wheel's traffic manager, people by WalkerControl, all from one seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import carla

from carla_plugin.world import convert
from carla_plugin.world.actors import LAMPS_ON, Cast
from carla_plugin.world.connection import ServerError, World
from carla_plugin.world.manager import manager_of
from protocols.carla_rpc.types import Location, Transform

AIM_EVERY_TICKS = 5
"""Ticks between two looks at where people walk."""

SLOWER_PERCENT = {"bicycles": 55.0, "motorcycles": 10.0, "trucks": 20.0, "buses": 20.0}
"""How much slower than the traffic manager's usual speed a kind drives."""


@dataclass
class _Walker:
    actor: int
    way: list[Location]
    speed_m_s: float
    goal: int = 1


@dataclass(frozen=True)
class Scene:
    """Hold what moves at one tick: N places and light bits, and the state of each traffic light."""

    places: tuple[Transform, ...]
    lights: tuple[int, ...]
    signals: tuple[int, ...]


class Traffic:
    """Drive a cast tick by tick; made by `Traffic.running`.

    Attributes:
        ticks: steps made since the episode began.
        signals: the traffic lights, in a fixed order.
        signal_ids: their OpenDRIVE ids.
    """

    def __init__(self, world: World, cast: Cast, ways: Mapping[int, list[Location]], dice: random.Random) -> None:
        """Prepare the people's walks; use `Traffic.running` instead."""
        self.world = world
        self.cast = cast
        self.ticks = 0
        self._walkers = [
            _Walker(actor, list(ways[number]), dice.uniform(0.8, 1.8))
            for actor, number in zip(cast.ids, cast.numbers, strict=True)
            if number in ways
        ]
        self.signals, self.signal_ids = signals_of(world)

    @classmethod
    @contextmanager
    def running(
        cls, world: World, cast: Cast, ways: Mapping[int, list[Location]], dice: random.Random
    ) -> Iterator[Traffic]:
        """Put all vehicles on autopilot and people on their ways; take them off again on leaving.

        Args:
            world: where.
            cast: the actors.
            ways: points to walk along, by the number of a wanted actor.
            dice: the episode's.
        """
        vehicles = [(number, plan) for number, plan in zip(cast.ids, cast.plans, strict=True) if plan.drives]
        manager, port = manager_of(world)
        try:
            with world.asking("telling the traffic manager"):
                manager.set_random_device_seed(dice.randrange(2**31))
                manager.set_global_distance_to_leading_vehicle(2.5)
            on = [carla.command.SetAutopilot(number, True, port) for number, _ in vehicles]
            world.apply(on, "putting vehicles on autopilot")
            by_id = dict(zip(cast.ids, cast.actors, strict=True))
            for number, plan in vehicles:
                slower = SLOWER_PERCENT.get(plan.kind, 0.0) + dice.uniform(-15.0, 15.0)
                manager.vehicle_percentage_speed_difference(by_id[number], slower)
            yield cls(world, cast, ways, dice)
        finally:
            if world.alive():
                off = [carla.command.SetAutopilot(number, False, port) for number, _ in vehicles]
                world.apply(off, "taking vehicles off autopilot")

    def step(self) -> None:
        """Advance by one tick; people who are at the end of their way turn round.

        Raises:
            ServerError: the server did not answer in time.
        """
        if self.ticks % AIM_EVERY_TICKS == 0:
            self.world.apply(self._aims(), "walking people")
        self.world.tick()
        self.ticks += 1

    def scene(self) -> Scene:
        """Return what moves, as of the newest tick."""
        snapshot = self.world.world.get_snapshot()
        places, lights = [], []
        for number, actor, plan in zip(self.cast.ids, self.cast.actors, self.cast.plans, strict=True):
            seen = snapshot.find(number)
            if seen is None:
                raise ServerError(f"simulator at {self.world.address}: expected actor {number}, it vanished")
            places.append(convert.from_carla(seen.get_transform()))
            braking = plan.drives and actor.get_control().brake > 0.1
            lamps = LAMPS_ON | (int(carla.VehicleLightState.Brake) if braking else 0)
            lights.append(lamps if plan.drives else 0)
        states = tuple(int(signal.get_state()) for signal in self.signals)
        return Scene(tuple(places), tuple(lights), states)

    def _aims(self) -> list[Any]:
        """Return the commands that turn each person toward the next point of the way."""
        snapshot = self.world.world.get_snapshot()
        commands = []
        for walker in self._walkers:
            seen = snapshot.find(walker.actor)
            if seen is None:
                continue
            here = seen.get_transform().location
            reach_m = max(0.6, walker.speed_m_s * 0.3)
            goal = walker.way[walker.goal]
            if math.hypot(goal.x - here.x, goal.y - here.y) < reach_m:
                walker.goal += 1
                if walker.goal >= len(walker.way):
                    walker.way.reverse()
                    walker.goal = 1
                goal = walker.way[walker.goal]
            dx, dy = goal.x - here.x, goal.y - here.y
            length = math.hypot(dx, dy) or 1.0
            control = carla.WalkerControl(carla.Vector3D(dx / length, dy / length, 0.0), walker.speed_m_s, False)
            commands.append(carla.command.ApplyWalkerControl(walker.actor, control))
        return commands


def signals_of(world: World) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the traffic lights in a fixed order, and their OpenDRIVE ids."""
    with world.asking("reading its traffic lights"):
        lights = list(world.world.get_actors().filter("traffic.traffic_light*"))
    named = sorted(((str(light.get_opendrive_id()), int(light.id)), light) for light in lights)
    return tuple(light for _, light in named), tuple(key[0] for key, _ in named)


def restart_signals(world: World) -> None:
    """Let all traffic lights begin their cycle anew, so that an episode does not depend on what was before."""
    with world.asking("restarting the traffic lights"):
        world.world.freeze_all_traffic_lights(False)
        world.world.reset_all_traffic_lights()


@contextmanager
def freeze_signals(world: World, frozen: bool = True) -> Iterator[None]:
    """Hold all traffic lights, unless told otherwise; let them go on leaving."""
    with world.asking("freezing the traffic lights"):
        world.world.freeze_all_traffic_lights(frozen)
    try:
        yield
    finally:
        if world.alive():
            with world.asking("letting the traffic lights go"):
                world.world.freeze_all_traffic_lights(False)


def set_signals(world: World, signals: Sequence[Any], states: Sequence[int], known: list[int]) -> None:
    """Set the traffic lights whose state differs from the known one.

    Args:
        world: where.
        signals: S traffic lights.
        states: S states to set (CARLA's TrafficLightState).
        known: S states as set before, -1 for unknown; brought up to date.
    """
    with world.asking("setting traffic lights"):
        for number, (signal, state) in enumerate(zip(signals, states, strict=True)):
            if known[number] != state:
                signal.set_state(carla.TrafficLightState.values[state])
                known[number] = state
