"""The traffic lights of a road network: exactly one for each dynamic signal of type 1000001."""

from __future__ import annotations

from math import cos, hypot, radians, sin

import numpy as np

from carla_plugin.simulator.assets.signals import traffic_light
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.roads.lane_places import before_junction, driven_lanes, lane_place, section_at
from carla_plugin.simulator.roads.network import Network, Road, SignalPost
from carla_plugin.simulator.roads.strips import across, place
from carla_plugin.simulator.town import SignalPlacement, TriggerBox
from protocols.carla_rpc.types import Location, Rotation, Transform

LIGHT = "1000001"
MAST = 5.4  # metres
REACH = 8.0  # metres, the longest arm of a mast
BESIDE = 0.6  # metres from the outermost lane to a post that the map puts on the road
BOX = 9.0  # metres before the stop line in which a vehicle belongs to a light


def place_lights(network: Network) -> tuple[tuple[SignalPlacement, ...], list[Mesh]]:
    """Return the traffic lights and how they look, each one thing."""
    posts = [
        (road, post)
        for road in network.roads.values()
        for post in road.signals
        if post.kind == LIGHT and not post.referred
    ]
    known: dict[str, list[tuple[Road, SignalPost]]] = {}
    for road, post in posts:
        known.setdefault(post.ident, [(road, post)])
    for road in network.roads.values():
        for post in road.signals:
            if post.referred and post.ident in known:
                known[post.ident].append((road, post))
    found: list[SignalPlacement] = []
    meshes: list[Mesh] = []
    for index, (ident, where) in enumerate(known.items()):
        stops = [stop for road, post in where for stop in _stops(network, road, post)]
        junction = next((number for road, post in where if (number := _junction(network, road, post)) >= 0), -1 - index)
        placement, mesh = _stand(index, ident, *where[0], stops, junction, network.phases.get(ident, 1 << 20 | index))
        found.append(placement)
        meshes.append(mesh)
    return _counted(found), meshes


def _counted(found: list[SignalPlacement]) -> tuple[SignalPlacement, ...]:
    """Return the lights with the phases of each junction counted from 0."""
    phases: dict[int, list[int]] = {}
    for light in found:
        phases.setdefault(light.junction, []).append(light.group)
    order = {junction: sorted(set(groups)) for junction, groups in phases.items()}
    return tuple(
        SignalPlacement(
            light.signal_id, light.transform, light.junction, order[light.junction].index(light.group),
            light.triggers, light.lenses,
        )
        for light in found
    )  # fmt: skip


def lanes_of(road: Road, post: SignalPost) -> list[int]:
    """Return the ids of the driving lanes for which a signal holds."""
    lanes = driven_lanes(section_at(road, post.s))
    if post.orientation in ("+", "-"):
        lanes = [n for n in lanes if (n < 0) == (post.orientation == "+")]
    if post.lanes:
        valid = [n for n in lanes if any(min(pair) <= n <= max(pair) for pair in post.lanes)]
        lanes = valid or lanes
    return lanes


def _stops(network: Network, road: Road, post: SignalPost) -> list[tuple[Road, int, float]]:
    """Return road, lane and distance of the places where vehicles stop for a light."""
    found: list[tuple[Road, int, float]] = []
    for lane in lanes_of(road, post):
        entered = before_junction(network, road, lane) if road.junction >= 0 else None
        if entered is None:
            found.append((road, lane, post.s))
        else:
            other, number = entered
            found.append((other, number, other.length if number < 0 else 0.0))
    return found


def _junction(network: Network, road: Road, post: SignalPost) -> int:
    """Return the id of the junction that a light guards, or -1."""
    if road.junction >= 0:
        return road.junction
    lanes = lanes_of(road, post)
    ends = [road.after, road.before] if not lanes or lanes[0] < 0 else [road.before, road.after]
    for link in ends:
        if link is not None and link.junction:
            return link.number
        if link is not None and link.number in network.roads and network.roads[link.number].junction >= 0:
            return network.roads[link.number].junction
    return -1


def _stand(
    index: int,
    ident: str,
    road: Road,
    post: SignalPost,
    stops: list[tuple[Road, int, float]],
    junction: int,
    phase: int,
) -> tuple[SignalPlacement, Mesh]:
    lanes = lanes_of(road, post)
    section = section_at(road, post.s)
    transform = post_place(road, post)
    (x, y, z), yaw = transform.location, transform.rotation.yaw
    boxes = tuple(_box(*stop) for stop in dict.fromkeys(stops))
    arm = 0.0
    if lanes:
        middle = lane_place(road, section, lanes[len(lanes) // 2], post.s)
        arm = min(round(hypot(middle.x - x, middle.y - y) * 2.0) / 2.0, REACH)
    light = traffic_light(index, arm if arm > 2.0 else 0.0, MAST)
    turn = radians(yaw)
    lenses = tuple(
        (x + a * cos(turn) - b * sin(turn), y + a * sin(turn) + b * cos(turn), z + up) for a, b, up in light.lenses
    )
    return SignalPlacement(ident, transform, junction, phase, boxes, lenses), light.mesh.placed(x, y, z, yaw)


def post_place(road: Road, post: SignalPost) -> Transform:
    """Return where a post stands, beside the lanes; its x axis points at those who arrive."""
    lanes = lanes_of(road, post)
    along = not lanes or lanes[0] < 0
    section = section_at(road, post.s)
    s = np.array([post.s])
    _, edges, _ = across(road, section, s)
    t = post.t
    if edges[0, -1] < t < edges[0, 0]:
        t = float(edges[0, -1] - BESIDE if along else edges[0, 0] + BESIDE)
    points, tangent = place(road, s, np.array([[t]]))
    x, y, z = points[0, 0].tolist()
    yaw = float(np.degrees(np.arctan2(tangent[0, 1], tangent[0, 0]))) + (180.0 if along else 0.0)
    yaw = (yaw + 180.0) % 360.0 - 180.0
    return Transform(Location(x, y, z), Rotation(yaw=yaw))


def _box(road: Road, lane: int, stop: float) -> TriggerBox:
    """Return the box on a lane before the place where one stops."""
    back = stop - BOX / 2.0 + 0.5 if lane < 0 else stop + BOX / 2.0 - 0.5
    s = min(max(back, 0.0), road.length)
    there = lane_place(road, section_at(road, s), lane, s) if lane in section_at(road, s).lanes else None
    if there is None:
        there = lane_place(road, section_at(road, stop), lane, stop)
    return TriggerBox(
        Location(there.x, there.y, there.z + 1.0),
        Location(BOX / 2.0, max(there.width / 2.0 - 0.2, 0.3), 1.5),
        there.yaw,
    )
