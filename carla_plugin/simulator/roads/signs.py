"""The traffic signs of a road network: speed limits, stop, give way."""

from __future__ import annotations

from carla_plugin.simulator.assets.signals import traffic_sign
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.roads.lane_places import lane_place, section_at
from carla_plugin.simulator.roads.lights import lanes_of, post_place
from carla_plugin.simulator.roads.network import Network, Road, SignalPost
from carla_plugin.simulator.town import SignPlacement, TriggerBox
from protocols.carla_rpc.types import Location

SPEED_LIMIT, STOP, GIVE_WAY = "274", "206", "205"
_FACES = {SPEED_LIMIT: "speed", STOP: "stop", GIVE_WAY: "give_way"}
TRIGGER_M = 6.0
KM_H = {"mph": 1.609344, "m/s": 3.6}


def place_signs(network: Network) -> tuple[tuple[SignPlacement, ...], list[Mesh]]:
    """Return the signs, each once, and how they look."""
    found: dict[str, SignPlacement] = {}
    meshes: list[Mesh] = []
    for road in network.roads.values():
        for post in road.signals:
            if post.kind in _FACES and not post.referred and post.ident not in found:
                sign = _sign(road, post)
                if sign is not None:
                    found[post.ident] = sign
                    x, y, z = sign.transform.location
                    mesh = traffic_sign(_FACES[post.kind], limit=round(post.value) if sign.speed_kmh else 0)
                    meshes.append(mesh.placed(x, y, z, sign.transform.rotation.yaw))
    return tuple(found.values()), meshes


def _sign(road: Road, post: SignalPost) -> SignPlacement | None:
    """Return a sign, or None if it is a limit without a number."""
    limit = post.value * KM_H.get(post.unit, 1.0) if post.kind == SPEED_LIMIT else 0.0
    if post.kind == SPEED_LIMIT and not 0.0 < post.value <= 1000.0:
        return None
    section = section_at(road, post.s)
    boxes = []
    for lane in lanes_of(road, post):
        there = lane_place(road, section, lane, post.s)
        half = Location(TRIGGER_M / 2, max(there.width / 2.0 - 0.2, 0.3), 1.5)
        boxes.append(TriggerBox(Location(there.x, there.y, there.z + 1.0), half, there.yaw))
    words = {STOP: "traffic.stop", GIVE_WAY: "traffic.yield"}
    kind = words.get(post.kind, f"traffic.speed_limit.{post.value:.0f}")
    return SignPlacement(post.ident, kind, post_place(road, post), tuple(boxes), limit)
