"""What stands in a town: its things, their boxes, layers, lamps, and what rays meet."""

from __future__ import annotations

import carla
import numpy as np
import pytest

BUILDING = 3


def looking_at(box: carla.BoundingBox, distance: float = 25.0) -> carla.Transform:
    """Return a place high beside a box, turned toward it."""
    far = max(box.extent.x, box.extent.y) + distance
    return carla.Transform(
        carla.Location(box.location.x - far, box.location.y, box.location.z + 0.5 * far), carla.Rotation(pitch=-25.0)
    )


@pytest.fixture
def buildings(stage) -> list[carla.EnvironmentObject]:
    return list(stage.world.get_environment_objects(carla.CityObjectLabel.Buildings))


@pytest.mark.source("CARLA docs: python_api#carla.World, get_environment_objects")
def test_things_are_told_by_their_label(stage, buildings):
    everything = stage.world.get_environment_objects(carla.CityObjectLabel.Any)
    assert buildings
    assert {thing.type for thing in buildings} == {carla.CityObjectLabel.Buildings}
    assert {thing.id for thing in buildings} < {thing.id for thing in everything}
    assert len({thing.id for thing in everything}) == len(everything)
    assert all(thing.name and thing.bounding_box.extent.z > 1.0 for thing in buildings)
    assert {thing.name for thing in buildings} <= set(stage.world.get_names_of_all_objects())


@pytest.mark.source("CARLA docs: python_api#carla.EnvironmentObject, bounding_box")
def test_a_ray_from_above_meets_a_building_within_its_box(stage, buildings):
    for thing in buildings[:: max(1, len(buildings) // 8)]:
        box = thing.bounding_box
        above = carla.Location(box.location.x, box.location.y, box.location.z + box.extent.z + 5.0)
        met = stage.world.cast_ray(above, carla.Location(above.x, above.y, -1.0))
        roofs = [point.location.z for point in met if point.label == carla.CityObjectLabel.Buildings]
        assert roofs
        assert roofs[0] <= box.location.z + box.extent.z + 0.05


@pytest.mark.source("CARLA docs: tuto_G_bounding_boxes")
def test_level_boxes_of_buildings_are_those_of_their_things(stage, buildings):
    boxes = stage.world.get_level_bbs(carla.CityObjectLabel.Buildings)
    here = sorted((round(box.location.x, 2), round(box.location.y, 2)) for box in boxes)
    there = sorted((round(b.bounding_box.location.x, 2), round(b.bounding_box.location.y, 2)) for b in buildings)
    assert here == there


@pytest.mark.source("CARLA source: BoundingBoxCalculator, boxes of all actors")
def test_level_boxes_of_cars_are_those_of_the_cars(stage):
    car = stage.car(7)
    here = car.get_location()
    boxes = stage.world.get_level_bbs(carla.CityObjectLabel.Car)
    nearest = min(boxes, key=lambda box: box.location.distance(here))
    assert nearest.location.distance(here) < 2.0
    assert nearest.extent.x == pytest.approx(car.bounding_box.extent.x, abs=0.05)


@pytest.mark.source("CARLA docs: tuto_G_bounding_boxes, traffic lights")
def test_level_boxes_of_traffic_lights_hang_over_streets(stage):
    boxes = stage.world.get_level_bbs(carla.CityObjectLabel.TrafficLight)
    assert len(boxes) >= len(stage.world.get_actors().filter("traffic.traffic_light*"))
    assert all(0.1 < box.extent.z < 3.0 for box in boxes)


@pytest.mark.source("CARLA issue 9470")
def test_disabled_things_leave_pictures_but_not_masks(stage, buildings):
    place = looking_at(buildings[0].bounding_box)
    picture, mask = stage.eye("rgb", place), stage.eye("semantic_segmentation", place)
    frame = stage.world.tick()
    before, tags = picture.at(frame), mask.at(frame)
    assert (tags[..., 2] == BUILDING).any()
    stage.world.enable_environment_objects({thing.id for thing in buildings}, False)
    frame = stage.world.tick()
    without = picture.at(frame)
    assert (without[tags[..., 2] == BUILDING] != before[tags[..., 2] == BUILDING]).any(axis=1).mean() > 0.5
    assert np.array_equal(mask.at(frame), tags)
    stage.world.enable_environment_objects({thing.id for thing in buildings}, True)
    assert np.abs(picture.at(stage.world.tick()).astype(int) - before).mean() < 2.0


@pytest.mark.source("CARLA docs: core_map, layered maps")
@pytest.mark.embedded
def test_a_layer_goes_from_masks_too_and_comes_back(stage, buildings):
    place = looking_at(buildings[0].bounding_box)
    mask = stage.eye("semantic_segmentation", place)
    before = mask.at(stage.world.tick())
    stage.world.unload_map_layer(carla.MapLayer.Buildings)
    try:
        assert not (mask.at(stage.world.tick())[..., 2] == BUILDING).any()
        box = buildings[0].bounding_box
        above = carla.Location(box.location.x, box.location.y, 90.0)
        assert stage.world.ground_projection(above, 200.0).label != carla.CityObjectLabel.Buildings
    finally:
        stage.world.load_map_layer(carla.MapLayer.Buildings)
    assert np.array_equal(mask.at(stage.world.tick()), before)


@pytest.mark.source("CARLA docs: python_api#carla.Client, load_world with map_layers")
@pytest.mark.embedded
def test_a_map_can_be_loaded_without_its_layers(stage, buildings):
    name = stage.map.name.rpartition("/")[2]
    place = looking_at(buildings[0].bounding_box)
    stage.world = stage.client.load_world(name, False, carla.MapLayer.NONE)
    bare = stage.eye("semantic_segmentation", place)
    assert not (bare.at(stage.world.tick())[..., 2] == BUILDING).any()
    stage.clear()
    stage.world = stage.client.load_world(name, False)
    whole = stage.eye("semantic_segmentation", place)
    assert (whole.at(stage.world.tick())[..., 2] == BUILDING).any()


@pytest.mark.source("CARLA docs: core_map, layered maps")
@pytest.mark.embedded
def test_what_has_gone_is_in_nobodys_way(stage, buildings):
    inside = max((thing.bounding_box for thing in buildings), key=lambda box: box.extent.x * box.extent.y)
    entry = stage.library.find("vehicle.micro.microlino")
    wall = carla.Location(inside.extent.x, 0.0, 0.5 - inside.location.z)
    place = carla.Transform(carla.Transform(inside.location, inside.rotation).transform(wall), inside.rotation)
    assert stage.world.try_spawn_actor(entry, place) is None
    stage.world.unload_map_layer(carla.MapLayer.All)
    try:
        stage.actors.append(stage.world.spawn_actor(entry, place))
    finally:
        stage.world.load_map_layer(carla.MapLayer.All)


@pytest.mark.source("CARLA docs: python_api#carla.World, ground_projection")
def test_the_ground_below_a_lane_is_the_road(stage):
    for point in stage.map.get_spawn_points()[:5]:
        road = stage.map.get_waypoint(point.location).transform.location
        met = stage.world.ground_projection(road + carla.Location(z=3.0), 10.0)
        assert met.label in (carla.CityObjectLabel.Roads, carla.CityObjectLabel.RoadLines)
        assert met.location.z == pytest.approx(road.z, abs=0.1)
        assert stage.world.ground_projection(road + carla.Location(z=30.0), 5.0) is None


@pytest.mark.source("CARLA docs: python_api#carla.World, project_point")
def test_a_ray_meets_a_car_where_its_box_begins(stage):
    car = stage.car(8)
    for _ in range(20):
        stage.world.tick()
    box, place = car.bounding_box, car.get_transform()
    above = place.location + carla.Location(z=20.0)
    met = stage.world.project_point(above, carla.Vector3D(0.0, 0.0, -1.0), 50.0)
    assert met.label == carla.CityObjectLabel.Car
    assert met.location.z == pytest.approx(place.location.z + box.location.z + box.extent.z, abs=0.25)


class TestLamps:
    """Street lamps, by the wheel's LightManager."""

    @pytest.mark.source("CARLA docs: python_api#carla.LightManager")
    def test_lamps_stand_along_streets_and_have_ids(self, stage):
        lamps = stage.world.get_lightmanager().get_all_lights(carla.LightGroup.Street)
        assert lamps
        assert len({lamp.id for lamp in lamps}) == len(lamps)
        assert all(2.0 < lamp.location.z < 20.0 for lamp in lamps)

    @pytest.mark.source("CARLA docs: python_api#carla.LightManager, turn_off")
    def test_a_night_street_is_darker_without_its_lamps(self, stage):
        stage.world.set_weather(carla.WeatherParameters.ClearNight)
        manager = stage.world.get_lightmanager()
        lamp = manager.get_all_lights(carla.LightGroup.Street)[0]
        eye = stage.eye("rgb", carla.Transform(lamp.location + carla.Location(z=4.0), carla.Rotation(pitch=-89.0)))
        lit = eye.at(stage.world.tick())[..., :3].mean()
        manager.turn_off(manager.get_all_lights())
        # the wheel sends lamps on a thread of its own, some time after the next tick
        darkened = stage.tick_until(lambda: eye.at(stage.world.tick())[..., :3].mean() < 0.8 * lit)
        manager.set_day_night_cycle(True)
        stage.world.tick()
        assert darkened

    @pytest.mark.source("CARLA source: CarlaLightSubsystem, pending clients")
    def test_what_one_client_sets_another_hears(self, stage, simulator):
        manager = stage.world.get_lightmanager()
        lamp = manager.get_all_lights()[0]
        other = carla.Client(simulator.host, simulator.port)
        other.set_timeout(20.0)
        theirs = other.get_world()
        assert theirs.get_lightmanager().get_all_lights()[0].id == lamp.id
        manager.set_intensity([lamp], 1234.0)
        manager.set_color([lamp], carla.Color(1, 2, 3))

        def heard() -> tuple[float, int, int, int]:
            light = next(each for each in theirs.get_lightmanager().get_all_lights() if each.id == lamp.id)
            return light.intensity, light.color.r, light.color.g, light.color.b

        # both wheels speak of lamps on threads of their own, some time after a tick
        assert stage.tick_until(lambda: heard() == (1234.0, 1, 2, 3)), heard()
