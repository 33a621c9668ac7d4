"""Places on lanes: where a lane's middle lies at a distance along its road, and how its traffic looks there."""

from __future__ import annotations

from math import atan2, degrees, hypot, pi
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.roads.network import DRIVEN, Network, Road, Section
from carla_plugin.simulator.roads.strips import across, place

_NUDGE = 0.05  # metres, to see where a lane leads


class LanePlace(NamedTuple):
    """The middle of a lane: metres in CARLA's axes, yaw and pitch in degrees of its traffic, width in metres."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    width: float


def section_at(road: Road, s: float) -> Section:
    """Return the section of a road at a distance."""
    return next((each for each in road.sections if s < each.end), road.sections[-1])


def lane_place(road: Road, section: Section, lane: int, s: float) -> LanePlace:
    """Return the middle of a lane at a distance along its road; traffic of lanes with an id below 0 goes along it."""
    span = np.clip(np.array([s - _NUDGE, s, s + _NUDGE]), section.start, section.end)
    lanes, t, _ = across(road, section, span)
    column = next(number for number, each in enumerate(lanes) if each.number == lane)
    middle = (t[:, column] + t[:, column + 1]) / 2.0
    points, _ = place(road, span, middle[:, None])
    x, y, z = points[1, 0].tolist()
    dx, dy, dz = (points[2, 0] - points[0, 0]).tolist()
    yaw = atan2(dy, dx) + (0.0 if lane < 0 else pi)
    pitch = atan2(dz, hypot(dx, dy)) * (1.0 if lane < 0 else -1.0)
    wide = float(t[1, column] - t[1, column + 1])
    return LanePlace(x, y, z, (degrees(yaw) + 180.0) % 360.0 - 180.0, degrees(pitch), wide)


def driven_lanes(section: Section) -> list[int]:
    """Return the ids of the lanes for vehicles, from left to right."""
    return sorted((n for n, lane in section.lanes.items() if n and lane.kind in DRIVEN), reverse=True)


def before_junction(network: Network, road: Road, lane: int) -> tuple[Road, int] | None:
    """Return the road and lane from which a lane of a connecting road is entered, if the map says."""
    link = road.before if lane < 0 else road.after
    section = road.sections[0] if lane < 0 else road.sections[-1]
    here = section.lanes.get(lane)
    number = None if here is None else here.before if lane < 0 else here.after
    if link is None or link.junction or number is None or link.number not in network.roads:
        return None
    other = network.roads[link.number]
    ends = other.sections[-1] if number < 0 else other.sections[0]
    return (other, number) if number in ends.lanes else None
