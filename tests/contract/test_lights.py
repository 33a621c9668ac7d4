"""Traffic lights through the wheel: states, times, freezing, groups, boxes, and what the map says of them."""

import math

import carla
import pytest

RED, YELLOW, GREEN = carla.TrafficLightState.Red, carla.TrafficLightState.Yellow, carla.TrafficLightState.Green


def lights_of(stage):
    lights = list(stage.world.get_actors().filter("traffic.traffic_light*"))
    assert lights, "the map has traffic lights"
    return lights


@pytest.fixture
def lights(stage):
    found = lights_of(stage)
    times = [(light.get_green_time(), light.get_yellow_time(), light.get_red_time()) for light in found]
    yield found
    stage.world.freeze_all_traffic_lights(False)
    for light, (green, yellow, red) in zip(found, times, strict=True):
        light.set_green_time(green)
        light.set_yellow_time(yellow)
        light.set_red_time(red)
    stage.world.reset_all_traffic_lights()
    stage.world.tick()


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight.set_state")
def test_a_state_is_set(stage, lights):
    stage.world.freeze_all_traffic_lights(True)
    for state in (YELLOW, GREEN, RED, carla.TrafficLightState.Off):
        lights[0].set_state(state)
        stage.world.tick()
        assert lights[0].get_state() == state
        assert lights[0].state == state


@pytest.mark.source("CARLA issue 3041")
def test_freezing_one_freezes_all(stage, lights):
    lights[0].freeze(True)
    stage.world.tick()
    assert all(light.is_frozen() for light in lights)
    states = [light.get_state() for light in lights]
    for _ in range(300):
        stage.world.tick()
    assert [light.get_state() for light in lights] == states
    lights[-1].freeze(False)
    stage.world.tick()
    assert not any(light.is_frozen() for light in lights)


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight.set_green_time")
def test_times_are_told_and_kept(stage, lights):
    light = lights[0]
    for member in light.get_group_traffic_lights():
        member.set_green_time(1.0)
        member.set_yellow_time(0.5)
        member.set_red_time(0.5)
    stage.world.tick()
    assert (light.get_green_time(), light.get_yellow_time(), light.get_red_time()) == (1.0, 0.5, 0.5)
    light.reset_group()
    seen = []
    for _ in range(200):
        stage.world.tick()
        state = light.get_state()
        if not seen or seen[-1][0] != state:
            seen.append([state, 0])
        seen[-1][1] += 1
    runs = seen[1:-1]
    assert {state for state, _ in runs} == {RED, YELLOW, GREEN}
    assert {count for state, count in runs if state == GREEN} <= {19, 20, 21}
    assert {count for state, count in runs if state == YELLOW} <= {9, 10, 11}
    order = [state for state, _ in runs]
    assert all(order[n + 1] == {GREEN: YELLOW, YELLOW: RED, RED: GREEN}[order[n]] for n in range(len(order) - 1))


@pytest.mark.source("CARLA source: ATrafficLightBase::SetGreenTime, the controller keeps the times")
def test_lights_that_are_green_together_have_one_set_of_times(stage, lights):
    stage.world.reset_all_traffic_lights()
    stage.world.tick()
    groups = [light.get_group_traffic_lights() for light in lights]
    members = next(group for group in groups if sum(member.get_state() == GREEN for member in group) > 1)
    together = [member for member in members if member.get_state() == GREEN]
    assert len(together) < len(members)
    together[-1].set_green_time(1.5)
    stage.world.tick()
    assert {member.get_green_time() for member in together} == {1.5}
    assert all(member.get_green_time() != 1.5 for member in members if member.id not in {each.id for each in together})
    for _ in range(33):
        stage.world.tick()
    assert {member.get_state() for member in together} == {YELLOW}


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight.get_elapsed_time")
def test_the_elapsed_time_counts_from_the_change(stage, lights):
    stage.world.reset_all_traffic_lights()
    stage.world.tick()
    before = lights[0].get_elapsed_time()
    for _ in range(10):
        stage.world.tick()
    assert lights[0].get_elapsed_time() - before == pytest.approx(0.5, abs=0.06)


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight.get_group_traffic_lights")
def test_groups_are_the_same_from_each_member(stage, lights):
    for light in lights[:12]:
        group = light.get_group_traffic_lights()
        assert light.id in [member.id for member in group]
        for member in group:
            assert {other.id for other in member.get_group_traffic_lights()} == {other.id for other in group}
        poles = [member.get_pole_index() for member in group]
        assert len(set(poles)) == len(poles)


@pytest.mark.source("CARLA docs: tuto_G_traffic_manager")
def test_crossing_roads_are_never_green_at_once(stage, lights):
    def heading(light):
        return light.get_stop_waypoints()[0].transform.rotation.yaw

    groups = {min(member.id for member in light.get_group_traffic_lights()): light for light in lights}
    groups = {key: [(m, heading(m)) for m in light.get_group_traffic_lights()] for key, light in groups.items()}
    for _ in range(40):
        for _ in range(10):
            stage.world.tick()
        for members in groups.values():
            going = [yaw for member, yaw in members if member.get_state() in (GREEN, YELLOW)]
            for yaw in going[1:]:
                assert abs(math.sin(math.radians(yaw - going[0]))) < 0.5, "only opposite approaches go together"


@pytest.mark.source("CARLA docs: python_api#carla.TrafficSign.trigger_volume")
def test_the_trigger_volume_lies_across_the_lanes_it_holds(stage, lights):
    for light in lights[:12]:
        base, box = light.get_transform(), light.trigger_volume
        middle = base.transform(box.location)
        stops = light.get_stop_waypoints()
        assert stops
        # as CARLA's own agents walk it: along the box's x axis, across the road
        share = 0.9 * box.extent.x
        found = set()
        for aside in (-share, -share / 2, 0.0, share / 2, share):
            right = base.get_forward_vector()
            point = carla.Location(middle.x + aside * right.x, middle.y + aside * right.y, 0.0)
            waypoint = stage.map.get_waypoint(point)
            found.add((waypoint.road_id, waypoint.lane_id))
            assert math.hypot(waypoint.transform.location.x - point.x, waypoint.transform.location.y - point.y) < 2.5
        assert {(stop.road_id, stop.lane_id) for stop in stops} <= found
        assert min(stop.transform.location.distance(middle) for stop in stops) < 12.0


@pytest.mark.source("CARLA docs: python_api#carla.World.get_traffic_light")
def test_lights_and_landmarks_of_the_map_belong_together(stage, lights):
    landmarks = [mark for mark in stage.map.get_all_landmarks() if mark.type == "1000001"]
    assert {mark.id for mark in landmarks} == {light.get_opendrive_id() for light in lights}
    for light in lights[:12]:
        assert stage.world.get_traffic_light_from_opendrive_id(light.get_opendrive_id()).id == light.id
        assert light.get_affected_lane_waypoints()
        mark = next(mark for mark in landmarks if mark.id == light.get_opendrive_id())
        assert stage.world.get_traffic_light(mark).id == light.id
        assert mark.transform.location.distance(light.get_location()) < 6.0
    junction = lights[0].get_stop_waypoints()[0].next(15.0)[0].get_junction()
    assert junction is not None
    assert lights[0].id in {light.id for light in stage.world.get_traffic_lights_in_junction(junction.id)}


@pytest.mark.source("CARLA docs: python_api#carla.TrafficLight.get_light_boxes")
def test_light_boxes_hang_near_the_light(stage, lights):
    for light in lights[:5]:
        boxes = light.get_light_boxes()
        assert boxes
        for box in boxes:
            assert 1.5 < box.location.z < 9.0
            assert box.location.distance(light.get_location()) < 60.0
            assert 0.2 < box.extent.z < 1.5


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle.is_at_traffic_light")
def test_a_car_before_the_line_knows_its_light(stage, lights):
    stage.world.freeze_all_traffic_lights(True)
    light = lights[3]
    light.set_state(RED)
    place = light.get_stop_waypoints()[0].transform
    back = place.get_forward_vector() * -4.0
    car = stage.spawn(
        "vehicle.mini.cooper_s",
        carla.Transform(
            carla.Location(place.location.x + back.x, place.location.y + back.y, place.location.z + 0.5), place.rotation
        ),
    )
    for _ in range(20):
        stage.world.tick()
    assert car.is_at_traffic_light()
    assert car.get_traffic_light().id == light.id
    assert car.get_traffic_light_state() == RED
    light.set_state(GREEN)
    stage.world.tick()
    assert car.get_traffic_light_state() == GREEN
