"""The weather that is seen, tick by tick, and the exposure that follows it."""

from __future__ import annotations

import math

import pytest

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.hazards import parse
from carla_plugin.simulator.hazards.exposure import Exposures
from carla_plugin.simulator.hazards.sky import SeenWeather
from carla_plugin.simulator.render.weather import CALM_AIR, EXPOSURE, appearance
from protocols.carla_rpc.types import ActorAttributeValue, ActorDescription, Transform, WeatherParameters

NOON = WeatherParameters(sun_altitude_angle=45.0)
NIGHT = WeatherParameters(sun_altitude_angle=-60.0)


def seen(*names: str, weather: WeatherParameters = NOON) -> SeenWeather:
    return SeenWeather(weather, parse(names, 1))


def test_without_hazards_it_is_the_weather_that_was_set():
    sky = seen()
    sky.step(NIGHT, 0.05)
    assert (sky.now, sky.air) == (NIGHT, CALM_AIR)


def test_late_weather_is_that_of_one_tick_ago():
    sky = seen("late-weather")
    shown = []
    for asked in (NOON, NIGHT, NIGHT, NOON, NOON):
        sky.step(asked, 0.05)
        shown.append(sky.now)
    assert shown == [NOON, NOON, NIGHT, NIGHT, NOON]


def test_rain_takes_a_second_and_a_half_whatever_the_step():
    for step in (0.05, 0.1, 0.5):
        sky = seen("rain", weather=NOON._replace(precipitation=80.0))
        falls = []
        for _ in range(round(2.0 / step)):
            sky.step(NOON, step)
            falls.append(sky.air.rain)
        assert falls[0] == 0.8
        assert falls == sorted(falls, reverse=True)
        assert falls.index(0.0) == round(1.5 / step)


def test_rain_that_begins_anew_while_it_lingers_goes_on_from_there():
    sky = seen("rain", weather=NOON._replace(precipitation=100.0))
    for _ in range(16):
        sky.step(NOON, 0.05)
    lingering = sky.air.rain
    assert lingering == pytest.approx(0.5)
    sky.step(NOON._replace(precipitation=100.0), 0.05)
    assert sky.air.rain == lingering


def eye(number: int, **attributes: str) -> Sensor:
    values = tuple(ActorAttributeValue(name, 3, value) for name, value in attributes.items())
    return Sensor(number, ActorDescription(1, "sensor.camera.rgb", values), Transform())


def test_exposure_goes_up_slowly_and_down_quickly_in_stops():
    cameras = [eye(1), eye(2, exposure_mode="manual"), eye(3, exposure_speed_down="0.0")]
    gap = math.log2(appearance(NIGHT)[EXPOSURE] / appearance(NOON)[EXPOSURE])
    exposures = Exposures()
    exposures.step(cameras, NOON, 0.05)
    assert [exposures.gain(camera.id) for camera in cameras] == [1.0, 1.0, 1.0]
    for _ in range(10):
        exposures.step(cameras, NIGHT, 0.05)
    assert math.log2(exposures.gain(1)) == pytest.approx(-gap * math.exp(-0.5))
    assert exposures.gain(2) == 1.0
    assert math.log2(exposures.gain(3)) == pytest.approx(-gap)
    for _ in range(200):
        exposures.step(cameras, NIGHT, 0.05)
    assert exposures.gain(1) == 1.0
    for _ in range(10):
        exposures.step(cameras, NOON, 0.05)
    assert math.log2(exposures.gain(1)) == pytest.approx(gap * math.exp(-1.5))
