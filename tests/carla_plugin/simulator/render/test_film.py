"""Film: white points by hand, and what each setting does to a picture of a street."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.render.film import PLAIN_FILM, Film, stops_of, white_balance
from protocols.carla_rpc.types import WeatherParameters

NOON = WeatherParameters(sun_altitude_angle=60.0)
NIGHT = WeatherParameters(sun_altitude_angle=-60.0)


def test_stops_by_hand():
    assert stops_of(200.0, 100.0, 2.0) - stops_of(100.0, 100.0, 2.0) == pytest.approx(-1.0)
    assert stops_of(200.0, 400.0, 2.0) - stops_of(200.0, 100.0, 2.0) == pytest.approx(2.0)
    assert stops_of(200.0, 100.0, 2.8) - stops_of(200.0, 100.0, 1.4) == pytest.approx(-2.0)


def test_white_points():
    """More kelvins make a warmer picture; grey keeps its luma; a black body of 2856 K (illuminant A) is known."""
    assert white_balance(6500.0, 0.0) == (1.0, 1.0, 1.0)
    warm, cold = white_balance(10_000.0, 0.0), white_balance(3200.0, 0.0)
    assert warm[0] > 1.0 > warm[2]
    assert cold[0] < 1.0 < cold[2]
    for white in (warm, cold, white_balance(6500.0, 1.0)):
        assert np.dot(white, (0.2126, 0.7152, 0.0722)) == pytest.approx(1.0)
    green, magenta = white_balance(6500.0, -1.0), white_balance(6500.0, 1.0)
    assert green[1] > green[0]
    assert magenta[1] < magenta[0]
    # chromaticity of illuminant A, (0.4476, 0.4074), in linear sRGB, red over blue, over that of 6500 K: 7.86
    tungsten = white_balance(2856.0, 0.0)
    assert tungsten[2] / tungsten[0] == pytest.approx(7.86, rel=0.03)


@pytest.fixture(scope="module")
def frame(street, eye):
    return street.frame(eye, [], [])


def test_settings_of_a_picture(frame):
    plain = frame.shade(NOON)
    assert np.array_equal(frame.shade(NOON, film=PLAIN_FILM), plain)

    def mean(film: Film, weather: WeatherParameters = NOON) -> np.ndarray:
        return frame.shade(weather, film=film)[..., :3].astype(float).mean(axis=(0, 1))

    middle = mean(PLAIN_FILM)
    assert (mean(Film(exposure=2.0)) > middle + 10.0).all()
    assert (mean(Film(exposure=0.5)) < middle - 10.0).all()
    assert (mean(Film(gamma=1.4)) < middle - 10.0).all()
    warm = mean(Film(white=white_balance(12_000.0, 0.0))) - middle
    assert warm[2] > 2.0 > -2.0 > warm[0]  # BGR
    assert mean(Film(bloom=0.0), NIGHT).mean() < mean(PLAIN_FILM, NIGHT).mean() < mean(Film(bloom=8.0), NIGHT).mean()


def test_without_effects_corners_are_as_bright_and_nothing_is_grainy(frame):
    plain, raw = (frame.shade(NIGHT, film=Film(effects=effects))[..., :3].astype(float) for effects in (True, False))
    sky = (frame.tags[:, 1:] == 11) & (frame.tags[:, :-1] == 11)
    assert np.median(np.abs(np.diff(raw, axis=1))[sky]) == 0.0 < np.median(np.abs(np.diff(plain, axis=1))[sky])
    plain, raw = (frame.shade(NOON, film=Film(effects=effects))[:8, :8, :3].mean() for effects in (True, False))
    assert raw > plain + 5.0
