"""Props: things that stand where they are put, are seen, measured and in the way."""

from __future__ import annotations

import carla
import numpy as np
import pytest

STATIC, DYNAMIC = 20, 21


@pytest.mark.source("CARLA docs: ref_sensors, semantic tags")
def test_a_prop_is_seen_in_pictures_and_masks(stage):
    start = stage.map.get_spawn_points()[3]
    ahead = start.get_forward_vector()
    there = start.location + carla.Location(ahead.x * 6.0, ahead.y * 6.0, 0.0)
    eye = stage.eye("instance_segmentation", carla.Transform(start.location + carla.Location(z=0.7), start.rotation))
    before = eye.at(stage.world.tick())
    across = carla.Rotation(yaw=start.rotation.yaw + 90.0)
    prop = stage.spawn("static.prop.streetbarrier", carla.Transform(there, across))
    after = eye.at(stage.world.tick())
    changed = (before != after).any(axis=2)
    assert changed.sum() > 20
    assert set(np.unique(after[changed][:, 2])) <= {STATIC, DYNAMIC}
    assert set(prop.semantic_tags) <= {STATIC, DYNAMIC}


@pytest.mark.source("CARLA docs: python_api#carla.Actor, bounding_box")
@pytest.mark.parametrize(
    ("name", "height"),
    [("trafficcone01", 1.13), ("streetbarrier", 1.07), ("barrel", 0.81), ("vendingmachine", 2.11), ("colacan", 0.11)],
)
def test_props_are_as_tall_as_carlas(stage, name, height):
    prop = stage.spawn(f"static.prop.{name}", stage.map.get_spawn_points()[4])
    assert 2.0 * prop.bounding_box.extent.z == pytest.approx(height, rel=0.1)


@pytest.mark.source("CARLA docs: core_actors, spawning")
def test_no_car_is_born_where_a_prop_stands(stage):
    place = stage.map.get_spawn_points()[5]
    stage.spawn("static.prop.vendingmachine", place)
    assert stage.world.try_spawn_actor(stage.library.find("vehicle.audi.tt"), place) is None


@pytest.mark.source("CARLA docs: core_actors, attached actors")
def test_a_prop_rides_along_and_is_not_in_the_way(stage):
    car = stage.car(7)
    place = carla.Transform(carla.Location(x=3.2, z=0.3))
    box = stage.spawn("static.prop.box01", place, car)
    start = car.get_location()
    car.apply_control(carla.VehicleControl(throttle=0.7))
    for _ in range(40):
        stage.world.tick()
    assert car.get_location().distance(start) > 3.0
    assert box.get_location().distance(car.get_location()) == pytest.approx(3.2, abs=0.2)


@pytest.mark.source("CARLA docs: python_api#carla.Actor, set_transform")
def test_a_prop_goes_where_it_is_put(stage):
    place = stage.map.get_spawn_points()[6]
    prop = stage.spawn("static.prop.bench01", place)
    stage.world.tick()
    place.location.x += 3.0
    prop.set_transform(place)
    stage.world.tick()
    assert prop.get_transform() == place
