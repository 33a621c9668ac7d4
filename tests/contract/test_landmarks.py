"""Landmarks: lights, signs and zebras as the wheel's map tells of them, and the actors that stand there."""

from __future__ import annotations

from collections import defaultdict

import carla
import pytest

LIGHT, LIMIT, GIVE_WAY = "1000001", "274", "205"


def yaw_between(one: carla.Transform, two: carla.Transform) -> float:
    return (one.rotation.yaw - two.rotation.yaw + 180.0) % 360.0 - 180.0


@pytest.mark.source("CARLA docs: core_map, Landmarks")
def test_lights_and_signs_are_landmarks(stage):
    kinds = {landmark.type for landmark in stage.map.get_all_landmarks()}
    assert {LIGHT, LIMIT} <= kinds
    for landmark in stage.map.get_all_landmarks_of_type(LIMIT):
        assert landmark.value > 0
        assert landmark.orientation != carla.LandmarkOrientation.Both
        assert landmark.get_lane_validities()


@pytest.mark.source("CARLA docs: python_api#carla.World.get_traffic_sign")
def test_each_landmark_has_an_actor_near_it(stage):
    stage.world.tick()
    for landmark in stage.map.get_all_landmarks_of_type(LIGHT)[::7]:
        light = stage.world.get_traffic_light(landmark)
        assert light.get_location().distance(landmark.transform.location) < 4.0
    for landmark in stage.map.get_all_landmarks_of_type(LIMIT)[::7]:
        sign = stage.world.get_traffic_sign(landmark)
        assert sign.type_id == f"traffic.speed_limit.{landmark.value:.0f}"
        assert sign.get_location().distance(landmark.transform.location) < 3.0
        assert sign.trigger_volume.extent.x > 0.5


@pytest.mark.source("CARLA docs: python_api#carla.Waypoint.get_landmarks")
def test_a_lane_knows_what_lies_ahead_of_it(stage):
    lights = stage.map.get_all_landmarks_of_type(LIGHT)
    seen = 0
    for point in stage.map.get_spawn_points()[:12]:
        lane = stage.map.get_waypoint(point.location)
        ahead = lane.get_landmarks_of_type(120.0, LIGHT, True)
        seen += len(ahead)
        for landmark in ahead:
            assert any(landmark.id == light.id for light in lights)
            assert 0.0 <= landmark.distance <= 120.0
            assert landmark.road_id == lane.road_id
            going_up = lane.lane_id < 0
            assert going_up == (landmark.orientation == carla.LandmarkOrientation.Positive)
    assert seen > 3


@pytest.mark.source("CARLA docs: python_api#carla.Map.get_crosswalks")
def test_crosswalks_are_closed_outlines_across_the_road(stage):
    corners = stage.map.get_crosswalks()
    assert len(corners) % 5 == 0
    for first in range(0, min(len(corners), 100), 5):
        outline = corners[first : first + 5]
        assert outline[0].distance(outline[4]) < 0.01
        middle = carla.Location(sum(each.x for each in outline[:4]) / 4, sum(each.y for each in outline[:4]) / 4, 0.0)
        near = stage.map.get_waypoint(middle)
        assert near.transform.location.distance(middle) < near.lane_width


@pytest.mark.source("CARLA docs: core_map, Navigation through waypoints")
def test_a_planner_finds_a_way_from_every_lane_to_every_other(stage):
    """With changes of lane, as the planners that come with CARLA have them."""
    onward, back = defaultdict(set), defaultdict(set)

    def join(one: carla.Waypoint, two: carla.Waypoint) -> None:
        a, b = ((each.road_id, each.section_id, each.lane_id) for each in (one, two))
        onward[a].add(b)
        back[b].add(a)

    for one, two in stage.map.get_topology():
        join(one, two)
        for following in two.next(0.5):
            join(two, following)
        for change, beside in (
            (carla.LaneChange.Right, one.get_right_lane()),
            (carla.LaneChange.Left, one.get_left_lane()),
        ):
            if one.lane_change & change and beside is not None and beside.lane_type == carla.LaneType.Driving:
                join(one, beside)

    def reached(edges, start):
        seen, left = {start}, [start]
        while left:
            fresh = edges[left.pop()] - seen
            seen |= fresh
            left += fresh
        return seen

    start = next(iter(onward))
    everywhere = set(onward) | set(back)
    assert reached(onward, start) == everywhere
    assert reached(back, start) == everywhere


@pytest.mark.source("CARLA docs: core_map, Lanes")
def test_lane_markings_tell_where_one_may_cross(stage):
    broken = 0
    for waypoint in stage.map.generate_waypoints(25.0):
        if waypoint.is_junction:
            continue
        right, left = waypoint.get_right_lane(), waypoint.get_left_lane()
        for mark, beside in ((waypoint.right_lane_marking, right), (waypoint.left_lane_marking, left)):
            assert mark.type != carla.LaneMarkingType.Other
            same_way = beside is not None and beside.lane_type == carla.LaneType.Driving
            if same_way and beside.lane_id * waypoint.lane_id > 0:
                assert mark.type == carla.LaneMarkingType.Broken
                broken += 1
    assert broken > 5


@pytest.mark.source("CARLA docs: python_api#carla.LaneType")
def test_streets_have_sidewalks_and_places_to_park(stage):
    kinds = set()
    for waypoint in stage.map.generate_waypoints(20.0):
        beside = waypoint
        while not waypoint.is_junction and beside is not None:
            kinds.add(beside.lane_type)
            beside = beside.get_right_lane()
    assert carla.LaneType.Sidewalk in kinds
    assert carla.LaneType.Parking in kinds
