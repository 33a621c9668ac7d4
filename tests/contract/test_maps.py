"""Maps: worlds made from a user's OpenDRIVE, and what the wheel's map says of roads, lanes and signs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import carla
import numpy as np
import pytest

_PLACE = Path(__file__).parents[1] / "carla_plugin" / "simulator" / "roads" / "maps.py"
_SPEC = importlib.util.spec_from_file_location("maps", _PLACE)
maps = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(maps)

WAIT_S = 60.0


@pytest.fixture(scope="module")
def client(simulator) -> carla.Client:
    client = carla.Client(simulator.host, simulator.port)
    client.set_timeout(WAIT_S)
    before = client.get_world().get_map().name
    yield client
    client.load_world(before.rpartition("/")[2])


def generated(client: carla.Client, text: str, **how) -> carla.World:
    """Return the world of a map, in synchronous mode."""
    world = client.generate_opendrive_world(text, carla.OpendriveGenerationParameters(**how))
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return world


def asynchronous(world: carla.World) -> None:
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings)


@pytest.mark.source("CARLA docs: adv_opendrive, Run a standalone map")
def test_a_users_map_becomes_the_world(client):
    world = generated(client, maps.arc_on_a_hill())
    try:
        there = world.get_map()
        assert there.name == "Carla/Maps/OpenDriveMap"
        assert there.to_opendrive() == maps.arc_on_a_hill()
        assert len(there.get_spawn_points()) >= 2
        model = world.get_blueprint_library().find("vehicle.tesla.model3")
        for point in there.get_spawn_points()[::5]:
            lane = there.get_waypoint(point.location, project_to_road=False)
            assert lane.lane_type == carla.LaneType.Driving
            assert not lane.is_junction
            car = world.spawn_actor(model, point)
            for _ in range(12):
                world.tick()
            place = car.get_transform()
            assert place.location.z == pytest.approx(lane.transform.location.z, abs=0.15)
            off = place.rotation.pitch - lane.transform.rotation.pitch
            assert (off + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1.5)
            car.destroy()
    finally:
        asynchronous(world)


@pytest.mark.source("carla_wire 11.8: generated signals")
def test_each_dynamic_signal_becomes_one_traffic_light(client):
    world = generated(client, maps.crossing())
    try:
        world.tick()
        lights = world.get_actors().filter("traffic.traffic_light*")
        assert sorted(light.get_opendrive_id() for light in lights) == ["501", "502", "503", "504"]
        for landmark in world.get_map().get_all_landmarks_of_type("1000001"):
            light = world.get_traffic_light(landmark)
            assert light.get_opendrive_id() == landmark.id
            assert light.get_location().distance(landmark.transform.location) < 4.0
            assert len(light.get_group_traffic_lights()) == 4
        green = {light.get_opendrive_id() for light in lights if light.state == carla.TrafficLightState.Green}
        assert green in ({"501", "503"}, {"502", "504"})
    finally:
        asynchronous(world)


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle.get_speed_limit")
def test_a_vehicle_takes_the_limit_of_the_sign_it_passes(client):
    world = generated(client, maps.straight(maps.signal(7, 60, -6.5, "+", "274", 60, "no")))
    try:
        place = world.get_map().get_waypoint_xodr(1, -1, 45.0).transform
        place.location.z += 0.3
        car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), place)
        world.tick()
        assert car.get_speed_limit() == pytest.approx(30.0)
        (landmark,) = world.get_map().get_all_landmarks_of_type("274")
        sign = world.get_traffic_sign(landmark)
        assert sign.type_id == "traffic.speed_limit.60"
        for _ in range(40):
            car.set_target_velocity(carla.Vector3D(12.0, 0.0, 0.0))
            world.tick()
        assert car.get_location().x > 62.0
        assert car.get_speed_limit() == pytest.approx(60.0)
    finally:
        asynchronous(world)


@pytest.mark.source("CARLA docs: python_api#carla.OpendriveGenerationParameters")
@pytest.mark.parametrize(("height", "stopped"), [(1.5, True), (0.0, False)])
def test_walls_keep_vehicles_on_the_road_if_they_are_asked_for(client, height, stopped):
    world = generated(client, maps.straight(), wall_height=height)
    try:
        point = min(world.get_map().get_spawn_points(), key=lambda each: abs(each.location.x - 90.0))
        point.rotation.yaw += 90.0
        car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), point)
        car.set_target_velocity(carla.Vector3D(0.0, 10.0 if point.rotation.yaw % 360 < 180 else -10.0, 0.0))
        for _ in range(60):
            car.apply_control(carla.VehicleControl(throttle=0.6))
            world.tick()
        beyond = abs(car.get_location().y) > 8.0
        assert beyond != stopped
    finally:
        asynchronous(world)


@pytest.mark.source("CARLA docs: adv_opendrive, Run a standalone map")
def test_cameras_see_the_generated_road(client):
    world = generated(client, maps.straight())
    try:
        library = world.get_blueprint_library()
        blueprint = library.find("sensor.camera.semantic_segmentation")
        blueprint.set_attribute("image_size_x", "160")
        blueprint.set_attribute("image_size_y", "100")
        eye = world.spawn_actor(blueprint, carla.Transform(carla.Location(20, 1.75, 1.6), carla.Rotation(pitch=-8)))
        seen: list[carla.Image] = []
        eye.listen(seen.append)
        world.tick()
        world.tick()
        while len(seen) < 2:
            world.tick()
        tags = np.frombuffer(seen[-1].raw_data, np.uint8).reshape(100, 160, 4)[..., 2]
        eye.stop()
        eye.destroy()
        share = {int(tag): float((tags == tag).mean()) for tag in np.unique(tags)}
        assert share[1] > 0.2, share
        assert share[2] > 0.03, share  # pavement
        assert share[24] > 0.005, share  # lines
    finally:
        asynchronous(world)


@pytest.mark.embedded
@pytest.mark.source("CARLA source: CarlaServer, copy_opendrive_to_file")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<OpenDRIVE", "no XML"),
        (maps.straight().replace("<line/>", "<clothoidOfMine/>"), "road 1: <clothoidOfMine>"),
        (maps.straight().replace('length="200"', 'length="nan"'), "road 1: <road length>"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(client, text, words):
    before = client.get_world().id
    with pytest.raises(RuntimeError, match="could not be correctly parsed") as refused:
        client.generate_opendrive_world(text)
    assert words in str(refused.value)
    assert client.get_world().id == before
