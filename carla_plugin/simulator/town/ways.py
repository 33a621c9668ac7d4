"""The ways through a crossing in OpenDRIVE: which lane leads to which, and by what curve."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, cos, pi, sin, tan

import numpy as np

from carla_plugin.simulator.town.bend import Piece, Pose, chain, street_pose
from carla_plugin.simulator.town.numbering import Approach, approaches
from carla_plugin.simulator.town.plan import Node, Plan
from carla_plugin.simulator.town.roads import RAISED, mark, plan_view, road, side_lanes, width


@dataclass(frozen=True)
class Connection:
    """One way through a crossing: from a lane of one street to a lane of another."""

    arrive: Approach
    leave: Approach
    arrive_lane: int  # ids of the driving lanes in their streets
    leave_lane: int
    lane_width: float
    pieces: list[Piece]
    gap: tuple[float, float] | None  # metres between driving lane and pavement at either end, if it has a pavement
    walk: tuple[float, float]
    arrive_walk: int
    leave_walk: int
    speed_kmh: int

    def xml(self, ident: int, junction: int) -> str:
        """Write the connecting road."""
        view, length = plan_view(self.pieces)
        arrive_at = "start" if self.arrive.inward > 0 else "end"
        leave_at = "start" if self.leave.inward > 0 else "end"
        link = (
            f'<predecessor elementType="road" elementId="{self.arrive.road}" contactPoint="{arrive_at}"/>'
            f'<successor elementType="road" elementId="{self.leave.road}" contactPoint="{leave_at}"/>'
        )
        lanes = self._lane(-1, "driving", width(self.lane_width), self.arrive_lane, self.leave_lane)
        if self.gap is not None:
            slope = (self.gap[1] - self.gap[0]) / length
            lanes += f'<lane id="-2" type="none" level="false"><link/>{width(self.gap[0], slope)}{mark("none")}</lane>'
            slope = (self.walk[1] - self.walk[0]) / length
            lanes += self._lane(-3, "sidewalk", width(self.walk[0], slope), self.arrive_walk, self.leave_walk, RAISED)
        section = (
            '<laneSection s="0"><center><lane id="0" type="none" level="false">'
            f"{mark('none')}</lane></center><right>{lanes}</right></laneSection>"
        )
        return road(ident, length, junction, link, self.speed_kmh, view, section, "<objects/><signals/>")

    @staticmethod
    def _lane(number: int, kind: str, wide: str, before: int, after: int, tail: str = "") -> str:
        return (
            f'<lane id="{number}" type="{kind}" level="false"><link><predecessor id="{before}"/>'
            f'<successor id="{after}"/></link>{wide}{mark("none")}{tail}</lane>'
        )

    def entry(self, number: int, ident: int) -> str:
        """Write the junction's line for this connection."""
        links = f'<laneLink from="{self.arrive_lane}" to="-1"/>'
        if self.gap is not None:
            links += f'<laneLink from="{self.arrive_walk}" to="-3"/>'
        return (
            f'<connection id="{number}" incomingRoad="{self.arrive.road}" connectingRoad="{ident}" '
            f'contactPoint="start">{links}</connection>'
        )


def turns(plan: Plan, node: Node, side: int) -> list[tuple[int, int, int]]:
    """Return the ways from arm `side` through a crossing as (arm left by, lane from, lane to); lanes count from 1.

    The outer lane turns right, the inner one left, each goes straight on; no lane is without a way.
    """
    arms = plan.arms(node)
    lanes = plan.line(node, side).lanes
    right, straight, left = (side + 3) % 4, (side + 2) % 4, (side + 1) % 4
    found = []
    if right in arms:
        found.append((right, lanes, plan.line(node, right).lanes))
    if straight in arms:
        found += [(straight, lane, lane) for lane in range(1, lanes + 1)]
    if left in arms:
        found.append((left, 1, 1))
    used = {way[1] for way in found}
    for lane in range(1, lanes + 1):
        if lane not in used:
            leave = left if left in arms and lane > 1 else right
            found.append((leave, lane, min(lane, plan.line(node, leave).lanes)))
    return found


def connections(plan: Plan, node: Node) -> list[Connection]:
    """Return every way through a crossing; the outermost way of each arm carries the pavement around the corner."""
    ends = {approach.side: approach for approach in approaches(plan, node)}
    found: list[Connection] = []
    for side, arrive in ends.items():
        line = plan.line(node, side)
        ways = turns(plan, node, side)
        rightmost = next(way for way in (side + 3, side + 2, side + 1) if way % 4 in ends) % 4
        for leave_side, lane_from, lane_to in ways:
            leave, other = ends[leave_side], plan.line(node, leave_side)
            walks = leave_side == rightmost and lane_from == line.lanes
            walks = walks and not any(c.arrive.side == side and c.gap is not None for c in found)
            skipped = (other.lanes - lane_to) * other.lane_width
            gap = (line.parking + line.verge, skipped + other.parking + other.verge) if walks else None
            found.append(
                Connection(
                    arrive, leave, arrive.inward * lane_from, -leave.inward * lane_to, line.lane_width,
                    _path(plan, node, side, leave_side, lane_from, lane_to), gap, (line.walk, other.walk),
                    arrive.inward * len(side_lanes(line)), -leave.inward * len(side_lanes(other)), line.limit_kmh,
                )
            )  # fmt: skip
    return found


def _path(plan: Plan, node: Node, side: int, leave_side: int, lane_from: int, lane_to: int) -> list[Piece]:
    """Return the pieces of the left edge of a way through a crossing, in CARLA's axes."""
    line, other = plan.line(node, side), plan.line(node, leave_side)
    offset, leave_offset = (lane_from - 1) * line.lane_width, (lane_to - 1) * other.lane_width
    if leave_side == (side + 2) % 4:
        steps = np.linspace(plan.reach(node, side), -plan.reach(node, leave_side), 6).tolist()
        return chain([_facing(plan, node, side, ahead, inward=True).beside(offset) for ahead in steps])
    start = _facing(plan, node, side, plan.reach(node, side), inward=True).beside(offset)
    end = _facing(plan, node, leave_side, plan.reach(node, leave_side), inward=False).beside(leave_offset)
    return corner(start, end)


def _facing(plan: Plan, node: Node, side: int, ahead: float, *, inward: bool) -> Pose:
    """Return the pose of the street's middle `ahead` metres from a crossing on arm `side`, looking to it or away."""
    axis = side % 2
    sign = 1 if side < 2 else -1
    position = plan.line(node, side).position
    x, y, angle = street_pose(plan.bend, axis, position, plan.place(node)[axis] + sign * ahead)
    return Pose((x, y, angle if (sign > 0) != inward else angle + pi))


def corner(start: Pose, end: Pose) -> list[Piece]:
    """Join two poses that look across each other by one arc, with a straight piece before or after it."""
    turn = (end[2] - start[2] + pi) % (2 * pi) - pi
    dx, dy = end[0] - start[0], end[1] - start[1]
    # How far each goes straight until they meet: start + before * (cos, sin) = end - after * (cos, sin).
    before = (dx * sin(end[2]) - dy * cos(end[2])) / sin(turn)
    after = (dy * cos(start[2]) - dx * sin(start[2])) / sin(turn)
    tangent = min(before, after)
    pieces: list[Piece] = []
    x, y, angle = start
    if before - tangent > 1e-3:
        pieces.append((x, y, angle, before - tangent, 0.0))
        x, y = x + cos(angle) * (before - tangent), y + sin(angle) * (before - tangent)
    radius = tangent / tan(abs(turn) / 2)
    pieces.append((x, y, angle, radius * abs(turn), copysign(1.0 / radius, turn)))
    if after - tangent > 1e-3:
        back = after - tangent
        pieces.append((end[0] - cos(end[2]) * back, end[1] - sin(end[2]) * back, end[2], back, 0.0))
    return pieces
