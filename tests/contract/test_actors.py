"""Actors (sources: CARLA's blueprint library, actors and traffic manager pages)."""

import math

import carla
import pytest


@pytest.mark.source("CARLA docs: catalogue_vehicles, bp_library")
def test_two_actors_cannot_spawn_in_one_place(stage):
    stage.car(4)
    entry = stage.library.find("vehicle.audi.tt")
    assert stage.world.try_spawn_actor(entry, stage.map.get_spawn_points()[4]) is None
    with pytest.raises(RuntimeError, match="Spawn failed because of collision at spawn position"):
        stage.world.spawn_actor(entry, stage.map.get_spawn_points()[4])


@pytest.mark.source("CARLA source: ActorRegistry, one counter for all episodes")
def test_ids_are_never_used_again(stage):
    seen = set()
    for _ in range(5):
        car = stage.car(6)
        assert car.id not in seen
        seen.add(car.id)
        assert car.destroy()


@pytest.mark.source("CARLA docs: python_api#carla.VehicleControl")
def test_a_car_obeys_its_pedals_and_its_wheel(stage):
    car = stage.car(7)
    start = car.get_transform()
    car.apply_control(carla.VehicleControl(throttle=0.6))
    for _ in range(40):
        stage.world.tick()
    ahead = start.get_forward_vector()
    moved = car.get_location() - start.location
    assert moved.x * ahead.x + moved.y * ahead.y > 3.0
    assert car.get_velocity().length() > 2.0
    car.apply_control(carla.VehicleControl(brake=1.0))
    for _ in range(60):
        stage.world.tick()
    assert car.get_velocity().length() == 0.0
    rest = car.get_transform()
    for _ in range(5):
        stage.world.tick()
    assert car.get_transform() == rest


@pytest.mark.source("CARLA docs: python_api#carla.VehicleControl")
def test_steering_right_turns_right(stage):
    car = stage.car(8)
    before = car.get_transform().rotation.yaw
    car.apply_control(carla.VehicleControl(throttle=0.4, steer=0.5))
    for _ in range(20):
        stage.world.tick()
    turned = (car.get_transform().rotation.yaw - before + 180.0) % 360.0 - 180.0
    assert turned > 3.0
    assert car.get_angular_velocity().z > 0.0


@pytest.mark.source("CARLA docs: python_api#carla.Actor.set_simulate_physics")
def test_transforms_are_kept_to_the_bit_while_physics_is_off(stage):
    car = stage.car(9)
    car.set_simulate_physics(False)
    wanted = carla.Transform(carla.Location(12.5, -7.25, 3.0), carla.Rotation(pitch=5.0, yaw=33.25, roll=-2.5))
    car.set_transform(wanted)
    for _ in range(3):
        stage.world.tick()
        assert car.get_transform() == wanted


@pytest.mark.source("CARLA docs: python_api#carla.BoundingBox")
def test_a_car_stands_on_the_ground_and_its_box_about_it(stage):
    car = stage.car(10)
    for _ in range(20):
        stage.world.tick()
    assert car.get_location().z == pytest.approx(0.0, abs=0.02)
    box = car.bounding_box
    assert box.location.z == pytest.approx(box.extent.z, abs=1e-4)
    assert 1.8 < box.extent.x < 2.8


@pytest.mark.source("CARLA docs: python_api#carla.WalkerControl")
def test_a_walker_goes_where_the_control_says(stage):
    point = stage.map.get_spawn_points()[11].location
    walker = stage.spawn("walker.pedestrian.0001", carla.Transform(carla.Location(point.x, point.y, 1.0)))
    stage.world.tick()
    before = walker.get_location()
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5, False))
    for _ in range(20):
        stage.world.tick()
    moved = walker.get_location() - before
    assert moved.y == pytest.approx(1.5, abs=0.1)
    assert moved.x == pytest.approx(0.0, abs=1e-3)
    assert walker.get_transform().rotation.yaw == pytest.approx(90.0)
    assert walker.get_control().speed == pytest.approx(1.5)


@pytest.mark.source("CARLA docs: python_api#carla.Client.apply_batch_sync")
def test_batches_answer_one_by_one(stage):
    points = stage.map.get_spawn_points()
    entry = stage.library.find("vehicle.mini.cooper_s")
    spawn = carla.command.SpawnActor
    answers = stage.client.apply_batch_sync([spawn(entry, points[0]), spawn(entry, points[0]), spawn(entry, points[1])])
    assert [bool(answer.error) for answer in answers] == [False, True, False]
    ids = [answer.actor_id for answer in answers if not answer.error]
    stage.world.tick()
    assert {actor.id for actor in stage.world.get_actors().filter("vehicle.*")} >= set(ids)
    stage.client.apply_batch_sync([carla.command.DestroyActor(number) for number in ids])
    stage.world.tick()
    assert not {actor.id for actor in stage.world.get_actors()} & set(ids)


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight")
def test_lights_cycle_freeze_and_obey(stage):
    lights = list(stage.world.get_actors().filter("traffic.traffic_light*"))
    assert lights
    stage.world.freeze_all_traffic_lights(True)
    lights[0].set_state(carla.TrafficLightState.Yellow)
    for _ in range(3):
        stage.world.tick()
    assert lights[0].get_state() == carla.TrafficLightState.Yellow
    states = [light.get_state() for light in lights]
    for _ in range(300):
        stage.world.tick()
    assert [light.get_state() for light in lights] == states
    stage.world.freeze_all_traffic_lights(False)
    seen = set()
    for _ in range(700):  # more than a whole cycle of 30 s, wherever it begins
        stage.world.tick()
        seen.add(lights[0].get_state())
    assert {carla.TrafficLightState.Red, carla.TrafficLightState.Green} <= seen
    group = lights[0].get_group_traffic_lights()
    assert lights[0].id in [light.id for light in group]


@pytest.mark.source("CARLA docs: adv_traffic_manager")
def test_the_wheels_traffic_manager_drives_along_lanes(stage, free_port):
    port = free_port
    manager = stage.client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(5)
    try:
        cars = [stage.spawn("vehicle.seat.leon", point) for point in stage.map.get_spawn_points()[:6]]
        stage.world.tick()
        starts = [car.get_location() for car in cars]
        for car in cars:
            car.set_autopilot(True, port)
        far = [0.0] * len(cars)
        for _ in range(300):
            stage.world.tick()
            for number, car in enumerate(cars):
                here = car.get_location()
                far[number] = max(far[number], here.distance(starts[number]))
                lane = stage.map.get_waypoint(here)
                aside = math.hypot(lane.transform.location.x - here.x, lane.transform.location.y - here.y)
                assert aside < lane.lane_width / 2 + 0.5 or lane.is_junction
        assert sum(distance > 10.0 for distance in far) >= 4
        for car in cars:
            car.set_autopilot(False, port)
    finally:
        manager.set_synchronous_mode(False)
        manager.shut_down()


@pytest.mark.source("CARLA docs: adv_traffic_manager")
def test_the_wheels_traffic_manager_stops_at_red(stage, free_port):
    lights = list(stage.world.get_actors().filter("traffic.traffic_light*"))
    stage.world.tick()
    start = next(
        waypoints[0]
        for light in lights
        for stop in light.get_stop_waypoints()
        if (waypoints := stop.previous(15.0)) and not waypoints[0].is_junction
    )
    manager = stage.client.get_trafficmanager(free_port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(5)
    try:
        for light in lights:
            light.set_state(carla.TrafficLightState.Red)
        stage.world.freeze_all_traffic_lights(True)
        place = start.transform
        place.location.z += 0.5
        car = stage.spawn("vehicle.seat.leon", place)
        stage.world.tick()
        car.set_autopilot(True, free_port)
        for _ in range(300):
            stage.world.tick()
        assert car.is_at_traffic_light()
        assert car.get_traffic_light_state() == carla.TrafficLightState.Red
        assert car.get_traffic_light().id in {light.id for light in lights}
        assert car.get_velocity().length() < 0.1
        there = car.get_location()
        assert not stage.map.get_waypoint(there).is_junction
        assert there.distance(place.location) > 3.0
        stage.world.freeze_all_traffic_lights(False)
        for _ in range(900):
            stage.world.tick()
            if car.get_location().distance(there) > 15.0:
                break
        assert car.get_location().distance(there) > 15.0, "expected it to go on at green"
        car.set_autopilot(False, free_port)
    finally:
        stage.world.freeze_all_traffic_lights(False)
        manager.set_synchronous_mode(False)
        manager.shut_down()


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_a_manager_that_comes_too_late_for_a_car_is_not_told_off(stage, ask):
    """The wheel's manager asks in a thread of its own, in which an error ends the program."""
    car = stage.car(9)
    number = car.id
    assert car.destroy()
    assert "registry" not in str(ask("set_actor_simulate_physics", number, True))
    assert "registry" in str(ask("set_actor_target_velocity", number, [0.0, 0.0, 0.0]))
    assert "registry" in str(ask("set_actor_simulate_physics", 999_999, True))
