"""Lidars through the wheel: what a rig reads of them, and whether it is true."""

import math

import carla
import numpy as np
import pytest

POINT = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("cosine", "f4"), ("object", "u4"), ("tag", "u4")])
ROOF = carla.Transform(carla.Location(z=2.4))
SURE = {"dropoff_general_rate": 0.0, "dropoff_intensity_limit": 0.0, "dropoff_zero_intensity": 0.0}


@pytest.fixture
def car(stage):
    car = stage.car(3)
    car.set_simulate_physics(False)
    stage.world.tick()
    return car


@pytest.mark.source("CARLA docs: ref_sensors#lidar-sensor")
def test_points_are_four_floats_and_counted_by_channel(stage, car):
    lidar = stage.ear("sensor.lidar.ray_cast", ROOF, car, range=50, channels=16, rotation_frequency=20)
    data = lidar.at(stage.world.tick())
    assert isinstance(data, carla.LidarMeasurement)
    assert data.channels == 16
    points = np.frombuffer(data.raw_data, np.float32).reshape(-1, 4)
    assert len(points) == len(data) == sum(data.get_point_count(channel) for channel in range(16)) > 0
    first = data[0]
    assert (first.point.x, first.point.y, first.point.z, first.intensity) == pytest.approx(points[0].tolist())
    assert np.linalg.norm(points[:, :3], axis=1).max() <= 50.001


@pytest.mark.source("CARLA docs: ref_sensors#lidar-sensor")
def test_intensity_is_what_the_air_leaves(stage, car):
    lidar = stage.ear(
        "sensor.lidar.ray_cast", ROOF, car, range=80, rotation_frequency=20, atmosphere_attenuation_rate=0.01, **SURE
    )
    points = np.frombuffer(lidar.at(stage.world.tick()).raw_data, np.float32).reshape(-1, 4)
    distance = np.linalg.norm(points[:, :3], axis=1)
    np.testing.assert_allclose(points[:, 3], np.exp(-0.01 * distance), rtol=1e-3)


@pytest.mark.source("CARLA docs: ref_sensors#semantic-lidar-sensor")
def test_a_semantic_lidar_names_the_car_it_meets(stage, car):
    ahead = car.get_transform()
    ahead.location = ahead.transform(carla.Location(x=9.0, y=-2.5))  # and to the left
    other = stage.spawn("vehicle.audi.tt", ahead)
    other.set_simulate_physics(False)
    stage.world.tick()
    lidar = stage.ear("sensor.lidar.ray_cast_semantic", ROOF, car, range=30, rotation_frequency=20,
                      points_per_second=200_000)  # fmt: skip
    data = lidar.at(stage.world.tick())
    assert isinstance(data, carla.SemanticLidarMeasurement)
    points = np.frombuffer(data.raw_data, POINT)
    assert len(points) == len(data)
    assert (data[5].object_idx, data[5].object_tag) == (points["object"][5], points["tag"][5])
    met = points[points["object"] == other.id]
    assert len(met) > 10
    assert set(met["tag"].tolist()) == {14}
    box = other.bounding_box.extent
    assert np.abs(met["x"] - 9.0).max() <= box.x + 0.3
    assert np.abs(met["y"] + 2.5).max() <= box.y + 0.3
    assert (points["cosine"] >= 0.0).all()
    assert (points["cosine"] <= 1.0 + 1e-5).all()


@pytest.mark.source("CARLA source: RayCastSemanticLidar")
def test_the_road_lies_below_by_the_height_of_the_sensor(stage, car):
    lidar = stage.ear("sensor.lidar.ray_cast_semantic", ROOF, car, range=30, channels=8, rotation_frequency=20,
                      upper_fov=-35, lower_fov=-60)  # fmt: skip
    points = np.frombuffer(lidar.at(stage.world.tick()).raw_data, POINT)
    road = points[np.isin(points["tag"], (1, 24))]
    assert len(road) > 100
    height = car.get_transform().location.z + 2.4
    ground = stage.map.get_waypoint(car.get_transform().location).transform.location.z
    assert np.median(road["z"]) == pytest.approx(ground - height, abs=0.15)
    expected = math.sin(math.radians(35.0))  # the highest channel meets level ground at this angle
    assert road["cosine"].min() == pytest.approx(expected, abs=0.05)


@pytest.mark.source("CARLA source: RayCastSemanticLidar")
def test_channels_go_from_the_highest_to_the_lowest(stage, car):
    lidar = stage.ear("sensor.lidar.ray_cast", ROOF, car, range=100, channels=3, rotation_frequency=20,
                      upper_fov=80, lower_fov=-40, **SURE)  # fmt: skip
    data = lidar.at(stage.world.tick())
    points = np.frombuffer(data.raw_data, np.float32).reshape(-1, 4)
    counts = [data.get_point_count(channel) for channel in range(3)]
    assert counts[0] < counts[2]  # steep into the air, and down onto the road
    lowest = points[counts[0] + counts[1] :]
    angles = np.degrees(np.arcsin(lowest[:, 2] / np.linalg.norm(lowest[:, :3], axis=1)))
    np.testing.assert_allclose(angles, -40.0, atol=0.05)


@pytest.mark.source("CARLA docs: ref_sensors#lidar-sensor")
def test_a_turn_at_half_speed_takes_two_ticks(stage, car):
    lidar = stage.ear("sensor.lidar.ray_cast_semantic", ROOF, car, range=30, channels=4, rotation_frequency=10,
                      points_per_second=8000, upper_fov=-30, lower_fov=-60)  # fmt: skip
    halves = []
    for _ in range(2):
        data = lidar.at(stage.world.tick())
        points = np.frombuffer(data.raw_data, POINT)
        halves.append(np.degrees(np.arctan2(points["y"], points["x"])))
        first = np.unwrap(halves[-1][: data.get_point_count(0)], period=360.0)
        assert (np.diff(first) > 0.0).all()  # it turns to the right
        assert data.horizontal_angle in (
            pytest.approx(0.0, abs=0.01), pytest.approx(math.pi, abs=0.01), pytest.approx(2 * math.pi, abs=0.01)
        )  # fmt: skip
    assert {np.sign(np.median(half)) for half in halves} == {-1.0, 1.0}
    assert all(np.ptp(half) < 180.5 for half in halves if np.abs(half).max() < 179.5)


@pytest.mark.source("ours")
@pytest.mark.embedded
def test_equal_worlds_give_equal_points(stage, car):
    lidars = [stage.ear("sensor.lidar.ray_cast", ROOF, car, range=50, noise_seed=5, noise_stddev=0.1) for _ in range(2)]
    frame = stage.world.tick()
    first, second = (bytes(lidar.at(frame).raw_data) for lidar in lidars)
    assert first == second


@pytest.mark.source("CARLA issue 9535")
def test_no_sensor_stops_in_a_world_that_does_not_render(stage, car):
    lidar = stage.ear("sensor.lidar.ray_cast", ROOF, car, range=50, rotation_frequency=20)
    radar = stage.ear("sensor.other.radar", carla.Transform(carla.Location(x=2.0, z=1.0)), car)
    eye = stage.ear("sensor.camera.depth", ROOF, car, image_size_x=16, image_size_y=16)
    settings = stage.world.get_settings()
    settings.no_rendering_mode = True
    stage.world.apply_settings(settings)
    try:
        frame = stage.world.tick()
        assert len(lidar.at(frame)) > 0
        assert len(radar.at(frame)) > 0
        assert len(eye.at(frame).raw_data) == 16 * 16 * 4
    finally:
        settings.no_rendering_mode = False
        stage.world.apply_settings(settings)
