"""Exposure: cameras without a manual one take seconds to get used to another light."""

from __future__ import annotations

import math
from collections.abc import Iterable

from carla_plugin.simulator.actors import Sensor, SimActor
from carla_plugin.simulator.render.weather import EXPOSURE, appearance
from protocols.carla_rpc.types import WeatherParameters

EYES = ("sensor.camera.rgb", "sensor.camera.dvs")
SPEED_UP, SPEED_DOWN = 3.0, 1.0  # CARLA's defaults, per second
NEAR_STOPS = 1e-3  # from here on the eye has got used to it


class Exposures:
    """Let each camera's exposure follow the light's, in stops, as Unreal's does."""

    def __init__(self) -> None:
        """Know of no camera yet."""
        self._weather: WeatherParameters | None = None
        self._goal = 0.0  # log2 of the exposure that suits the weather
        self._stops: dict[int, float] = {}  # of each camera by its actor id

    def step(self, actors: Iterable[SimActor], weather: WeatherParameters, seconds: float) -> None:
        """Let all cameras adapt by one tick; who is new is adapted to the tick before.

        Args:
            actors: all.
            weather: as it is seen.
            seconds: of the tick.
        """
        before = self._goal
        if weather != self._weather:
            self._goal = math.log2(float(appearance(weather)[EXPOSURE]))
            before = before if self._weather is not None else self._goal
            self._weather = weather
        self._stops = {
            actor.id: _follow(self._stops.get(actor.id, before), self._goal, actor, seconds)
            for actor in actors
            if isinstance(actor, Sensor) and actor.description.id in EYES and _automatic(actor)
        }

    def gain(self, sensor: int) -> float:
        """Return a camera's exposure as a factor of the one that suits the weather."""
        return float(2.0 ** (self._stops.get(sensor, self._goal) - self._goal))


def _automatic(sensor: Sensor) -> bool:
    return sensor.attribute("exposure_mode", "histogram").strip().lower() != "manual"


def _follow(stops: float, goal: float, sensor: Sensor, seconds: float) -> float:
    """Return exposure after a tick: brighter surroundings ask for less of it, and are got used to more quickly."""
    away = goal - stops
    if abs(away) < NEAR_STOPS:
        return goal
    speed = _speed(sensor, "exposure_speed_up", SPEED_UP)
    if away > 0.0:
        speed = _speed(sensor, "exposure_speed_down", SPEED_DOWN)
    return goal - away * math.exp(-speed * seconds)


def _speed(sensor: Sensor, name: str, default: float) -> float:
    try:
        speed = float(sensor.attribute(name, str(default)))
    except ValueError:
        return default
    return min(speed, 1e6) if speed >= 0.0 else default
