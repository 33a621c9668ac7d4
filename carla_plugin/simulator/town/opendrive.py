"""The OpenDRIVE 1.4 map of a plan; its y axis is CARLA's turned over, and everything else lies where it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from carla_plugin.simulator.town.plan import SIDES, Line, Link, Node, Plan

KERB_HEIGHT = 0.15  # metres
STOP_LINE = 5.2  # metres from the end of a street back to its stop line; the zebra lies between
_HEIGHT = f'<height sOffset="0" inner="{KERB_HEIGHT}" outer="{KERB_HEIGHT}"/>'


@dataclass(frozen=True)
class Approach:
    """One street's end at a crossing.

    Attributes:
        node: the crossing.
        side: the arm, seen from the crossing.
        road: OpenDRIVE id of the street.
        inward: sign of the lane ids that lead to the crossing.
    """

    node: Node
    side: int
    road: int
    inward: int


def road_id(plan: Plan, link: Link) -> int:
    """Return the OpenDRIVE id of a street."""
    return plan.links.index(link) + 1


def junction_id(plan: Plan, node: Node) -> int:
    """Return the OpenDRIVE id of a crossing."""
    return 1000 + node.column * len(plan.rows) + node.row


def signal_id(plan: Plan, node: Node, side: int) -> int:
    """Return the OpenDRIVE id of the traffic light for those who arrive on arm `side`."""
    return 10 * junction_id(plan, node) + side


def approaches(plan: Plan, node: Node) -> list[Approach]:
    """Return the arms of a crossing."""
    found = []
    for side in range(4):
        link = plan.arm(node, side)
        if link is not None:
            found.append(Approach(node, side, road_id(plan, link), 1 if link.start == node else -1))
    return found


def write_opendrive(plan: Plan, name: str) -> str:
    """Return the map as XML."""
    streets = [_street(plan, link) for link in plan.links]
    connections: list[str] = []
    junctions: list[str] = []
    controllers: list[str] = []
    ident = 10000
    for node in plan.nodes():
        entries = []
        for road in _connections(plan, node):
            connections.append(road.xml(ident, junction_id(plan, node)))
            entries.append(road.entry(len(entries), ident))
            ident += 1
        if node in plan.signalled:
            for sequence, side in enumerate(plan.arms(node)):
                signal = signal_id(plan, node, side)
                controllers.append(
                    f'<controller name="c{signal}" id="{signal}" sequence="{sequence}">'
                    f'<control signalId="{signal}" type="0"/></controller>'
                )
                entries.append(f'<controller id="{signal}" type="0" sequence="{sequence}"/>')
        junction = junction_id(plan, node)
        junctions.append(f'<junction id="{junction}" name="j{junction}">{"".join(entries)}</junction>')
    west, east = plan.columns[0].position, plan.columns[-1].position
    north, south = -plan.rows[0].position, -plan.rows[-1].position
    header = (
        f'<header revMajor="1" revMinor="4" name="{name}" version="1" date="2026-01-01T00:00:00" north="{north + 60:g}" '
        f'south="{south - 60:g}" east="{east + 60:g}" west="{west - 60:g}" vendor="manyskies">'
        "<geoReference><![CDATA[+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m "
        "+geoidgrids=egm96_15.gtx +vunits=m +no_defs]]></geoReference></header>"
    )
    body = "\n".join([header, *streets, *connections, *controllers, *junctions])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<OpenDRIVE>\n{body}\n</OpenDRIVE>\n'


def _plan_view(pieces: list[tuple[float, float, float, float, float]]) -> tuple[str, float]:
    """Write pieces of (x, y, heading, length, curvature) in OpenDRIVE's axes; return XML and the whole length."""
    total = 0.0
    parts = []
    for x, y, heading, length, curvature in pieces:
        shape = f'<arc curvature="{curvature:.10g}"/>' if curvature else "<line/>"
        parts.append(
            f'<geometry s="{total:.6f}" x="{x:.6f}" y="{y:.6f}" hdg="{heading:.10f}" length="{length:.6f}">{shape}</geometry>'
        )
        total += length
    return f"<planView>{''.join(parts)}</planView>", total


def _road(ident: int, length: float, junction: int, link: str, speed: int, view: str, lanes: str, tail: str) -> str:
    return (
        f'<road name="Road {ident}" length="{length:.6f}" id="{ident}" junction="{junction}">'
        f'<link>{link}</link><type s="0" type="town"><speed max="{speed}" unit="km/h"/></type>{view}'
        '<elevationProfile><elevation s="0" a="0" b="0" c="0" d="0"/></elevationProfile><lateralProfile/>'
        f"<lanes>{lanes}</lanes>{tail}</road>"
    )


def _mark(kind: str, colour: str = "standard", width: float = 0.12) -> str:
    return (
        f'<roadMark sOffset="0" type="{kind}" weight="standard" color="{colour}" material="standard" '
        f'width="{width}" laneChange="{"both" if kind == "broken" else "none"}"/>'
    )


def _width(start: float, slope: float = 0.0) -> str:
    return f'<width sOffset="0" a="{start:.6f}" b="{slope:.10f}" c="0" d="0"/>'


def side_lanes(line: Line) -> list[tuple[str, float]]:
    """Return (type, width in metres) of the lanes of one side from the middle outward, as numbered in OpenDRIVE."""
    lanes = [("driving", line.lane_width)] * line.lanes
    if line.parking:
        lanes.append(("parking", line.parking))
    if line.verge:
        lanes.append(("border", line.verge))
    return [*lanes, ("sidewalk", line.walk)]


def _street(plan: Plan, link: Link) -> str:
    """Write one street; its reference line runs in the middle, from `link.start` to `link.end`."""
    line = plan.line(link.start, link.side)
    ident = road_id(plan, link)
    low, high = plan.span(link)
    along_x = link.side == 0
    x, y = (low, -line.position) if along_x else (line.position, -low)
    view, length = _plan_view([(x, y, 0.0 if along_x else -pi / 2, high - low, 0.0)])
    lanes = []
    for sign in (1, -1):
        side = []
        for index, (kind, width) in enumerate(side_lanes(line), start=1):
            inner = kind == "driving" and index < line.lanes
            mark = _mark("broken") if inner else _mark("none" if kind == "sidewalk" else "solid")
            tall = _HEIGHT if kind in ("sidewalk", "border") else ""
            number = sign * index
            ends = (f'<predecessor id="{number}"/><successor id="{number}"/>') if kind == "none" else ""
            side.append(
                f'<lane id="{number}" type="{kind}" level="false"><link>{ends}</link>{_width(width)}{mark}{tall}</lane>'
            )
        if sign > 0:
            side.reverse()
        lanes.append("".join(side))
    middle = _mark("solid solid", "yellow") if line.yellow else _mark("broken")
    section = (
        f'<laneSection s="0"><left>{lanes[0]}</left><center><lane id="0" type="none" level="false">{middle}</lane>'
        f"</center><right>{lanes[1]}</right></laneSection>"
    )
    ends = (
        f'<predecessor elementType="junction" elementId="{junction_id(plan, link.start)}"/>'
        f'<successor elementType="junction" elementId="{junction_id(plan, link.end)}"/>'
    )
    return _road(ident, length, -1, ends, line.speed_kmh, view, section, _furniture(plan, link, line, length))


def _furniture(plan: Plan, link: Link, line: Line, length: float) -> str:
    """Write the zebras and the traffic lights of a street."""
    objects, signals = [], []
    for node, side, s, sign in (
        (link.start, link.side, STOP_LINE, 1),
        (link.end, link.side + 2, length - STOP_LINE, -1),
    ):
        if len(plan.arms(node)) > 2:
            middle = s - sign * (STOP_LINE - 2.2)
            corners = ((-1.5, -line.half), (1.5, -line.half), (1.5, line.half), (-1.5, line.half), (-1.5, -line.half))
            outline = "".join(f'<cornerLocal u="{u:g}" v="{v:.3f}" z="0"/>' for u, v in corners)
            objects.append(
                f'<object id="{10 * road_id(plan, link) + (sign > 0)}" name="zebra" type="crosswalk" s="{middle:.4f}" t="0" '
                f'zOffset="0" orientation="none" length="3" width="{2 * line.half:.3f}" hdg="0" pitch="0" roll="0">'
                f"<outline>{outline}</outline></object>"
            )
        if node in plan.signalled:
            first, last = sorted((sign, sign * line.lanes))
            t = sign * (line.half + 0.7)
            signals.append(
                f'<signal name="Signal_{signal_id(plan, node, side)}" id="{signal_id(plan, node, side)}" s="{s:.4f}" t="{t:.4f}" '
                f'zOffset="0" hOffset="0" roll="0" pitch="0" orientation="{"-" if sign > 0 else "+"}" dynamic="yes" '
                f'country="OpenDRIVE" type="1000001" subtype="-1" value="-1" text="" height="1" width="0.4">'
                f'<validity fromLane="{first}" toLane="{last}"/></signal>'
            )
    return f"<objects>{''.join(objects)}</objects><signals>{''.join(signals)}</signals>"


@dataclass(frozen=True)
class _Connection:
    """One way through a crossing: from a lane of one street to a lane of another."""

    arrive: Approach
    leave: Approach
    arrive_lane: int  # ids of the driving lanes in their streets
    leave_lane: int
    lane_width: float
    pieces: list[tuple[float, float, float, float, float]]
    gap: tuple[float, float] | None  # metres between driving lane and pavement at either end, if it has a pavement
    walk: tuple[float, float]
    arrive_walk: int
    leave_walk: int
    speed_kmh: int

    def xml(self, ident: int, junction: int) -> str:
        """Write the connecting road."""
        view, length = _plan_view(self.pieces)
        arrive_at = "start" if self.arrive.inward > 0 else "end"
        leave_at = "start" if self.leave.inward > 0 else "end"
        link = (
            f'<predecessor elementType="road" elementId="{self.arrive.road}" contactPoint="{arrive_at}"/>'
            f'<successor elementType="road" elementId="{self.leave.road}" contactPoint="{leave_at}"/>'
        )
        lanes = self._lane(-1, "driving", _width(self.lane_width), self.arrive_lane, self.leave_lane)
        if self.gap is not None:
            slope = (self.gap[1] - self.gap[0]) / length
            lanes += (
                f'<lane id="-2" type="none" level="false"><link/>{_width(self.gap[0], slope)}{_mark("none")}</lane>'
            )
            slope = (self.walk[1] - self.walk[0]) / length
            lanes += self._lane(-3, "sidewalk", _width(self.walk[0], slope), self.arrive_walk, self.leave_walk, _HEIGHT)
        section = (
            '<laneSection s="0"><center><lane id="0" type="none" level="false">'
            f"{_mark('none')}</lane></center><right>{lanes}</right></laneSection>"
        )
        return _road(ident, length, junction, link, self.speed_kmh, view, section, "<objects/><signals/>")

    @staticmethod
    def _lane(number: int, kind: str, width: str, before: int, after: int, tail: str = "") -> str:
        return (
            f'<lane id="{number}" type="{kind}" level="false"><link><predecessor id="{before}"/><successor id="{after}"/>'
            f"</link>{width}{_mark('none')}{tail}</lane>"
        )

    def entry(self, number: int, ident: int) -> str:
        """Write the junction's line for this connection."""
        links = f'<laneLink from="{self.arrive_lane}" to="-1"/>'
        if self.gap is not None:
            links += f'<laneLink from="{self.arrive_walk}" to="-3"/>'
        return (
            f'<connection id="{number}" incomingRoad="{self.arrive.road}" connectingRoad="{ident}" contactPoint="start">'
            f"{links}</connection>"
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


def _connections(plan: Plan, node: Node) -> list[_Connection]:
    ends = {approach.side: approach for approach in approaches(plan, node)}
    found = []
    for side, arrive in ends.items():
        line = plan.line(node, side)
        ways = turns(plan, node, side)
        rightmost = next(way for way in (side + 3, side + 2, side + 1) if way % 4 in ends) % 4
        for leave_side, lane_from, lane_to in ways:
            leave, other = ends[leave_side], plan.line(node, leave_side)
            walks = leave_side == rightmost and lane_from == line.lanes and lane_to == other.lanes
            walks = walks and not any(c.arrive.side == side and c.gap is not None for c in found)
            gap = (line.parking + line.verge, other.parking + other.verge) if walks else None
            found.append(
                _Connection(
                    arrive, leave, arrive.inward * lane_from, -leave.inward * lane_to, line.lane_width,
                    _path(plan, node, side, leave_side, lane_from, lane_to), gap, (line.walk, other.walk),
                    arrive.inward * len(side_lanes(line)), -leave.inward * len(side_lanes(other)), line.speed_kmh,
                )
            )  # fmt: skip
    return found


def _path(
    plan: Plan, node: Node, side: int, leave_side: int, lane_from: int, lane_to: int
) -> list[tuple[float, float, float, float, float]]:
    """Return the pieces of the left edge of a way through a crossing, in OpenDRIVE's axes."""
    centre_x, centre_y = plan.place(node)
    line, other = plan.line(node, side), plan.line(node, leave_side)
    step = (-SIDES[side][0], SIDES[side][1])  # direction of travel; y turned over
    reach = plan.reach(node, side)
    offset = (lane_from - 1) * line.lane_width  # of the left edge, to the right of the middle
    x = centre_x - step[0] * reach + step[1] * offset
    y = -centre_y - step[1] * reach - step[0] * offset
    heading = {(1, 0): 0.0, (0, 1): pi / 2, (-1, 0): pi, (0, -1): -pi / 2}[step]
    if leave_side == (side + 2) % 4:
        return [(x, y, heading, reach + plan.reach(node, leave_side), 0.0)]
    turn = 1.0 if leave_side == (side + 1) % 4 else -1.0  # left is positive
    leave_offset = (lane_to - 1) * other.lane_width
    forward = reach + turn * leave_offset
    sideways = plan.reach(node, leave_side) + turn * offset
    radius = min(forward, sideways)
    pieces = []
    if forward - radius > 1e-3:
        pieces.append((x, y, heading, forward - radius, 0.0))
        x, y = x + step[0] * (forward - radius), y + step[1] * (forward - radius)
    pieces.append((x, y, heading, radius * pi / 2, turn / radius))
    side_step = (-turn * step[1], turn * step[0])
    x, y = x + radius * (step[0] + side_step[0]), y + radius * (step[1] + side_step[1])
    if sideways - radius > 1e-3:
        pieces.append((x, y, heading + turn * pi / 2, sideways - radius, 0.0))
    return pieces
