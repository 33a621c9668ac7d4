"""Viewpoints: where the cameras stand in each moment: best of some views, along a drive, at spawn points."""

from __future__ import annotations

import math
import random
from typing import Protocol

from carla_plugin.scenario import Scenario
from carla_plugin.views import camera_pose, is_free, worth
from carla_plugin.world.actors import Cast
from carla_plugin.world.streets import Streets, nearest_gap_m
from carla_plugin.world.traffic import Scene, Traffic
from protocols.carla_rpc.types import Transform

WEIGHTS = {"trucks": 1.0, "motorcycles": 1.2, "bicycles": 1.2, "pedestrians": 1.0, "cars": 0.6, "vans": 0.4}
"""How much a kind in view speaks for a view: what is rare in a street is looked for."""

LAST_VIEWS = 12
VIEW_GAP_M = 12.0
"""A view is not taken within so many metres of the last few, while others are to be had."""

WAIT_S = 30.0
"""So long a drive may stand still before its next moment is kept nevertheless."""


class Viewpoints(Protocol):
    """Say when the next moment is, and where the cameras stand in it."""

    def advance(self, traffic: Traffic) -> None:
        """Let the traffic run until the next moment."""

    def choose(self, scene: Scene) -> tuple[Transform, int]:
        """Return the place on the road that carries the cameras, and the actor who gives it up or -1."""


def viewpoints(scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> Viewpoints:
    """Return what a scenario's `capture` asks for."""
    kinds: dict[str, type[BestViews | Drive | SpawnPoints]] = {
        "views": BestViews,
        "drive": Drive,
        "spawn_points": SpawnPoints,
    }
    return kinds[scenario.capture.where](scenario, streets, cast, dice)


def lenses(scenario: Scenario, place: Transform) -> tuple[Transform, ...]:
    """Return the pose of each camera's lens, mounted on a place on the road."""
    mounts = [camera.mount for camera in scenario.cameras]
    return tuple(
        camera_pose(place, mount.x_m, mount.y_m, mount.z_m, mount.pitch_deg, mount.yaw_deg) for mount in mounts
    )


class _Every:
    """Keep a moment every so many ticks."""

    def __init__(self, scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> None:
        self._scenario = scenario
        self._streets = streets
        self._cast = cast
        self._dice = dice

    def advance(self, traffic: Traffic) -> None:
        """Let the traffic run for the scenario's ticks."""
        for _ in range(self._scenario.capture.every_ticks):
            traffic.step()

    def _is_free(self, place: Transform, scene: Scene, hidden: int) -> bool:
        """Return whether nobody stands at any lens or close before it."""
        ahead_m = self._scenario.capture.free_ahead_m
        return all(
            is_free(lens, scene.places, self._cast.footprints, ahead_m, hidden)
            for lens in lenses(self._scenario, place)
        )


class BestViews(_Every):
    """Choose for each moment the view with most in sight: at drivers' places, or on lanes."""

    def __init__(self, scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> None:
        """Remember who drives, and no view yet."""
        super().__init__(scenario, streets, cast, dice)
        self._kinds = [plan.kind for plan in cast.plans]
        self._drivers = [number for number, plan in enumerate(cast.plans) if plan.drives]
        self._last: list[Transform] = []

    def choose(self, scene: Scene) -> tuple[Transform, int]:
        """Return the place with the best view, and the actor who gives it up or -1."""
        capture, dice = self._scenario.capture, self._dice
        options: list[tuple[float, Transform, int]] = []
        for _ in range(capture.candidates * 4):
            hidden = dice.choice(self._drivers) if self._drivers and dice.random() < 0.5 else -1
            place = scene.places[hidden] if hidden >= 0 else dice.choice(self._streets.lanes)
            if not self._is_free(place, scene, hidden):
                continue
            value = worth(
                lenses(self._scenario, place)[0],
                scene.places,
                self._kinds,
                view_m=capture.view_m,
                half_fov_deg=self._scenario.camera.fov_deg / 2.0,
                weights=WEIGHTS,
                skip=hidden,
            )
            if nearest_gap_m(place, self._last) < VIEW_GAP_M:
                value *= 0.3
            options.append((value, place, hidden))
            if len(options) == capture.candidates:
                break
        if not options:  # every place is taken: a lane it is, whatever stands before it
            options = [(0.0, dice.choice(self._streets.lanes), -1)]
        _, place, hidden = max(options, key=lambda option: option[0])
        self._last = [place, *self._last[: LAST_VIEWS - 1]]
        return place, hidden


class Drive(_Every):
    """Follow one vehicle, a car if there is one: the cameras take its place."""

    def __init__(self, scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> None:
        """Draw whose drive it is."""
        super().__init__(scenario, streets, cast, dice)
        drivers = [number for number, plan in enumerate(cast.plans) if plan.drives]
        cars = [number for number in drivers if cast.plans[number].kind == "cars"]
        self._driver = dice.choice(cars or drivers)

    def advance(self, traffic: Traffic) -> None:
        """Let the traffic run until the vehicle has driven the scenario's metres, or for its ticks."""
        capture = self._scenario.capture
        if not capture.every_m:
            super().advance(traffic)
            return
        driven_m = 0.0
        here = self._cast.place_of(self._driver)
        for _ in range(math.ceil(WAIT_S / self._scenario.step_s)):
            traffic.step()
            there = self._cast.place_of(self._driver)
            driven_m += math.dist(here.location, there.location)
            here = there
            if driven_m >= capture.every_m:
                return

    def choose(self, scene: Scene) -> tuple[Transform, int]:
        """Return the vehicle's place, and the vehicle."""
        return scene.places[self._driver], self._driver


class SpawnPoints(_Every):
    """Go through the map's spawn points in an order drawn from the seed, and pass over those that are taken."""

    def __init__(self, scenario: Scenario, streets: Streets, cast: Cast, dice: random.Random) -> None:
        """Draw the order."""
        super().__init__(scenario, streets, cast, dice)
        points = streets.spawn_points or streets.lanes
        self._order = dice.sample(points, len(points))

    def choose(self, scene: Scene) -> tuple[Transform, int]:
        """Return the next place that is free, or the next if none is."""
        free = (
            number for number, point in enumerate(self._order) if self._is_free(self._streets.on_road(point), scene, -1)
        )
        place = self._order.pop(next(free, 0))
        self._order.append(place)
        return self._streets.on_road(place), -1
