"""Radar through the wheel: four numbers an echo, in metres, radians and metres a second."""

import math

import carla
import numpy as np
import pytest

BUMPER = carla.Transform(carla.Location(x=2.0, z=1.0))


def echoes(data) -> np.ndarray:
    """Return `(N, 4)`: velocity, azimuth, altitude, depth."""
    return np.frombuffer(data.raw_data, np.float32).reshape(-1, 4)


@pytest.fixture
def car(stage):
    car = stage.car(3)
    car.set_simulate_physics(False)
    stage.world.tick()
    return car


@pytest.mark.source("CARLA docs: ref_sensors#radar-sensor")
def test_echoes_lie_within_the_cone_and_the_range(stage, car):
    radar = stage.ear("sensor.other.radar", BUMPER, car, horizontal_fov=40, vertical_fov=20, range=60,
                      points_per_second=10_000)  # fmt: skip
    data = radar.at(stage.world.tick())
    assert isinstance(data, carla.RadarMeasurement)
    found = echoes(data)
    assert 0 < len(found) == len(data) == data.get_detection_count() <= 500
    detection = data[0]
    assert [detection.velocity, detection.azimuth, detection.altitude, detection.depth] == pytest.approx(
        found[0].tolist()
    )
    assert math.radians(14.0) < np.abs(found[:, 1]).max() <= math.radians(20.1)
    assert math.radians(4.0) < np.abs(found[:, 2]).max() <= math.radians(10.1)
    assert found[:, 3].max() <= 60.0 / math.cos(math.radians(20.0)) / math.cos(math.radians(10.0))
    np.testing.assert_allclose(found[:, 0], 0.0, atol=1e-3)  # nothing moves


@pytest.mark.source("CARLA source: Radar")
def test_a_car_ahead_is_heard_at_its_distance_and_speed(stage, car):
    ahead = car.get_transform()
    ahead.location = ahead.transform(carla.Location(x=15.0, y=-2.5))  # and to the left
    other = stage.spawn("vehicle.audi.tt", ahead)
    radar = stage.ear("sensor.other.radar", BUMPER, car, horizontal_fov=30, vertical_fov=2, points_per_second=20_000)
    for _ in range(5):
        stage.world.tick()
    forward = car.get_transform().get_forward_vector()
    other.set_target_velocity(carla.Vector3D(-3.0 * forward.x, -3.0 * forward.y, 0.0))
    stage.world.tick()
    frame = stage.world.tick()
    found = echoes(radar.at(frame))
    mine, its = car.get_transform().location, other.get_transform().location
    rear = mine.distance(its) - other.bounding_box.extent.x - 2.0
    toward = math.atan2(-2.5, rear)
    near = found[(found[:, 3] > rear - 0.4) & (found[:, 3] < rear + 2.5) & (np.abs(found[:, 1] - toward) < 0.05)]
    assert len(near) > 10
    speed = other.get_velocity()
    expected = speed.x * forward.x + speed.y * forward.y
    assert expected < -1.0
    assert np.median(near[:, 0]) == pytest.approx(expected * math.cos(toward), abs=0.1)


@pytest.mark.source("CARLA source: Radar")
def test_a_driving_radar_hears_the_street_come(stage):
    car = stage.car(3)
    for _ in range(5):
        stage.world.tick()
    forward = car.get_transform().get_forward_vector()
    car.enable_constant_velocity(carla.Vector3D(8.0, 0.0, 0.0))
    radar = stage.ear("sensor.other.radar", BUMPER, car, horizontal_fov=20, vertical_fov=20, points_per_second=8000)
    for _ in range(3):
        frame = stage.world.tick()
    found = echoes(radar.at(frame))
    speed = car.get_velocity()
    along = speed.x * forward.x + speed.y * forward.y
    assert along > 4.0
    expected = -along * np.cos(found[:, 1]) * np.cos(found[:, 2])
    assert np.median(np.abs(found[:, 0] - expected)) < 0.4
