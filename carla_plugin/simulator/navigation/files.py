"""Files: the navigation mesh of a town as clients ask for it, under a name that says what is in it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from carla_plugin.simulator.navigation.detour import MOST_POLYGONS, encode
from carla_plugin.simulator.navigation.mesh import NavigationError, build_mesh
from carla_plugin.simulator.navigation.polygons import Area, Polygon

log = logging.getLogger(__name__)

FOLDER = "Manyskies/Nav"
SPARE = 2000  # polygons that cutting may add
NEAR_M = 11.0  # the client looks 12 m around


class Ground(Protocol):
    """What has a name and ground to walk on."""

    @property
    def name(self) -> str:
        """Return the name of the map."""

    @property
    def walkable(self) -> Callable[[], Sequence[Polygon]]:
        """Return what tells where people walk."""


class NavigationFile(NamedTuple):
    """Hold one file.

    Attributes:
        path: under which clients keep it for ever, without looking at it again: so it names the contents.
        data: Detour's set file.
    """

    path: str
    data: bytes


@lru_cache(maxsize=2)
def navigation_file(town: Ground) -> NavigationFile | None:
    """Return the navigation mesh of a town, or None if nobody can walk in it; made at the first call, in a second."""
    polygons = town.walkable()
    if not any(polygon.area == Area.SIDEWALK for polygon in polygons):
        return None
    try:
        data = encode(build_mesh([*_few(polygons), *_refuge(polygons)]))
    except NavigationError as error:
        log.warning("no navigation mesh for %s: %s", town.name, error)
        return None
    return NavigationFile(f"{FOLDER}/{town.name}_{hashlib.sha256(data).hexdigest()[:12]}.bin", data)


def _few(polygons: Sequence[Polygon]) -> list[Polygon]:
    """Return polygons, without those of the road if there are more than a file can hold."""
    if len(polygons) <= MOST_POLYGONS - SPARE:
        return list(polygons)
    return [polygon for polygon in polygons if polygon.area != Area.ROAD]


def _refuge(polygons: Sequence[Polygon]) -> list[Polygon]:
    """Return a lawn at the origin if nothing else is near.

    A client that starts a controller before its first tick takes the walker to be at the origin, and dies if it finds
    nothing to walk on there.
    """
    for area, points in polygons:
        x, y, z = zip(*points, strict=True)
        near = min(x) < NEAR_M and max(x) > -NEAR_M and min(y) < NEAR_M and max(y) > -NEAR_M and min(map(abs, z)) < 5.0
        if near and area != Area.ROAD:
            return []
    return [Polygon(Area.GRASS, ((-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0)))]
