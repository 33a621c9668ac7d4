"""The OpenDRIVE map as CARLA's own client reads it: lanes lie where the ground is drawn, and lead on for ever."""

import math
from collections import defaultdict

import pytest

from carla_plugin.simulator.town import Town, build_town
from carla_plugin.simulator.town.plan import KERB_HEIGHT, make_plan
from carla_plugin.simulator.town.ways import turns

carla = pytest.importorskip("carla")

SEEDS = [0, 7, 13]


@pytest.fixture(scope="module", params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def town(seed: int) -> Town:
    return build_town(f"Grid_{seed:02d}")


@pytest.fixture(scope="module")
def street_map(town: Town):
    return carla.Map(town.name, town.opendrive)


def beside(waypoint, offset: float) -> tuple[float, float]:
    place, yaw = waypoint.transform.location, math.radians(waypoint.transform.rotation.yaw)
    return place.x - math.sin(yaw) * offset, place.y + math.cos(yaw) * offset


def test_spawn_points_lie_on_driving_lanes_and_look_along_them(town: Town, street_map) -> None:
    assert len(town.spawn_points) >= 60
    for point in town.spawn_points:
        lane = street_map.get_waypoint(carla.Location(*point.location))
        assert lane.lane_type == carla.LaneType.Driving
        assert not lane.is_junction
        dx, dy = point.location.x - lane.transform.location.x, point.location.y - lane.transform.location.y
        yaw = math.radians(point.rotation.yaw)
        assert abs(dy * math.cos(yaw) - dx * math.sin(yaw)) < 0.02
        assert abs((lane.transform.rotation.yaw - point.rotation.yaw + 180) % 360 - 180) < 0.5
        assert point.location.z == 0.5


def test_spawn_points_keep_apart(town: Town) -> None:
    places = [(p.location.x, p.location.y) for p in town.spawn_points]
    nearest = min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i])
    assert nearest > 3.0


def test_driving_lanes_lie_on_the_carriageway(town: Town, street_map) -> None:
    for lane in street_map.generate_waypoints(3.0):
        for offset in (-0.9, 0.0, 0.9):
            assert town.ground_height(*beside(lane, offset)) == 0.0


def test_every_lane_leads_on_and_every_street_is_reached(town: Town, street_map) -> None:
    follows = defaultdict(set)
    for begin, after in street_map.get_topology():
        follows[begin.road_id, begin.lane_id].add((after.road_id, after.lane_id))
    for lane in street_map.generate_waypoints(20.0):
        assert (lane.road_id, lane.lane_id) in follows
        assert lane.next(150.0), "the lane ends"
    start = next(iter(follows))
    seen, ahead = {start}, [start]
    while ahead:
        for lane in follows[ahead.pop()]:
            if lane not in seen:
                seen.add(lane)
                ahead.append(lane)
    assert {road for road, _ in seen if road < 1000} == {road for road, _ in follows if road < 1000}


def test_pavements_lie_at_both_sides_at_the_height_of_the_kerb(town: Town, street_map) -> None:
    found = 0
    for lane in street_map.generate_waypoints(12.0):
        if lane.is_junction:
            continue
        for step in ("get_right_lane", "get_left_lane"):
            beyond, count = lane, 0
            while beyond is not None and beyond.lane_type != carla.LaneType.Sidewalk and count < 9:
                # Beyond the middle line lanes run the other way, and what was left is right.
                turned = beyond.lane_id * lane.lane_id < 0
                beyond = getattr(beyond, "get_right_lane" if turned else step)()
                count += 1
            assert beyond is not None
            assert 2.5 <= beyond.lane_width <= 4.0
            for share in (-0.4, 0.0, 0.4):
                assert town.ground_height(*beside(beyond, share * beyond.lane_width)) == KERB_HEIGHT
            assert beyond.next(2.0)
            found += 1
    assert found > 500


def test_sidewalks_are_found_by_type(town: Town, street_map) -> None:
    for point in town.spawn_points[:40]:
        pavement = street_map.get_waypoint(carla.Location(*point.location), lane_type=carla.LaneType.Sidewalk)
        assert pavement.lane_type == carla.LaneType.Sidewalk
        assert pavement.transform.location.distance(carla.Location(*point.location)) < 16.0


def test_every_approach_offers_the_turns_of_its_crossing(seed: int) -> None:
    plan = make_plan(seed)
    full = 0
    for node in plan.nodes():
        arms = plan.arms(node)
        for side in arms:
            ways = turns(plan, node, side)
            assert {way[0] for way in ways} == set(arms) - {side}
            assert {way[1] for way in ways} == set(range(1, plan.line(node, side).lanes + 1))
            full += len(arms) == 4
    assert full >= 8


def test_signals_zebras_and_speed_are_in_the_map(town: Town, street_map) -> None:
    lights = [mark for mark in street_map.get_all_landmarks() if mark.type == "1000001"]
    assert {mark.id for mark in lights} == {signal.signal_id for signal in town.signals}
    assert len(street_map.get_crosswalks()) >= 5 * 60
    assert street_map.transform_to_geolocation(carla.Location(0, 0, 0)).latitude == pytest.approx(0.0, abs=1e-3)


def test_trigger_boxes_stand_on_the_lanes_that_arrive(town: Town, street_map) -> None:
    for signal in town.signals:
        for box in signal.triggers:
            lane = street_map.get_waypoint(carla.Location(*box.centre))
            # The box's x axis points at those who arrive.
            assert abs((lane.transform.rotation.yaw - box.yaw) % 360 - 180) < 4.0
            ahead = lane.next(13.0)
            assert any(way.is_junction and way.get_junction().id == signal.junction for way in ahead)
