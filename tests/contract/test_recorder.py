"""The recorder, through the wheel."""

from __future__ import annotations

import carla
import pytest

DOCS = "CARLA docs: adv_recorder"


@pytest.fixture
def recorded(stage):
    """Record a drive of 40 ticks; return the file and where car and walker were after each."""
    points = stage.map.get_spawn_points()
    car = stage.spawn("vehicle.tesla.model3", points[0])
    walker = stage.spawn("walker.pedestrian.0001", carla.Transform(points[5].location + carla.Location(z=1.0)))
    name = "manyskies_test.log"
    assert stage.client.start_recorder(name, True).endswith(name)
    stage.world.tick()
    car.apply_control(carla.VehicleControl(throttle=0.8, steer=0.1))
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.2))
    way = []
    for _ in range(40):
        stage.world.tick()
        way.append((car.get_transform(), walker.get_transform()))
    stage.client.stop_recorder()
    stage.clear()
    stage.world.tick()
    yield name, way
    stage.client.stop_replayer(False)
    for actor in stage.world.get_actors():
        if actor.type_id.startswith(("vehicle.", "walker.")):
            actor.destroy()
    stage.world.tick()


@pytest.mark.source(DOCS)
def test_a_replay_goes_where_the_recording_went(stage, recorded):
    name, way = recorded
    assert "Replaying" in stage.client.replay_file(name, 0.0, 0.0, 0)
    stage.world.tick()
    (car,) = stage.world.get_actors().filter("vehicle.*")
    (walker,) = stage.world.get_actors().filter("walker.pedestrian.*")
    for number in range(39):
        assert car.get_location().distance(way[number][0].location) < 0.01
        assert abs(car.get_transform().rotation.yaw - way[number][0].rotation.yaw) < 0.01
        assert walker.get_location().distance(way[number][1].location) < 0.01
        stage.world.tick()
    assert car.get_velocity().length() > 3.0
    car.apply_control(carla.VehicleControl(brake=1.0))
    for _ in range(60):
        stage.world.tick()
    assert car.get_velocity().length() < 0.1, "expected physics to have it back after the end"
    assert walker.get_velocity().length() == 0.0, "expected people to stop at the end"


@pytest.mark.source(DOCS)
def test_a_replay_can_begin_near_the_end_and_the_onlooker_follow(stage, recorded):
    name, way = recorded
    listed = stage.client.show_recorder_file_info(name, False)
    car_id = int(next(line for line in listed.splitlines() if "vehicle.tesla" in line).split()[1].rstrip(":"))
    stage.client.set_replayer_time_factor(2.0)
    stage.client.replay_file(name, -1.0, 0.0, car_id)
    stage.world.tick()
    (car,) = stage.world.get_actors().filter("vehicle.*")
    assert car.get_location().distance(way[21][0].location) < 0.01  # 1.0 s recorded, one tick of 0.1 s replayed
    behind = stage.world.get_spectator().get_transform().location.distance(car.get_location())
    assert 8.0 < behind < 14.0
    stage.client.stop_replayer(False)
    stage.client.set_replayer_time_factor(1.0)
    stage.world.tick()
    assert not stage.world.get_actors().filter("vehicle.*")


@pytest.mark.source(DOCS)
def test_reports_have_the_documented_layout(stage, recorded):
    name, _ = recorded
    lines = stage.client.show_recorder_file_info(name, False).splitlines()
    assert lines[0] == "Version: 1"
    assert lines[1].startswith("Map: ")
    assert lines[2].startswith("Date: ")
    assert "Frame 1 at 0 seconds" in lines
    assert "Frames: 41" in lines
    assert "  role_name = autopilot" in lines
    full = stage.client.show_recorder_file_info(name, True)
    assert " Positions: 3" in full
    blocked = stage.client.show_recorder_actors_blocked(name, 0.4, 1.0)
    assert "Duration" in blocked
    assert "Actor 1" in stage.client.show_recorder_collisions(name, "a", "a")


@pytest.mark.source("CARLA source: CarlaRecorderQuery")
def test_a_file_that_is_not_there_is_told_of(stage):
    assert "not found on server" in stage.client.show_recorder_file_info("no_such_file.log", False)
    assert "not found on server" in stage.client.replay_file("no_such_file.log", 0.0, 0.0, 0)
