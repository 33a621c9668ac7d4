"""Traffic lights of a town: where they stand, whom they stop, where they shine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import degrees
from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Finish, as_one, box, quad
from carla_plugin.simulator.assets.signals import TRAFFIC_LIGHT, traffic_light
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.town.bend import street_pose
from carla_plugin.simulator.town.numbering import junction_id, signal_id
from carla_plugin.simulator.town.plan import KERB_HEIGHT, STOP_LINE, Node, Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter
from protocols.carla_rpc.types import Location, Rotation, Transform

MAST = 5.4  # metres, height of arms over the road
TRIGGER_LENGTH = 9.0  # metres before the stop line in which a vehicle belongs to a signal


class TriggerBox(NamedTuple):
    """An upright box: `centre` in world metres, `extent` half sizes along its own axes, `yaw` in degrees."""

    centre: Location
    extent: Location
    yaw: float


@dataclass(frozen=True)
class SignalPlacement:
    """Describe one traffic light: all lamps that speak to one approach of one crossing.

    Attributes:
        signal_id: OpenDRIVE id.
        transform: of the post beside the stop line; its x axis points at those who arrive.
        junction: OpenDRIVE id of the crossing.
        group: phase of the crossing in which this one is green, from 0; opposite approaches share one.
        triggers: boxes on the lanes before the stop line.
        lenses: centres (x, y, z) of red, yellow, green of each housing in turn, world metres.
    """

    signal_id: str
    transform: Transform
    junction: int
    group: int
    triggers: tuple[TriggerBox, ...]
    lenses: tuple[tuple[float, float, float], ...]


def place_signals(plan: Plan, scatter: Scatter) -> tuple[SignalPlacement, ...]:
    """Stand the traffic lights of every signalled crossing: a post at the stop line, a mast on the far side."""
    found: list[SignalPlacement] = []
    for node in plan.nodes():
        if node in plan.signalled:
            axes = sorted({side % 2 for side in plan.arms(node)})
            for side in plan.arms(node):
                group = axes.index(side % 2)
                found.append(_signal(plan, scatter, node, side, group, len(found)))
    return tuple(found)


def _signal(plan: Plan, scatter: Scatter, node: Node, side: int, group: int, index: int) -> SignalPlacement:
    line, reach = plan.line(node, side), plan.reach(node, side)
    frame = Frame(*plan.place(node), 90.0 * side)  # looks from the crossing along the arm, at those who arrive
    lenses: list[tuple[float, float, float]] = []
    near = line.half - line.lane_width * 0.4 if line.lanes > 1 else 0.0
    post = _stand(scatter, frame, reach + STOP_LINE - 0.3, -(line.half + 0.55), index, near, lenses)
    far = (side + 2) % 4
    if plan.arm(node, far) is not None:
        forward, right = -(plan.reach(node, far) + 0.4), -(line.half + 0.6)
        arm = line.half - line.lane_width * 0.3
    else:
        crossing = plan.line(node, side + 1)
        forward, right, arm = -(crossing.half + 0.6), -line.half - 0.6, line.half
    _stand(scatter, frame, forward, right, index, max(arm, 3.0), lenses)
    if line.lanes == 1 or plan.arm(node, far) is None:
        _stand(scatter, frame, forward, line.half + 0.6, index, 0.0, lenses)
    bend, axis, sign = plan.bend, side % 2, 1.0 if side < 2 else -1.0
    along = plan.place(node)[axis] + sign * (reach + STOP_LINE + TRIGGER_LENGTH / 2 - 0.5)
    pose = street_pose(bend, axis, line.position, along).beside(-sign * line.driving / 2)
    yaw = degrees(pose[2]) + (0.0 if sign > 0 else 180.0)
    trigger = TriggerBox(
        Location(pose[0], pose[1], 1.0), Location(TRIGGER_LENGTH / 2, line.driving / 2 - 0.2, 1.5), yaw
    )
    transform = Transform(Location(*bend.place(post.x, post.y), KERB_HEIGHT), Rotation(yaw=yaw))
    lenses = [(*bend.place(x, y), z) for x, y, z in lenses]
    return SignalPlacement(
        str(signal_id(plan, node, side)), transform, junction_id(plan, node), group, (trigger,), tuple(lenses)
    )


def _stand(
    scatter: Scatter, frame: Frame, forward: float, right: float, index: int, arm: float,
    lenses: list[tuple[float, float, float]],
) -> Frame:  # fmt: skip
    light = traffic_light(index, round(arm * 2) / 2, MAST)
    there = scatter.put(light.mesh, frame, forward, right)
    for red, green in zip(light.lenses[::3], light.lenses[2::3], strict=True):
        scatter.put(_backplate(), there, red[0] - 0.26, red[1], z=KERB_HEIGHT + (red[2] + green[2]) / 2)
    scatter.put(_walk_signal(), there, 0.0, 0.0)
    for ahead, aside, up in light.lenses:
        x, y = there.at(ahead, aside)
        lenses.append((x, y, up + KERB_HEIGHT))
    return there


@lru_cache(maxsize=1)
def _backplate() -> Mesh:
    """Make the dark plate with a pale rim behind a housing, its middle at the origin; lenses stand out before it."""
    rim = Finish(Material.PLAIN, TRAFFIC_LIGHT, (206, 198, 150))
    dark = Finish(Material.METAL, TRAFFIC_LIGHT, (22, 23, 24))
    edge = [(0.0, -0.36, -0.71), (0.0, 0.36, -0.71), (0.0, 0.36, 0.71), (0.0, -0.36, 0.71)]
    return as_one(
        [box((-0.015, 0, 0), (0.02, 0.72, 1.42), dark), quad(edge, rim), box((0.01, 0, 0), (0.02, 0.62, 1.32), dark)]
    )


@lru_cache(maxsize=1)
def _walk_signal() -> Mesh:
    """Make the pair of small housings for people on foot, on a post at the origin, one to each side."""
    dark = Finish(Material.METAL, TRAFFIC_LIGHT, (34, 36, 38))
    face = Finish(Material.GLASS, TRAFFIC_LIGHT, (60, 20, 18))
    parts = []
    for sign in (-1.0, 1.0):
        parts.append(box((-0.18, 0.2 * sign, 2.0), (0.26, 0.2, 0.6), dark))
        parts += [box((-0.18, 0.305 * sign, 2.0 + up), (0.18, 0.02, 0.2), face) for up in (-0.13, 0.13)]
    return as_one(parts)
