"""Shadows fall where the sun's angles say."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import join
from carla_plugin.simulator.render import Camera, Renderer
from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters

NO_LAMPS = np.zeros((0, 3), np.float32)


@pytest.mark.parametrize("azimuth", [90.0, -90.0])
def test_the_shadow_of_a_board_lies_away_from_the_sun(polygon, azimuth):
    # From above: a board 2 m high along x at y = 0; with the sun at 45 degrees its shadow reaches 2 m to one side.
    scene = join(
        [
            polygon([(-20, -20, 0), (20, -20, 0), (20, 20, 0), (-20, 20, 0)], 1, Material.PLAIN),
            polygon([(-3, 0, 0), (3, 0, 0), (3, 0, 2), (-3, 0, 2)], 4, Material.PLAIN),
        ]
    )
    camera = Camera(Transform(Location(0.0, 0.0, 12.0), Rotation(-90.0, 0.0, 0.0)), 96, 96, 60.0)
    frame = Renderer(scene, NO_LAMPS).frame(camera, [], [])
    sun = WeatherParameters(sun_azimuth_angle=azimuth, sun_altitude_angle=45.0)
    light = frame.shade(sun)[..., :3].astype(float).mean(axis=2)
    # Looking straight down with yaw 0, up in the picture is +x and right is +y; 96 px cover 2 * 12 * tan 30 degrees.
    pixel = 96 / (2 * 12 * np.tan(np.radians(30.0)))

    def at(y):
        column = round(48 + y * pixel)
        return light[40:56, column - 2 : column + 2].mean()

    away = -np.sign(azimuth)
    assert at(away * 1.0) < 0.6 * at(-away * 1.0)  # within the shadow against the sunny side
    assert at(away * 3.2) > 0.9 * at(-away * 3.2)  # beyond its end
    assert at(away * 1.6) < 0.6 * at(away * 2.5)


def test_an_overcast_sky_throws_no_shadow(polygon):
    scene = join(
        [
            polygon([(-20, -20, 0), (20, -20, 0), (20, 20, 0), (-20, 20, 0)], 1, Material.PLAIN),
            polygon([(-3, 0, 3), (3, 0, 3), (3, 3, 3), (-3, 3, 3)], 4, Material.PLAIN),
        ]
    )
    camera = Camera(Transform(Location(-10.0, 0.0, 2.0), Rotation(-10.0, 0.0, 0.0)), 64, 48, 60.0)
    grey = WeatherParameters(cloudiness=100.0, sun_altitude_angle=50.0)
    frame = Renderer(scene, NO_LAMPS).frame(camera, [], [])
    again = Renderer(scene, NO_LAMPS).frame(camera, [], [])
    turned = again.shade(grey._replace(sun_azimuth_angle=90.0))
    road = frame.tags == 1
    apart = np.abs(frame.shade(grey).astype(int) - turned.astype(int))[road].mean()
    assert apart < 8.0
