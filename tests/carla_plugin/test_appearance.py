"""Appearances: CARLA's presets as the wheel has them, and own numbers drawn from the seed."""

import carla
import pytest

from carla_plugin.appearance import APPEARANCES, CARLAS, LIMITS, OURS, OwnAppearance, drawn_weathers
from protocols.carla_rpc.types import WeatherParameters

PRESETS = {
    name: value
    for name, value in vars(carla.WeatherParameters).items()
    if isinstance(value, carla.WeatherParameters) and name != "Default"  # which has no weather of its own
}


def test_all_presets_are_known():
    assert set(CARLAS) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_the_wheels_but_for_the_wind(name):
    wheels = {key: getattr(PRESETS[name], key) for key in WeatherParameters._fields}
    assert CARLAS[name]._asdict() == pytest.approx(wheels | {"wind_intensity": 0.0})


def test_nothing_sways():
    assert {weather.wind_intensity for weather in APPEARANCES.values()} == {0.0}


def test_all_names_keep_to_the_limits():
    for name, weather in APPEARANCES.items():
        for key, (low, high) in LIMITS.items():
            assert low <= getattr(weather, key) <= high, (name, key)
    assert len({tuple(weather) for weather in OURS.values()}) == len(OURS)


def test_own_numbers_begin_from_the_base():
    mine = OwnAppearance(name="mine", base="rain", cloudiness=3.0).drawn(1)
    assert mine == OURS["rain"]._replace(cloudiness=3.0)


def test_ranges_are_drawn_from_the_seed():
    mine = OwnAppearance(name="mine", fog_density=(10.0, 90.0), wetness=(10.0, 90.0))
    drawn = [mine.drawn(seed) for seed in range(200)]
    assert drawn == [mine.drawn(seed) for seed in range(200)]
    densities = [weather.fog_density for weather in drawn]
    assert 10.0 <= min(densities) < 20.0
    assert 80.0 < max(densities) <= 90.0
    assert all(weather.fog_density != weather.wetness for weather in drawn)  # each number has dice of its own
    other = OwnAppearance(name="other", fog_density=(10.0, 90.0))
    assert other.drawn(1).fog_density != drawn[1].fog_density


def test_a_draw_is_the_same_on_every_machine():
    assert OwnAppearance(name="mine", fog_density=(0.0, 100.0)).drawn(7).fog_density == pytest.approx(
        29.767068433449783
    )


def test_weathers_keep_their_order():
    weathers = drawn_weathers(("night", OwnAppearance(name="mine"), "ClearNoon"), 1)
    assert list(weathers) == ["night", "mine", "ClearNoon"]
    assert weathers["ClearNoon"] == CARLAS["ClearNoon"]
