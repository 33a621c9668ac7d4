"""Plain facts that a mistake of one line would turn round: sides, speeds, heights."""

from __future__ import annotations

import carla
import numpy as np
import pytest

STEP_S = 0.05


@pytest.mark.source("CARLA docs: ref_sensors, LIDAR sensor")
def test_a_lidar_has_what_is_on_its_right_at_positive_y(stage):
    point = stage.map.get_spawn_points()[10]
    aside = point.get_right_vector() * 5.0
    ear = stage.ear(
        "sensor.lidar.ray_cast",
        carla.Transform(point.location - aside + carla.Location(z=1.2), point.rotation),
        rotation_frequency=1.0 / STEP_S, points_per_second=400_000, lower_fov=-30.0, upper_fov=5.0,
        dropoff_general_rate=0.0, atmosphere_attenuation_rate=0.0,
    )  # fmt: skip

    def sides() -> tuple[int, int]:
        """Return how many points lie where the car is to stand, and where its mirror image would."""
        cloud = np.frombuffer(ear.at(stage.world.tick()).raw_data, np.float32).reshape(-1, 4)
        near = (np.abs(cloud[:, 0]) < 2.5) & (cloud[:, 2] > -0.9)
        return int((near & (np.abs(cloud[:, 1] - 5.0) < 1.5)).sum()), int(
            (near & (np.abs(cloud[:, 1] + 5.0) < 1.5)).sum()
        )

    before = sides()
    stage.spawn("vehicle.tesla.model3", point)
    stage.world.tick()
    after = sides()
    assert after[0] > before[0] + 50
    assert abs(after[1] - before[1]) < 20


@pytest.mark.source("CARLA docs: python_api#carla.Actor, get_velocity in m/s")
def test_a_velocity_is_metres_in_a_second(stage):
    car = stage.car(11)
    car.apply_control(carla.VehicleControl(throttle=0.8))
    for _ in range(40):
        stage.world.tick()
    before = car.get_location()
    stage.world.tick()
    driven = car.get_location().distance(before) / STEP_S
    assert driven > 2.0
    assert car.get_velocity().length() == pytest.approx(driven, rel=0.15)


@pytest.mark.source("CARLA docs: python_api#carla.Walker, core_actors")
def test_a_persons_place_is_half_a_person_above_the_ground(stage):
    point = stage.map.get_spawn_points()[12]
    walker = stage.spawn("walker.pedestrian.0001", carla.Transform(point.location + carla.Location(z=1.0)))
    for _ in range(30):
        stage.world.tick()
    here = walker.get_location()
    ground = stage.map.get_waypoint(here).transform.location.z
    assert here.z - ground == pytest.approx(walker.bounding_box.extent.z, abs=0.2)
