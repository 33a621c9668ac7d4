"""Files: the navigation mesh of a town as clients ask for it, under a name that says what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from carla_plugin.simulator.navigation.detour import encode
from carla_plugin.simulator.navigation.mesh import build_mesh
from carla_plugin.simulator.navigation.polygons import Polygon

FOLDER = "Manyskies/Nav"


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
    if not polygons:
        return None
    data = encode(build_mesh(polygons))
    return NavigationFile(f"{FOLDER}/{town.name}_{hashlib.sha256(data).hexdigest()[:12]}.bin", data)
