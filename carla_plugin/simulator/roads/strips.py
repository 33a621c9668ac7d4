"""Strips: the lanes of one section of a road as lines of points in CARLA's axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.roads.document import RoadsError
from carla_plugin.simulator.roads.network import Lane, Network, Road, Section

MOST_POINTS = 3_000_000
WIDEST = 200.0  # metres of a lane
FINEST = 0.1  # metres between points of a line


@dataclass(frozen=True, eq=False)
class Strip:
    """Hold S stations across one section.

    Attributes:
        road: it belongs to.
        section: the section.
        stations: `(S,)` metres along the road, ascending.
        lanes: the lanes with a width, from left to right: L of them.
        edges: `(S, L + 1, 3)` metres in CARLA's axes, where lanes meet, from left to right, at the road's height.
        tangent: `(S, 2)` direction of the reference line, unit length.
        middle: number of the edge between left and right lanes.
    """

    road: Road
    section: Section
    stations: Floats
    lanes: tuple[Lane, ...]
    edges: Floats
    tangent: Floats
    middle: int

    def column(self, lane: int) -> int:
        """Return the number of a lane among `lanes`."""
        return self.middle - lane if lane > 0 else self.middle - lane - 1

    def outer(self, lane: int) -> int:
        """Return the number of a lane's outer edge; that of lane 0 is the middle."""
        return self.middle - lane


def widths_at(section: Section, s: Floats) -> tuple[tuple[Lane, ...], Floats, int]:
    """Return lanes from left to right, their `(S, L)` widths at `(S,)` metres along the road, and how many are left."""
    left, right = section.side(1)[::-1], section.side(-1)
    lanes = (*left, *right)
    wide = np.empty((len(s), len(lanes)))
    for column, lane in enumerate(lanes):
        wide[:, column] = np.maximum(lane.width(s - section.start), 0.0)
    return lanes, wide, len(left)


def across(road: Road, section: Section, s: Floats) -> tuple[tuple[Lane, ...], Floats, int]:
    """Return lanes from left to right, `(S, L + 1)` metres to the left of their edges, and which is the middle."""
    lanes, wide, left = widths_at(section, s)
    run = np.concatenate([np.zeros((len(s), 1)), np.cumsum(wide, axis=1)], axis=1)
    return lanes, road.offset(s)[:, None] + run[:, left : left + 1] - run, left


def place(road: Road, s: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Return `(S, E, 3)` points in CARLA's axes of `(S, E)` metres to the left at `(S,)`, and the `(S, 2)` tangent."""
    x, y, heading = road.line.at(s)
    z = road.elevation(s)
    points = np.stack(
        [
            x[:, None] - np.sin(heading)[:, None] * t,
            -(y[:, None] + np.cos(heading)[:, None] * t),
            np.broadcast_to(z[:, None], t.shape),
        ],
        axis=2,
    )
    return points, np.column_stack([np.cos(heading), -np.sin(heading)])


def strips(network: Network, step: float) -> list[Strip]:
    """Return the strips of all roads in the order of the file.

    Args:
        network: of the map.
        step: metres between stations.

    Raises:
        RoadsError: the step is so small that there are too many points.
    """
    step = max(step, FINEST)
    found = []
    points = 0
    for road in network.roads.values():
        for section in road.sections:
            points += int((section.end - section.start) / step + 2) * (len(section.lanes) + 1)
            if points > MOST_POINTS:
                raise RoadsError(f"road {road.number}: more than {MOST_POINTS} points; choose a larger vertex_distance")
            if len(section.lanes) > 1:
                found.append(_strip(road, section, step))
    return found


def _strip(road: Road, section: Section, step: float) -> Strip:
    s = _stations(road, section, step)
    lanes, t, middle = across(road, section, s)
    if float(np.abs(np.diff(t, axis=1)).max()) > WIDEST:
        raise RoadsError(f"road {road.number}: <width>: expected lanes of at most {WIDEST:.0f} m")
    points, tangent = place(road, s, t)
    if not np.isfinite(points).all() or float(np.abs(points).max()) > 1e6:
        raise RoadsError(f"road {road.number}: its lanes leave the plane; look at <width>, <laneOffset>, <elevation>")
    return Strip(road, section, s, lanes, points, tangent, middle)


def _stations(road: Road, section: Section, step: float) -> Floats:
    """Return evenly spaced stations, and those where one formula follows another."""
    low, high = section.start, section.end
    even = np.linspace(low, high, max(int(np.ceil((high - low) / step)), 1) + 1)
    knots = [road.line.places[:, 0], road.elevation.starts, road.offset.starts]
    for lane in section.lanes.values():
        knots.append(lane.width.starts + low)
        knots.append(np.array([mark.offset + low for mark in lane.marks], dtype=np.float64))
    extra: NDArray[np.float64] = np.concatenate(knots)
    extra = extra[(extra > low + 0.02) & (extra < high - 0.02)]
    merged = np.sort(np.concatenate([even, extra]))
    keep = np.concatenate([[True], np.diff(merged) > 0.02])
    keep[-1] = True
    kept: Floats = merged[keep]
    return kept
