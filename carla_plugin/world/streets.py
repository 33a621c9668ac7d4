"""Streets: places on lanes for cameras and vehicles, and ways along sidewalks, read from the server's map."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import carla

from carla_plugin.world import convert
from carla_plugin.world.connection import World
from protocols.carla_rpc.types import Location, Transform

LANE_STEP_M = 4.0
GAP_M = 7.5
WALK_STEP_M = 3.0
WALK_STEPS = 30


class Streets:
    """Know the map: `lanes` are transforms every few metres along driving lanes, outside of junctions."""

    def __init__(self, town: carla.Map, waypoints: list[carla.Waypoint], spawn_points: list[Transform]) -> None:
        """Take a map and the places on it; use `Streets.read` instead."""
        self.map = town
        self.lanes: list[Transform] = [convert.from_carla(point.transform) for point in waypoints]
        self.spawn_points = spawn_points
        self._waypoints = waypoints

    @classmethod
    def read(cls, world: World) -> Streets:
        """Return the streets of the whole map."""
        waypoints = [point for point in world.map.generate_waypoints(LANE_STEP_M) if not point.is_junction]
        waypoints.sort(key=lambda point: (point.road_id, point.section_id, point.lane_id, point.s))
        return cls(world.map, waypoints, [convert.from_carla(place) for place in world.map.get_spawn_points()])

    def quarter(self, radius_m: float, dice: random.Random) -> Streets:
        """Return the streets within a distance of a place drawn on a lane; all of them for a radius of 0."""
        if not radius_m or not self.lanes:
            return self
        centre = dice.choice(self.lanes).location
        waypoints = [point for point in self._waypoints if _apart(point.transform.location, centre) <= radius_m]
        spawn_points = [place for place in self.spawn_points if _apart(place.location, centre) <= radius_m]
        return Streets(self.map, waypoints, spawn_points)

    def on_road(self, place: Transform) -> Transform:
        """Return the place on the middle of the nearest lane: spawn points hang a little over it."""
        x, y, z = place.location
        lane = self.map.get_waypoint(carla.Location(x, y, z), project_to_road=True, lane_type=carla.LaneType.Driving)
        return place if lane is None else convert.from_carla(lane.transform)

    def vehicle_places(self, count: int, dice: random.Random) -> list[list[Transform]]:
        """Return for each of `count` vehicles the places to try, best first; no two within `GAP_M`."""
        lifted = [place._replace(location=place.location._replace(z=place.location.z + 0.5)) for place in self.lanes]
        spare = dice.sample(lifted, len(lifted))
        order = dice.sample(self.spawn_points, len(self.spawn_points)) + spare
        chosen: list[Transform] = []
        for place in order:
            if len(chosen) >= 2 * count:
                break
            if all(_apart(place.location, other.location) > GAP_M for other in chosen):
                chosen.append(place)
        return [chosen[number::count] for number in range(count)] if count else []

    def parking_places(self, count: int, dice: random.Random) -> list[list[Transform]]:
        """Return up to `count` places at the kerb, each as a list of one; none where the map has no parking lanes."""
        chosen: list[Transform] = []
        for waypoint in dice.sample(self._waypoints, min(len(self._waypoints), 6 * count)):
            here = waypoint.transform.location
            lane = self.map.get_waypoint(here, project_to_road=True, lane_type=carla.LaneType.Parking)
            if lane is None or len(chosen) >= count:
                continue
            place = convert.from_carla(lane.transform)
            place = place._replace(location=place.location._replace(z=place.location.z + 0.3))
            if _apart(place.location, here) < 10.0 and nearest_gap_m(place, chosen) > GAP_M:
                chosen.append(place)
        return [[place] for place in chosen]

    def walks(self, count: int, crossing_share: float, dice: random.Random) -> list[list[Location]]:
        """Return for each of `count` people the points to walk along, on sidewalks and now and then over the road.

        Args:
            count: how many.
            crossing_share: share of the people who cross the road on their way.
            dice: the episode's.
        """
        ways: list[list[Location]] = []
        for _ in range(count * 4):
            if len(ways) >= count or not self._waypoints:
                break
            beside = self._sidewalk(dice.choice(self._waypoints).transform.location)
            if beside is None:
                continue
            way = self._along(beside, dice)
            if dice.random() < crossing_share:
                other = self._across(beside, dice)
                way = way[: dice.randint(2, 5)] if other else way
                way = [*reversed(way), *other]
            if len(way) >= 2:
                start = dice.randrange(len(way) - 1)  # people are met anywhere on their way
                ways.append(way[start:] + way[:start][::-1])
        return ways

    def _sidewalk(self, location: carla.Location) -> carla.Waypoint | None:
        point = self.map.get_waypoint(location, project_to_road=True, lane_type=carla.LaneType.Sidewalk)
        if point is None or _apart(convert.from_carla(point.transform).location, location) > 25.0:
            return None
        return point

    def _along(self, point: carla.Waypoint, dice: random.Random) -> list[Location]:
        """Return points along the sidewalk in one direction, a little off its middle."""
        forward = dice.random() < 0.5
        side_m = dice.uniform(-0.3, 0.3) * float(point.lane_width)
        way = []
        for _ in range(WALK_STEPS):
            right = point.transform.get_right_vector()
            spot = point.transform.location
            way.append(Location(spot.x + right.x * side_m, spot.y + right.y * side_m, spot.z))
            ahead = point.next(WALK_STEP_M) if forward else point.previous(WALK_STEP_M)
            ahead = [other for other in ahead if other.lane_type == carla.LaneType.Sidewalk]
            if not ahead:
                break
            point = min(ahead, key=lambda other: (other.road_id, other.lane_id))
        return way

    def _across(self, point: carla.Waypoint, dice: random.Random) -> list[Location]:
        """Return points on the sidewalk at the other side of the road, or none."""
        here = point.transform.location
        road = self.map.get_waypoint(here, project_to_road=True, lane_type=carla.LaneType.Driving)
        if road is None:
            return []
        middle = road.transform.location
        dx, dy = middle.x - here.x, middle.y - here.y
        length = math.hypot(dx, dy)
        if not 0.5 < length < 15.0:
            return []
        for reach_m in (8.0, 12.0, 16.0):
            beyond = carla.Location(here.x + dx / length * reach_m, here.y + dy / length * reach_m, here.z)
            other = self._sidewalk(beyond)
            if other is not None and _apart(convert.from_carla(other.transform).location, here) > 5.0:
                return self._along(other, dice)
        return []


def nearest_gap_m(place: Transform, others: Sequence[Transform]) -> float:
    """Return the distance in metres to the nearest of the others, infinity when there is none."""
    return min((_apart(place.location, other.location) for other in others), default=math.inf)


def _apart(one: Location | carla.Location, other: Location | carla.Location) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)
