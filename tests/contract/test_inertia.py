"""GNSS and IMU through the wheel: the map's own geography, gravity, turning, the compass, and noise by seed."""

import math

import carla
import numpy as np
import pytest

MOUNT = carla.Transform(carla.Location(x=0.5, z=1.5))


def at_rest(stage, number=0):
    car = stage.car(number)
    for _ in range(20):
        stage.world.tick()
    return car


@pytest.mark.source("CARLA docs: python_api#carla.Map.transform_to_geolocation")
@pytest.mark.parametrize("number", [0, 3])
def test_gnss_says_what_the_map_computes(stage, number):
    car = at_rest(stage, number)
    gnss = stage.ear("sensor.other.gnss", MOUNT, car)
    message = gnss.at(stage.world.tick())
    expected = stage.map.transform_to_geolocation(message.transform.location)
    assert message.latitude == pytest.approx(expected.latitude, abs=1e-9)
    assert message.longitude == pytest.approx(expected.longitude, abs=1e-9)
    assert message.altitude == pytest.approx(expected.altitude, abs=1e-4)


@pytest.mark.source("CARLA docs: ref_sensors#gnss-sensor")
def test_gnss_noise_is_biased_spread_and_drawn_by_seed(stage):
    car = at_rest(stage)
    words = {"noise_alt_bias": 5.0, "noise_alt_stddev": 1.0}
    ears = [stage.ear("sensor.other.gnss", MOUNT, car, noise_seed=seed, **words) for seed in (7, 7, 8)]
    heights = []
    for _ in range(40):
        frame = stage.world.tick()
        heights.append([ear.at(frame).altitude for ear in ears])
    same, again, other = np.array(heights).T
    exact = car.get_location().z + MOUNT.location.z
    assert np.mean(same) - exact == pytest.approx(5.0, abs=0.8)
    assert 0.4 < np.std(same) < 1.8
    assert np.array_equal(same, again)
    assert not np.allclose(same, other)


@pytest.mark.source("CARLA docs: ref_sensors#imu-sensor")
def test_an_imu_at_rest_feels_gravity_alone(stage):
    car = at_rest(stage, 1)
    imu = stage.ear("sensor.other.imu", MOUNT, car)
    for _ in range(5):
        frame = stage.world.tick()
    message = imu.at(frame)
    up = car.get_transform().get_up_vector()
    assert message.accelerometer.z == pytest.approx(9.81 * up.z, abs=0.05)
    assert abs(message.accelerometer.x) < 0.3
    assert abs(message.accelerometer.y) < 0.3
    assert message.gyroscope.length() < 0.01


@pytest.mark.source("CARLA source: InertialMeasurementUnit")
@pytest.mark.parametrize("number", [2, 5, 9])
def test_the_compass_is_zero_to_the_north_and_grows_clockwise(stage, number):
    car = at_rest(stage, number)
    imu = stage.ear("sensor.other.imu", MOUNT, car)
    compass = imu.at(stage.world.tick()).compass
    expected = math.radians(car.get_transform().rotation.yaw + 90.0) % math.tau
    assert math.cos(compass - expected) == pytest.approx(1.0, abs=1e-4)
    assert 0.0 <= compass <= math.tau


@pytest.mark.source("CARLA docs: ref_sensors#imu-sensor")
def test_an_imu_feels_speeding_up_and_turning(stage):
    car = at_rest(stage, 6)
    imu = stage.ear("sensor.other.imu", carla.Transform(), car)
    car.apply_control(carla.VehicleControl(throttle=0.8))
    felt = []
    for _ in range(20):
        felt.append(imu.at(stage.world.tick()).accelerometer.x)
    assert np.mean(felt[5:]) > 1.0
    car.apply_control(carla.VehicleControl(throttle=0.3, steer=0.3))
    for _ in range(10):
        frame = stage.world.tick()
    message = imu.at(frame)
    assert message.gyroscope.z == pytest.approx(math.radians(car.get_angular_velocity().z), abs=0.02)
    assert message.gyroscope.z > 0.05, "to the right"
    assert message.accelerometer.y > 0.5, "the push comes from the right"


@pytest.mark.source("CARLA docs: ref_sensors#imu-sensor")
def test_imu_noise_has_its_bias(stage):
    car = at_rest(stage)
    words = {"noise_gyro_bias_x": 0.5, "noise_gyro_stddev_y": 0.1, "noise_accel_stddev_x": 0.2}
    imu = stage.ear("sensor.other.imu", MOUNT, car, noise_seed=3, **words)
    told = []
    for _ in range(40):
        message = imu.at(stage.world.tick())
        told.append([message.gyroscope.x, message.gyroscope.y, message.accelerometer.x, message.accelerometer.y])
    spread = np.std(told[5:], axis=0)
    assert np.mean(told, axis=0)[0] == pytest.approx(0.5, abs=1e-3)
    assert spread[0] == pytest.approx(0.0, abs=1e-3)
    assert 0.05 < spread[1] < 0.2
    assert 0.1 < spread[2] < 0.4
    assert spread[3] < 0.05


@pytest.mark.source("CARLA docs: ref_sensors")
def test_a_sensor_tick_thins_the_messages(stage):
    car = at_rest(stage)
    gnss = stage.ear("sensor.other.gnss", MOUNT, car, sensor_tick=0.5)
    for _ in range(40):
        stage.world.tick()
    stage.ear("sensor.other.gnss", MOUNT, car).at(stage.world.tick())  # what came before it has come
    assert 3 <= gnss.messages.qsize() <= 6
