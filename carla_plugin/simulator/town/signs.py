"""Traffic signs of a town: speed limits where streets begin, give way before crossings without lights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import degrees

from carla_plugin.simulator.town.bend import street_pose
from carla_plugin.simulator.town.numbering import road_id
from carla_plugin.simulator.town.plan import KERB_HEIGHT, STOP_LINE, Line, Link, Plan
from carla_plugin.simulator.town.signals import TriggerBox
from protocols.carla_rpc.types import Location, Rotation, Transform

SPEED_LIMIT, GIVE_WAY = "274", "205"  # OpenDRIVE types, as CARLA's clients name landmarks
POST = 0.55  # metres from the kerb to a post
LIMIT_AT = 7.0  # metres from the begin of a street to its limit
GIVE_WAY_AT = STOP_LINE + 0.6  # metres before its end
TRIGGER_LENGTH = 6.0


@dataclass(frozen=True)
class SignPlacement:
    """Describe one traffic sign.

    Attributes:
        signal_id: OpenDRIVE id.
        type_id: of the actor, such as traffic.speed_limit.30.
        transform: of the post; its x axis points at those who arrive.
        triggers: boxes on the lanes for which it holds.
        speed_kmh: the limit from there on; 0 if it is none.
    """

    signal_id: str
    type_id: str
    transform: Transform
    triggers: tuple[TriggerBox, ...]
    speed_kmh: float = 0.0


@dataclass(frozen=True)
class PlannedSign:
    """Tell of a sign where it stands on its street: `ahead` metres along its traffic; `way` is 1 along the axis."""

    ident: int
    kind: str
    way: int
    ahead: float
    line: Line


def planned(plan: Plan, link: Link) -> Iterator[PlannedSign]:
    """Give the signs of a street: the limit of either direction, and give way where another street goes first."""
    line = plan.line(link.start, link.side)
    low, high = plan.span(link)
    for number, (way, node) in enumerate(((1, link.end), (-1, link.start))):
        ident = 200_000 + 10 * road_id(plan, link) + 2 * number
        yield PlannedSign(ident, SPEED_LIMIT, way, LIMIT_AT, line)
        if len(plan.arms(node)) > 2 and node not in plan.signalled:
            crossing = plan.line(node, link.side + 1)
            if (line.lanes, line.position) < (crossing.lanes, crossing.position):
                yield PlannedSign(ident + 1, GIVE_WAY, way, high - low - GIVE_WAY_AT, line)


def place_signs(plan: Plan) -> tuple[SignPlacement, ...]:
    """Return the signs of a plan in the world."""
    return tuple(_placed(plan, link, sign) for link in plan.links for sign in planned(plan, link))


def sign_xml(sign: PlannedSign, length: float) -> str:
    """Write a sign as OpenDRIVE on its street of `length` metres."""
    s = sign.ahead if sign.way > 0 else length - sign.ahead
    t = -sign.way * (sign.line.half + POST)
    value = sign.line.limit_kmh if sign.kind == SPEED_LIMIT else -1
    first, last = sorted((-sign.way, -sign.way * sign.line.lanes))
    return (
        f'<signal name="Sign_{sign.ident}" id="{sign.ident}" s="{s:.4f}" t="{t:.4f}" zOffset="0" hOffset="0" roll="0" '
        f'pitch="0" orientation="{"+" if sign.way > 0 else "-"}" dynamic="no" country="OpenDRIVE" type="{sign.kind}" '
        f'subtype="-1" value="{value}" unit="km/h" text="" height="0.8" width="0.8">'
        f'<validity fromLane="{first}" toLane="{last}"/></signal>'
    )


def _placed(plan: Plan, link: Link, sign: PlannedSign) -> SignPlacement:
    low, high = plan.span(link)
    along = low + sign.ahead if sign.way > 0 else high - sign.ahead
    pose = street_pose(plan.bend, link.side, sign.line.position, along)
    x, y, angle = pose.beside(sign.way * (sign.line.half + POST))
    yaw = degrees(angle) + (180.0 if sign.way > 0 else 0.0)
    middle = pose.beside(sign.way * sign.line.driving / 2)
    box = TriggerBox(
        Location(middle[0], middle[1], 1.0), Location(TRIGGER_LENGTH / 2, sign.line.driving / 2 - 0.2, 1.5), yaw
    )
    limit = sign.line.limit_kmh if sign.kind == SPEED_LIMIT else 0
    kind = f"traffic.speed_limit.{limit}" if limit else "traffic.yield"
    place = Transform(Location(x, y, KERB_HEIGHT), Rotation(yaw=(yaw + 180.0) % 360.0 - 180.0))
    return SignPlacement(str(sign.ident), kind, place, (box,), float(limit))
