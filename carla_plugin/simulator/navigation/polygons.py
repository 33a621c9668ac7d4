"""Polygons: pieces of ground of one kind, as a map tells them."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

Point = tuple[float, float, float]


class Area(IntEnum):
    """Say what a polygon is; the numbers are those of CARLA's client."""

    BLOCK = 0  # nobody walks here
    SIDEWALK = 1  # everybody; the only kind on which the client draws random places
    CROSSWALK = 2  # everybody
    ROAD = 3  # those whom the cross factor makes careless
    GRASS = 4  # everybody


class Polygon(NamedTuple):
    """Describe one convex piece of ground.

    Attributes:
        area: what it is.
        points: (x, y, z) of its corners in metres, CARLA's axes, in either direction.
    """

    area: Area
    points: tuple[Point, ...]
