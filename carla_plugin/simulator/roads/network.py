"""The road network as OpenDRIVE gives it: roads of lane sections of lanes, junctions, signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from carla_plugin.simulator.roads.curves import Profile, ReferenceLine

DRIVEN = frozenset(("driving", "bidirectional", "entry", "exit", "offRamp", "onRamp", "taxi", "bus", "HOV"))
WALKED = frozenset(("sidewalk", "walking"))
PAVED = frozenset(
    (
        "stop", "shoulder", "biking", "parking", "restricted", "mwyEntry", "mwyExit", "special1", "special2",
        "special3", "roadWorks", "slipLane", "connectingRamp",
    )
)  # fmt: skip
UNPAVED = frozenset(("none", "border", "median", "curb", "tram", "rail"))
LANE_TYPES = DRIVEN | WALKED | PAVED | UNPAVED


class Mark(NamedTuple):
    """The paint on a lane's outer edge from a distance in its section on."""

    offset: float
    kind: str
    colour: str
    width: float


@dataclass(frozen=True, eq=False)
class Lane:
    """One lane of a section; id negative on the right of the reference line.

    Attributes:
        number: OpenDRIVE id; 0 is the middle, which has no width.
        kind: one of `LANE_TYPES`.
        width: metres over the distance in the section.
        marks: along its outer edge, in order.
        height: metres above the road of its inner and its outer edge.
        before: id of the lane it continues, or None.
        after: id of the lane that continues it, or None.
    """

    number: int
    kind: str
    width: Profile
    marks: tuple[Mark, ...]
    height: tuple[float, float]
    before: int | None
    after: int | None


@dataclass(frozen=True, eq=False)
class Section:
    """A stretch of a road on which the number of lanes does not change; lanes by id."""

    start: float
    end: float
    lanes: dict[int, Lane]

    def side(self, sign: int) -> list[Lane]:
        """Return the lanes of one side (1 left, -1 right) from the middle outward."""
        return [self.lanes[n] for n in sorted(self.lanes, key=abs) if n * sign > 0]


class Link(NamedTuple):
    """What lies before or after a road: another road, met at its start or end, or a junction."""

    junction: bool
    number: int
    at_start: bool


class SignalPost(NamedTuple):
    """A signal beside a road, or a reference to one.

    Attributes:
        ident: OpenDRIVE id.
        s: metres along the road.
        t: metres to the left.
        up: metres above the road.
        orientation: "+" for those who drive along the road, "-" against it, else both.
        kind: type such as 1000001.
        value: the number on it.
        unit: of that number.
        lanes: (from, to) ids for which it holds; none for all.
        referred: whether it stands beside another road.
    """

    ident: str
    s: float
    t: float
    up: float
    orientation: str
    kind: str
    value: float
    unit: str
    lanes: tuple[tuple[int, int], ...]
    referred: bool


@dataclass(frozen=True, eq=False)
class Road:
    """One road.

    Attributes:
        number: OpenDRIVE id.
        length: metres.
        junction: id of the junction it leads through, -1 for none.
        line: reference line.
        elevation: metres over the distance.
        offset: of the middle lane to the left, metres over the distance.
        sections: in order.
        before: what lies before it.
        after: what lies behind it.
        signals: beside it.
        limits: (distance in metres, km/h) of its speed limits.
    """

    number: int
    length: float
    junction: int
    line: ReferenceLine
    elevation: Profile
    offset: Profile
    sections: tuple[Section, ...]
    before: Link | None
    after: Link | None
    signals: tuple[SignalPost, ...]
    limits: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Network:
    """All roads by id, and for each controller of a junction the ids of its signals."""

    roads: dict[int, Road]
    phases: dict[str, int]
