"""Calls: what actors are made of, who is dead or never was, and what is answered without effect."""

from __future__ import annotations

import queue

import carla
import pytest

SERVER = "CARLA source: CarlaServer"


@pytest.mark.source("CARLA docs: python_api#carla.Actor, get_bone_names")
def test_a_car_has_a_bone_for_each_wheel(stage):
    car = stage.car(16)
    names = car.get_bone_names()
    assert {"Wheel_Front_Left", "Wheel_Front_Right", "Wheel_Rear_Left", "Wheel_Rear_Right"} <= set(names)
    world, local = car.get_bone_world_transforms(), car.get_bone_relative_transforms()
    assert len(names) == len(world) == len(local)
    frame = car.get_transform()
    for there, here in zip(world, local, strict=True):
        point = carla.Location(here.location.x, here.location.y, here.location.z)
        assert frame.transform(point).distance(there.location) < 0.05
    left = local[names.index("Wheel_Front_Left")].location
    assert left.x > 0.0 > left.y


@pytest.mark.source("CARLA docs: python_api#carla.Walker, get_bones")
def test_a_persons_bones_are_the_same_by_both_ways_to_ask(stage):
    place = stage.map.get_spawn_points()[28]
    place.location.z += 0.5
    walker = stage.spawn("walker.pedestrian.0001", place)
    stage.world.tick()
    bones = walker.get_bones().bone_transforms
    assert [bone.name for bone in bones] == list(walker.get_bone_names())
    for bone, there in zip(bones, walker.get_bone_world_transforms(), strict=True):
        assert bone.world.location.distance(there.location) < 1e-3


@pytest.mark.source("CARLA docs: python_api#carla.Actor, get_component_names")
def test_components_are_named_and_placed(stage):
    car = stage.car(17)
    names = car.get_component_names()
    assert names
    assert car.get_component_world_transform(names[0]).location.distance(car.get_location()) < 0.1
    with pytest.raises(RuntimeError, match="Component could not be found in this actor"):
        car.get_component_world_transform("Spoiler")
    assert list(car.get_socket_names()) == []


@pytest.mark.source(SERVER)
def test_the_unknown_are_left_out_and_so_are_the_dead(stage, simulator):
    car = stage.car(18)
    number, box = car.id, car.bounding_box
    assert stage.world.get_actor(number + 100_000) is None
    assert car.destroy()
    stage.actors.remove(car)
    stage.world.tick()
    assert not car.is_alive
    other = carla.Client(simulator.host, simulator.port)  # ours remembers whom it has met
    other.set_timeout(20.0)
    assert other.get_world().get_actor(number) is None
    assert box.extent.x > 1.0


@pytest.mark.source("CARLA source: Episode, SerializeActor")
@pytest.mark.embedded
def test_the_boxes_of_the_dead_are_remembered(stage, ask):
    car = stage.car(19)
    half = car.bounding_box.extent.x
    number = car.id
    assert car.destroy()
    stage.actors.remove(car)
    stage.world.tick()
    error, result = ask("get_actor_bounding_box", number)
    assert error is None
    assert result[0][1][1][0] == pytest.approx(half, abs=1e-4)


@pytest.mark.source("CARLA docs: core_actors, destruction")
def test_what_is_fixed_to_a_car_outlives_it(stage):
    car = stage.car(20)
    camera = stage.spawn("sensor.camera.depth", carla.Transform(carla.Location(z=3.0)), car)
    stage.world.tick()
    there = camera.get_location()
    assert car.destroy()
    stage.actors.remove(car)
    stage.world.tick()
    stage.world.tick()
    assert camera.is_alive
    assert camera.get_location().distance(there) < 0.5


@pytest.mark.source("ours")
@pytest.mark.embedded
def test_a_world_goes_on_after_everybody_has_been_destroyed(stage):
    stage.car(29)
    actors = [actor.id for actor in stage.world.get_actors()]
    stage.actors.clear()
    stage.client.apply_batch_sync([carla.command.DestroyActor(number) for number in actors], True)
    for _ in range(3):
        stage.world.tick()
    assert [actor.type_id for actor in stage.world.get_actors()] == ["spectator"]
    assert stage.world.get_spectator().id in actors
    assert stage.world.get_level_bbs()
    stage.world = stage.client.reload_world(reset_settings=False)
    assert stage.world.get_actors().filter("traffic.traffic_light")


@pytest.mark.source("CARLA docs: python_api#carla.World, get_spectator")
def test_the_onlooker_goes_where_it_is_put(stage):
    spectator = stage.world.get_spectator()
    place = carla.Transform(carla.Location(5.0, -7.0, 30.0), carla.Rotation(pitch=-60.0, yaw=20.0))
    spectator.set_transform(place)
    stage.world.tick()
    there = stage.world.get_spectator().get_transform()
    assert there.location.distance(place.location) < 1e-3
    assert there.rotation.yaw == pytest.approx(20.0, abs=1e-3)


@pytest.mark.source("CARLA docs: core_actors, attachment types")
@pytest.mark.parametrize("kind", ["Rigid", "SpringArm", "SpringArmGhost"])
def test_every_attachment_is_taken(stage, kind):
    car = stage.car(21)
    entry = stage.library.find("sensor.camera.rgb")
    place = carla.Transform(carla.Location(x=-5.5, z=2.8), carla.Rotation(pitch=-15.0))
    camera = stage.world.spawn_actor(entry, place, attach_to=car, attachment_type=getattr(carla.AttachmentType, kind))
    stage.actors.append(camera)
    stage.world.tick()
    assert camera.parent.id == car.id


@pytest.mark.source("CARLA docs: tuto_G_gbuffer")
def test_a_gbuffer_can_be_asked_for_beside_the_picture(stage):
    eye = stage.eye("rgb", stage.map.get_spawn_points()[26])
    eye.actor.listen_to_gbuffer(carla.GBufferTextureID.SceneDepth, lambda image: None)
    assert eye.at(stage.world.tick()).shape == (64, 96, 4)
    assert eye.at(stage.world.tick()).shape == (64, 96, 4)
    eye.actor.stop_gbuffer(carla.GBufferTextureID.SceneDepth)


@pytest.mark.source("CARLA source: client/ServerSideSensor, SetIgnoredVehicles")
@pytest.mark.embedded
def test_a_camera_looks_through_vehicles_that_it_ignores(stage):
    car = stage.car(27)
    place = car.get_transform()
    place.location.z += 12.0
    eye = stage.eye("semantic_segmentation", carla.Transform(place.location, carla.Rotation(pitch=-89.0)))
    assert (eye.at(stage.world.tick())[..., 2] == 14).any()
    eye.actor.set_ignored_vehicles([car.id])
    assert not (eye.at(stage.world.tick())[..., 2] == 14).any()


@pytest.mark.source("CARLA issue 6705")
def test_drawn_lines_show_in_pictures_and_not_in_masks(stage):
    place = stage.map.get_spawn_points()[30]
    place.location.z += 40.0
    picture = stage.eye("rgb", place)
    depth = stage.eye("depth", place)
    frame = stage.world.tick()
    before, far = picture.at(frame), depth.at(frame)
    ahead, aside = place.get_forward_vector(), place.get_right_vector()
    middle = place.location + carla.Location(ahead.x * 10.0, ahead.y * 10.0, 0.0)
    left, right = (
        carla.Location(middle.x + side * aside.x * 5.0, middle.y + side * aside.y * 5.0, middle.z) for side in (-1, 1)
    )
    green = carla.Color(0, 255, 0)
    stage.world.debug.draw_line(left, right, thickness=0.3, color=green, life_time=0.2)
    for _ in range(20):  # the call is not waited for
        frame = stage.world.tick()
        drawn = picture.at(frame)
        if (drawn[32, 30:66, 1] == 255).all():
            break
    assert (drawn[32, 30:66, :3] == (0, 255, 0)).all()
    assert (drawn[10] == before[10]).all()
    assert (depth.at(frame) == far).all()
    for _ in range(6):
        last = picture.at(stage.world.tick())
    assert (last == before).all()


@pytest.mark.source("CARLA docs: python_api#carla.DebugHelper")
def test_debug_shapes_are_taken(stage):
    debug, here = stage.world.debug, carla.Location(0.0, 0.0, 2.0)
    debug.draw_point(here, life_time=1.0)
    debug.draw_line(here, carla.Location(1.0, 0.0, 2.0), life_time=1.0)
    debug.draw_arrow(here, carla.Location(1.0, 0.0, 2.0), life_time=1.0)
    debug.draw_box(carla.BoundingBox(here, carla.Vector3D(1.0, 1.0, 1.0)), carla.Rotation(), life_time=1.0)
    debug.draw_string(here, "here", life_time=1.0)
    stage.world.tick()


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle, open_door")
def test_doors_wheels_and_other_physics_are_answered(stage):
    car = stage.car(22)
    car.open_door(carla.VehicleDoor.All)
    car.close_door(carla.VehicleDoor.FL)
    car.show_debug_telemetry(True)
    car.use_carsim_road(True)
    car.restore_physx_physics()
    stage.world.tick()
    assert car.is_alive


@pytest.mark.source("CARLA docs: tuto_G_texture_streaming")
def test_textures_are_put_on_objects_by_name_and_on_no_others(stage):
    texture = carla.TextureColor(2, 2)
    name = stage.world.get_environment_objects(carla.CityObjectLabel.Buildings)[0].name
    stage.world.apply_color_texture_to_object(name, carla.MaterialParameter.Diffuse, texture)
    with pytest.raises(RuntimeError, match="unable to find Actor to apply the texture"):
        stage.world.apply_color_texture_to_object("no such object", carla.MaterialParameter.Diffuse, texture)


@pytest.mark.source("CARLA docs: python_api#carla.World, 0.9.16")
def test_inertial_sensors_feel_the_gravity_that_is_set(stage):
    stage.world.set_annotations_traverse_translucency(False)
    usual = stage.world.get_imui_sensor_gravity()
    assert usual == pytest.approx(9.81, abs=0.01)
    told: queue.Queue[carla.IMUMeasurement] = queue.Queue()
    imu = stage.spawn("sensor.other.imu", carla.Transform(carla.Location(z=50.0)))
    imu.listen(told.put)
    stage.world.set_imui_sensor_gravity(3.5)
    for _ in range(20):  # the call is not waited for
        stage.world.tick()
        felt = told.get(timeout=20.0).accelerometer.z
        if felt < 5.0:
            break
    stage.world.set_imui_sensor_gravity(usual)
    assert felt == pytest.approx(3.5, abs=0.01)


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle, set_light_state")
def test_lights_of_all_cars_are_told_at_once(stage):
    one, other = stage.car(23), stage.car(24)
    beams = carla.VehicleLightState(carla.VehicleLightState.Position | carla.VehicleLightState.Fog)
    one.set_light_state(beams)
    stage.world.tick()
    states = stage.world.get_vehicles_light_states()
    assert states[one.id] == beams
    assert states[other.id] == carla.VehicleLightState.NONE


@pytest.mark.source(SERVER)
@pytest.mark.embedded
def test_traffic_managers_are_registered_once(stage, ask):
    port = 54_321
    assert ask("is_traffic_manager_running", port)[1] == [[1, False]]
    assert ask("get_traffic_manager_running", port)[1] == [[1, ["", 0]]]
    assert ask("destroy_traffic_manager", port)[1] == [[1, False]]


@pytest.mark.source("CARLA source: CarlaServer, get_available_maps and get_map_info")
def test_maps_are_named_with_their_folders(stage):
    assert stage.map.name.startswith("Carla/Maps/")
    assert all(name.startswith("/Game/Carla/Maps/") for name in stage.client.get_available_maps())
    assert f"/Game/{stage.map.name}" in stage.client.get_available_maps()


@pytest.mark.source("CARLA docs: python_api#carla.Client, reload_world")
def test_a_reload_leaves_nothing_and_can_keep_the_settings(stage):
    stage.car(25)
    stage.actors.clear()
    world = stage.client.reload_world(reset_settings=False)
    assert world.get_settings().synchronous_mode
    assert not world.get_actors().filter("vehicle.*")
    assert world.get_map().name == stage.map.name
    stage.world = world
