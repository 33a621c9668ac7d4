"""Radar before a wall: the cone it looks into, how far, and how fast things come."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carla_plugin.simulator.render import Placed
from protocols.carla_rpc.types import Location, Transform

RADAR = "sensor.other.radar"
NARROW = {"horizontal_fov": 2.0, "vertical_fov": 2.0}


def echoes(message: bytes) -> np.ndarray:
    """Return `(N, 4)`: velocity, azimuth, altitude, depth."""
    return np.frombuffer(message, "<f4").reshape(-1, 4)


def test_a_wall_gives_an_echo_to_every_ray_of_the_cone(rig, at):
    found = echoes(rig(RADAR, at(z=5.0), horizontal_fov=40, vertical_fov=20, points_per_second=20_000).tick())
    assert len(found) == 1000
    _, azimuth, altitude, depth = found.T
    # a point (20, y, z) of the wall: tan azimuth = y / x, sin altitude = z / distance
    np.testing.assert_allclose(depth * np.cos(altitude) * np.cos(azimuth), 20.0, rtol=1e-5)
    assert 0.33 < azimuth.max() <= math.radians(20.0)
    assert -math.radians(20.0) <= azimuth.min() < -0.33
    assert 0.16 < altitude.max() <= math.radians(10.0)
    assert not found[:, 0].any()


def test_nothing_is_heard_beyond_the_range(rig, at):
    assert len(echoes(rig(RADAR, at(z=5.0), range=19.9, **NARROW).tick())) == 0
    assert len(echoes(rig(RADAR, at(z=5.0), range=20.1, **NARROW).tick())) == 75


def test_what_comes_has_a_negative_velocity_and_what_moves_across_has_none(rig, at, car):
    radar = rig(RADAR, at(z=0.75), **NARROW)
    ahead = Placed(9, car, Transform(Location(12.0, 0.0, 0.0)), 0)
    for velocity, expected in (((-6.0, 0, 0), -6.0), ((4.0, 0, 0), 4.0), ((0, 5.0, 0), 0.0)):
        found = echoes(radar.tick((ahead, velocity)))
        assert found[:, 3].min() == pytest.approx(10.0, rel=1e-3)
        np.testing.assert_allclose(found[:, 0], expected, atol=0.1)


def test_a_radar_that_drives_on_sees_the_wall_come(rig, at):
    radar = rig(RADAR, at(z=5.0), **NARROW)
    assert not echoes(radar.tick())[:, 0].any()
    found = echoes(radar.tick(where=at(x=0.5, z=5.0)))  # half a metre in 0.05 s
    np.testing.assert_allclose(found[:, 0], -10.0, rtol=1e-3)
    np.testing.assert_allclose(found[:, 3], 19.5, rtol=1e-3)


def test_a_radar_behind_the_bumper_looks_out(rig, at, car):
    found = echoes(rig(RADAR, at(z=0.75), 5, **NARROW).tick((Placed(5, car, Transform(), 0), (0, 0, 0))))
    np.testing.assert_allclose(found[:, 3], 20.0, rtol=1e-3)


def test_equal_seeds_shoot_equal_rays(rig, at):
    same = [rig(RADAR, at(z=5.0), noise_seed=seed).tick() for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]
