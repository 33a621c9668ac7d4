"""Lidars before a wall: where each ray goes, what it brings back, and what chance takes away."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.render import Placed
from protocols.carla_rpc.types import Location, Rotation, Transform

PLAIN, TAGGED = "sensor.lidar.ray_cast", "sensor.lidar.ray_cast_semantic"
POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("c", "<f4"), ("object", "<u4"), ("tag", "<u4")])
SURE = {"dropoff_general_rate": 0.0, "dropoff_zero_intensity": 0.0, "dropoff_intensity_limit": 0.0}


def opened(message: bytes, fields: np.dtype | None = None):
    angle, channels = struct.unpack_from("<fI", message)
    counts = np.frombuffer(message, "<u4", channels, 8)
    data = np.frombuffer(message[8 + 4 * channels :], fields or "<f4")
    points = data if fields else data.reshape(-1, 4)
    assert counts.sum() == len(points)
    return angle, counts, points


def test_four_rays_a_turn_look_back_left_ahead_and_right(rig, at):
    one = rig(TAGGED, at(), channels=1, points_per_second=80, rotation_frequency=20, upper_fov=-30, range=50)
    _, counts, points = opened(one.tick(), POINT)
    assert counts.tolist() == [4]
    far = 2.0 / math.tan(math.radians(30.0))  # 2 m above the ground
    expected = [(-far, 0, -2), (0, -far, -2), (far, 0, -2), (0, far, -2)]
    np.testing.assert_allclose(np.stack([points[axis] for axis in "xyz"], 1), expected, atol=1e-5)
    np.testing.assert_allclose(points["c"], math.sin(math.radians(30.0)), rtol=1e-6)
    assert set(points["tag"].tolist()) == {1}
    assert set(points["object"].tolist()) == {0}


def test_the_first_channel_is_the_highest_and_rays_without_an_end_bring_nothing(rig, at):
    fan = rig(TAGGED, at(), channels=3, points_per_second=240, rotation_frequency=20, upper_fov=20, lower_fov=-20)
    _, counts, points = opened(fan.tick(), POINT)
    assert counts.tolist() == [0, 0, 4]  # 10 m reach: only the lowest meets the ground, at 5.85 m
    wide = rig(TAGGED, at(), channels=3, points_per_second=240, rotation_frequency=20, upper_fov=20, lower_fov=-20,
               range=40)  # fmt: skip
    _, counts, points = opened(wide.tick(), POINT)
    assert counts.tolist() == [1, 1, 4]  # and the wall 20 m ahead, 7.28 m up and straight on
    np.testing.assert_allclose(points["x"][:2], 20.0, rtol=1e-6)
    np.testing.assert_allclose(points["z"][:2], [20.0 * math.tan(math.radians(20.0)), 0.0], atol=1e-5)
    assert points["tag"][:2].tolist() == [3, 3]
    np.testing.assert_allclose(points["c"][1], 1.0, rtol=1e-6)


def test_points_of_a_tick_are_those_of_its_seconds(rig, at):
    lidar = rig(TAGGED, at(), points_per_second=56_000, upper_fov=-20, lower_fov=-40)
    for step_s, each in ((0.05, 88), (0.1, 175), (0.0001, 0)):  # 87.5 is rounded away from 0
        assert opened(lidar.tick(step_s=step_s), POINT)[1].tolist() == [each] * 32


def test_a_slow_fan_turns_on_from_tick_to_tick(rig, at):
    lidar = rig(TAGGED, at(), channels=1, points_per_second=400, rotation_frequency=5, upper_fov=-30)
    azimuths = []
    for turn in range(4):  # a quarter of a turn each
        angle, _, points = opened(lidar.tick(), POINT)
        assert angle == pytest.approx(math.radians(90.0 * (turn + 1) % 360.0), abs=1e-5)
        azimuths += np.degrees(np.arctan2(points["y"], points["x"])).tolist()
    np.testing.assert_allclose(np.mod(azimuths[1:], 360.0), np.mod(-180.0 + 4.5 * np.arange(1, 80), 360.0), atol=1e-3)


def test_a_narrow_fan_stays_about_its_middle(rig, at):
    lidar = rig(TAGGED, at(), channels=1, points_per_second=2000, rotation_frequency=20, upper_fov=-30,
                horizontal_fov=60)  # fmt: skip
    _, _, points = opened(lidar.tick(), POINT)
    azimuths = np.degrees(np.arctan2(points["y"], points["x"]))
    np.testing.assert_allclose(azimuths, -30.0 + 0.6 * np.arange(100), atol=1e-3)


def test_points_are_in_the_sensors_own_axes(rig, at):
    turned = rig(TAGGED, at(5.0, 3.0, 2.0, yaw=90.0), channels=1, points_per_second=80, rotation_frequency=20,
                 upper_fov=0, lower_fov=0, range=50)  # fmt: skip
    _, _, points = opened(turned.tick(), POINT)
    assert len(points) == 1  # the wall lies to the left now
    assert [points[axis][0] for axis in "xyz"] == pytest.approx([0.0, -15.0, 0.0], abs=1e-5)


def test_actors_are_met_where_they_stand_and_their_number_is_told(rig, at, car):
    lidar = rig(TAGGED, at(z=1.0), channels=1, points_per_second=80, rotation_frequency=20, upper_fov=0, range=50)
    across = Placed(70_321, car, Transform(Location(10.0, 0.0, 0.0), Rotation(0.0, 90.0, 0.0)), 0)
    _, _, points = opened(lidar.tick((across, (0, 0, 0))), POINT)
    assert points["x"].tolist() == pytest.approx([9.0])
    assert (points["object"].tolist(), points["tag"].tolist()) == ([70_321], [14])
    gone = opened(lidar.tick(), POINT)[2]
    assert gone["x"].tolist() == pytest.approx([20.0])


def test_a_lidar_within_its_car_looks_out_and_others_are_met_from_outside(rig, at, car):
    own = Placed(5, car, Transform(), 0)
    setup = {"channels": 1, "points_per_second": 80, "rotation_frequency": 20, "upper_fov": 0, "range": 50}
    inside = rig(TAGGED, at(z=1.0), 5, **setup)
    assert opened(inside.tick((own, (0, 0, 0))), POINT)[2]["x"].tolist() == pytest.approx([20.0])
    free = rig(TAGGED, at(z=1.0), 0, **setup)
    assert sorted(opened(free.tick((own, (0, 0, 0))), POINT)[2]["x"].tolist()) == pytest.approx([-2, 0, 0, 2], abs=1e-5)
    above = rig(TAGGED, at(z=2.5), 5, **{**setup, "upper_fov": -89.9})
    assert opened(above.tick((own, (0, 0, 0))), POINT)[2]["object"].tolist() == [5] * 4  # its roof


def test_echoes_fade_with_distance(rig, at):
    lidar = rig(PLAIN, at(), range=100, atmosphere_attenuation_rate=0.02, **SURE)
    _, _, points = opened(lidar.tick())
    distance = np.linalg.norm(points[:, :3], axis=1)
    np.testing.assert_allclose(points[:, 3], np.exp(-0.02 * distance), rtol=1e-5)
    assert len(points) > 500


def test_rays_and_weak_echoes_are_lost_by_chance_and_by_seed_alone(rig, at):
    def shoot(**attributes):
        lidar = rig(PLAIN, at(), range=100, points_per_second=320_000, rotation_frequency=20, **attributes)
        return [lidar.tick() for _ in range(2)]

    whole = len(opened(shoot(**SURE)[0])[2])
    some = shoot(dropoff_general_rate=0.45, dropoff_zero_intensity=0.0, noise_seed=3)
    assert len(opened(some[0])[2]) / whole == pytest.approx(0.55, abs=0.03)
    assert some == shoot(dropoff_general_rate=0.45, dropoff_zero_intensity=0.0, noise_seed=3)
    assert some != shoot(dropoff_general_rate=0.45, dropoff_zero_intensity=0.0, noise_seed=4)
    faint = {"atmosphere_attenuation_rate": 10.0}  # intensity next to 0: lost with dropoff_zero_intensity
    weak = shoot(dropoff_general_rate=0.0, dropoff_zero_intensity=0.4, **faint)
    assert len(opened(weak[0])[2]) / whole == pytest.approx(0.6, abs=0.03)


def test_noise_lies_along_the_ray(rig, at):
    setup = {"range": 100, "points_per_second": 320_000, "rotation_frequency": 20, **SURE}
    clean = opened(rig(PLAIN, at(), **setup).tick())[2][:, :3].astype(float)
    noisy = opened(rig(PLAIN, at(), noise_stddev=0.05, **setup).tick())[2][:, :3].astype(float)
    distance = np.linalg.norm(clean, axis=1)
    np.testing.assert_allclose(noisy / np.linalg.norm(noisy, axis=1)[:, None], clean / distance[:, None], atol=1e-5)
    error = np.linalg.norm(noisy, axis=1) - distance
    assert np.std(error) == pytest.approx(0.05, rel=0.05)
    assert abs(np.mean(error)) < 0.005


@pytest.mark.parametrize(
    ("name", "value"), [("channels", 0), ("range", -1), ("upper_fov", 91), ("points_per_second", "lots")]
)
def test_impossible_lidars_are_refused_in_words(rig, at, name, value):
    with pytest.raises(CallError, match=f"{name} must be"):
        rig(PLAIN, at(), **{name: value})
