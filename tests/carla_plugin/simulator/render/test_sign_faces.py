"""Sign faces: what a sign says can be read by whoever stands before it."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.assets.signals import traffic_sign
from carla_plugin.simulator.mesh import join
from carla_plugin.simulator.render import Camera, Renderer
from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters

SIDE = 96
BARS = {"3": "abcdg", "5": "acdfg", "9": "abcdfg", "0": "abcdef"}
"""Seven segments by their usual letters."""
PLACES = {
    **{"a": (0, 0.33), "b": (0.17, 0.17), "c": (0.17, -0.17), "d": (0, -0.33)},
    **{"e": (-0.17, -0.17), "f": (-0.17, 0.17), "g": (0, 0)},
}


def face(kind: str, limit: int = 0) -> np.ndarray:
    """Return `(96, 96, 3)` BGR levels of a face as one sees it who stands before it."""
    renderer = Renderer(join([traffic_sign(kind, 0, 1.0, limit)]), np.zeros((0, 3), np.float32))
    camera = Camera(
        Transform(Location(4.05, 0.0, 1.4), Rotation(yaw=180.0)), SIDE, SIDE, float(np.degrees(2 * np.arctan(0.1)))
    )
    picture = renderer.frame(camera, [], []).shade(WeatherParameters(sun_altitude_angle=50.0))
    return picture[..., :3].astype(int)


def at(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """Return the level at x right and y up in -1..1."""
    return picture[round((1 - y) * (SIDE - 1) / 2), round((1 + x) * (SIDE - 1) / 2)]


@pytest.mark.parametrize("number", ["30", "50", "90"])
def test_a_limit_can_be_read(number):
    picture = face("speed", int(number))
    paper = at(picture, 0.0, 0.0).mean()
    for middle, digit in zip((-0.28, 0.28), number, strict=True):
        for bar, (x, y) in PLACES.items():
            dark = at(picture, middle + x, y).mean() < 0.6 * paper
            assert dark == (bar in BARS[digit]), (digit, bar)
    red = at(picture, 0.0, 0.84)
    assert red[2] > 2 * red[0]


def test_a_stop_sign_is_a_red_octagon_with_a_word():
    picture = face("stop")
    corner, rim = at(picture, 0.9, 0.9), at(picture, 0.0, 0.8)
    assert corner.min() > 0.8 * corner.max()
    assert rim[2] > 2 * rim[0]
    word = picture[SIDE // 2 - 12 : SIDE // 2 + 12].min(axis=2)
    assert 0.1 < (word > 150).mean() < 0.6
