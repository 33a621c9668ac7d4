"""Replay: plan an episode's traffic first, then place its moments and hold them still.

No camera and no weather change takes part in the planning, so that settle ticks cannot influence the traffic, and an
episode follows from (scenario, seed, episode) alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from carla_plugin.layouts import Layouts, Moment, camera_pose, is_free, worth
from carla_plugin.scenario import Scenario, episode_seed
from carla_plugin.world.actors import Cast, choose
from carla_plugin.world.cameras import CameraPair
from carla_plugin.world.connection import World
from carla_plugin.world.streets import Streets, nearest_gap_m
from carla_plugin.world.traffic import Scene, Traffic, freeze_signals, set_signals
from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters

WEIGHTS = {"trucks": 1.0, "motorcycles": 1.2, "bicycles": 1.2, "pedestrians": 1.0, "cars": 0.6, "vans": 0.4}
"""How much a kind in view speaks for a view: what is rare in a street is looked for."""

LAST_VIEWS = 12
VIEW_GAP_M = 12.0
"""A view is not taken within so many metres of the last few, while others are to be had."""

WALKER_LIFT_M = 1.0
"""CARLA spawns people with their middle, not their soles, at the place."""


class Stage:
    """Show one moment after another to the cameras; the only hands that capture needs.

    Attributes:
        layouts: the plan that is shown.
    """

    def __init__(self, world: World, cast: Cast, cameras: CameraPair, traffic: Traffic, layouts: Layouts) -> None:
        """Take the actors, already taken off the traffic, and the mounted cameras."""
        self.layouts = layouts
        self._world = world
        self._cast = cast
        self._cameras = cameras
        self._signals = traffic.signals
        self._states: list[int] = [-1] * len(traffic.signals)

    def place(self, moment: Moment) -> None:
        """Place actors, lights and cameras as in a moment; they stand there from the next tick on."""
        set_signals(self._world, self._signals, moment.signals, self._states)
        commands = self._cast.place_commands(moment) + self._cameras.move_commands(moment.camera)
        self._world.apply(commands, "placing a moment")

    def set_weather(self, weather: WeatherParameters) -> None:
        """Set the weather and wait until the server confirms it."""
        self._world.set_weather(weather)

    def tick(self) -> int:
        """Advance by one step and return the frame number."""
        return self._world.tick()

    def take(self, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return image and tags of a frame, two read-only `(H, W, 4)` uint8 BGRA views."""
        return self._cameras.take(frame)

    def poses(self) -> bytes:
        """Return the bytes of all actors' transforms."""
        return self._cast.poses()


@contextmanager
def replayed(
    world: World, streets: Streets, scenario: Scenario, seed: int, episode: int, bundles: int
) -> Iterator[Stage]:
    """Plan an episode, then give the stage on which its moments can be placed; all actors are gone afterwards.

    Args:
        world: where.
        streets: of its whole map.
        scenario: what takes part.
        seed: of the run.
        episode: number of the episode, from 0.
        bundles: how many moments are wanted.

    Raises:
        ServerError: the server did not answer.
        InputError: the server has no blueprint for a wanted kind.
    """
    dice = random.Random(episode_seed(seed, episode))
    streets = streets.quarter(scenario.traffic.radius_m, dice)
    wanted = choose(world, scenario.traffic, dice)
    walking, parked = [plan for plan in wanted if plan.walks], [plan for plan in wanted if plan.parked]
    driving = [plan for plan in wanted if plan.drives]
    # where there are fewer places than actors, the last are left out
    lanes = streets.vehicle_places(len(driving), dice)
    kerbs = streets.parking_places(len(parked), dice)
    walks = streets.walks(len(walking), scenario.traffic.crossing_share, dice)
    starts = [[_start(way, at) for at in (0, 1)] for way in walks]
    plans = [*driving[: len(lanes)], *parked[: len(kerbs)], *walking[: len(walks)]]
    places = [*lanes, *kerbs, *starts]
    ways = {len(lanes) + len(kerbs) + number: way for number, way in enumerate(walks)}
    with Cast.spawned(world, plans, places) as cast:
        with Traffic.running(world, cast, ways, dice) as traffic:
            layouts = planned(scenario, streets, cast, traffic, episode, bundles, dice)
        cast.still()
        with (
            freeze_signals(world),
            CameraPair.mounted(world, scenario.camera, layouts.moments[0].camera) as cameras,
        ):
            yield Stage(world, cast, cameras, traffic, layouts)


def planned(
    scenario: Scenario, streets: Streets, cast: Cast, traffic: Traffic, episode: int, bundles: int, dice: random.Random
) -> Layouts:
    """Run the traffic and keep moments.

    Args:
        scenario: when and where moments are kept.
        streets: places for cameras.
        cast: the actors.
        traffic: that moves them.
        episode: number of the episode.
        bundles: how many moments to keep.
        dice: the episode's.
    """
    views = _Views(scenario, streets, cast, dice)
    for _ in range(scenario.traffic.warm_up_ticks):
        traffic.step()
    moments = []
    for number in range(bundles):
        for _ in range(scenario.capture.every_ticks if number else 0):
            traffic.step()
        scene = traffic.scene()
        camera, hidden = views.best(scene)
        moments.append(
            Moment(traffic.ticks, scene.places, scene.speeds_m_s, scene.lights, scene.signals, camera, hidden)
        )
    return Layouts(traffic.world.town, episode, cast.plans, traffic.signal_ids, tuple(moments))


class _Views:
    """Choose for each moment where the camera stands: at a driver's place, or on a lane."""

    def __init__(self, scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> None:
        self._scenario = scenario
        self._lanes = streets.lanes
        self._cast = cast
        self._kinds = [plan.kind for plan in cast.plans]
        self._dice = dice
        self._last: list[Transform] = []

    def best(self, scene: Scene) -> tuple[Transform, int]:
        """Return the pose of the lens, and the actor whose place it takes or -1."""
        capture, mount = self._scenario.capture, self._scenario.camera.mount
        drivers = [number for number, plan in enumerate(self._cast.plans) if plan.drives]
        options: list[tuple[float, Transform, int]] = []
        for _ in range(capture.candidates * 4):
            hidden = self._dice.choice(drivers) if drivers and self._dice.random() < 0.5 else -1
            place = scene.places[hidden] if hidden >= 0 else self._dice.choice(self._lanes)
            camera = camera_pose(place, 0.0, mount.y_m, mount.z_m, mount.pitch_deg, mount.yaw_deg)
            if not is_free(camera, scene.places, self._cast.footprints, capture.free_ahead_m, hidden):
                continue
            value = worth(
                camera,
                scene.places,
                self._kinds,
                view_m=capture.view_m,
                half_fov_deg=self._scenario.camera.fov_deg / 2.0,
                weights=WEIGHTS,
                skip=hidden,
            )
            if nearest_gap_m(camera, self._last) < VIEW_GAP_M:
                value *= 0.3
            options.append((value, camera, hidden))
            if len(options) == capture.candidates:
                break
        if not options:  # every place is taken: a lane it is, whatever stands before it
            place = self._dice.choice(self._lanes)
            options = [(0.0, camera_pose(place, 0.0, mount.y_m, mount.z_m, mount.pitch_deg, mount.yaw_deg), -1)]
        _, camera, hidden = max(options, key=lambda option: option[0])
        self._last = [camera, *self._last[: LAST_VIEWS - 1]]
        return camera, hidden


def _start(way: list[Location], at: int) -> Transform:
    """Return a person's place at a point of the way, looking along it."""
    here, ahead = way[at], way[(at + 1) % len(way)]
    yaw = math.degrees(math.atan2(ahead.y - here.y, ahead.x - here.x))
    return Transform(here._replace(z=here.z + WALKER_LIFT_M), Rotation(0.0, yaw, 0.0))
