"""Scenery: what stands still in a town, thing by thing, each with the box round it."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.town import Town
from protocols.carla_rpc.types import BoundingBox, Location, Rotation, Transform

ANY = 255
LABELS = {
    0: "None", 1: "Road", 2: "Sidewalk", 3: "Building", 4: "Wall", 5: "Fence", 6: "Pole", 7: "TrafficLight",
    8: "TrafficSign", 9: "Vegetation", 10: "Terrain", 14: "Car", 15: "Truck", 16: "Bus", 17: "Train", 18: "Motorcycle",
    19: "Bicycle", 20: "Static", 21: "Dynamic", 22: "Other", 23: "Water", 24: "RoadLine", 25: "Ground", 26: "Bridge",
    27: "RailTrack", 28: "GuardRail",
}  # fmt: skip

ALL_LAYERS = 0xFFFF
_LAYERS = {
    1: frozenset((3,)),  # buildings
    4: frozenset((9,)),  # foliage
    16: frozenset((14, 15, 16, 18, 19)),  # parked vehicles
    64: frozenset((20, 21, 22)),  # props
    256: frozenset((4, 5, 28)),  # walls
}
_STREET_LIGHTS = 128


class Thing(NamedTuple):
    """Hold one thing of the town, or that share of it that has one tag.

    Attributes:
        id: stays the same for as long as the town does.
        name: its tag in words and its number.
        tag: CARLA tag.
        part: its number in the town's mesh.
        place: the middle of its foot.
        box: in world axes.
    """

    id: int
    name: str
    tag: int
    part: int
    place: Transform
    box: BoundingBox


class Scenery:
    """List the things of one town."""

    def __init__(self, town: Town) -> None:
        """Take the town's mesh apart; takes a fraction of a second."""
        self.things = _things(town)
        self.by_id = {thing.id: thing for thing in self.things}
        lamps = town.scene.part[town.scene.material == Material.STREET_LAMP]
        self._lamps = frozenset(int(part) for part in np.unique(lamps))

    def tagged(self, tag: int) -> list[Thing]:
        """Return the things of one tag, or all for `ANY`."""
        return [thing for thing in self.things if tag in (ANY, thing.tag)]

    def parts(self, layers: int) -> frozenset[int]:
        """Return the parts of the town's mesh that belong to layers: CARLA's bits of `MapLayer`."""
        tags = frozenset().union(*(tags for bit, tags in _LAYERS.items() if layers & bit))
        parts = {thing.part for thing in self.things if thing.tag in tags}
        return frozenset(parts - self._lamps) | (self._lamps if layers & _STREET_LIGHTS else frozenset())


_KNOWN: WeakKeyDictionary[Town, Scenery] = WeakKeyDictionary()


def scenery_of(town: Town) -> Scenery:
    """Return the scenery of a town; it is worked out once in its life."""
    found = _KNOWN.get(town)
    if found is None:
        found = _KNOWN[town] = Scenery(town)
    return found


def _things(town: Town) -> list[Thing]:
    scene = town.scene
    if not len(scene.triangles):
        return []
    keys = scene.part.astype(np.int64) * 256 + scene.tag
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    corners = scene.vertices[scene.triangles[order]].astype(np.float64)
    yaw = _headings(corners, starts)
    cos, sin = np.cos(yaw), np.sin(yaw)
    spread = np.diff(np.append(starts, len(order)))
    turn_cos, turn_sin = np.repeat(cos, spread)[:, None], np.repeat(sin, spread)[:, None]
    along = corners[..., 0] * turn_cos + corners[..., 1] * turn_sin
    across = corners[..., 1] * turn_cos - corners[..., 0] * turn_sin
    low, high = [], []
    for values in (along, across, corners[..., 2]):
        low.append(np.minimum.reduceat(values.min(axis=1), starts))
        high.append(np.maximum.reduceat(values.max(axis=1), starts))
    middle, half = (np.array(low) + high) / 2, (np.array(high) - low) / 2
    x, y = middle[0] * cos - middle[1] * sin, middle[0] * sin + middle[1] * cos
    rows = zip(
        found.tolist(), np.degrees(yaw).tolist(), x.tolist(), y.tolist(), middle[2].tolist(), half.T.tolist(),
        strict=True,
    )  # fmt: skip
    return [_thing(key, angle, (x, y, z), extent) for key, angle, x, y, z, extent in rows]


def _thing(key: int, yaw: float, middle: tuple[float, float, float], half: list[float]) -> Thing:
    part, tag = divmod(key, 256)
    x, y, z = middle
    turn = Rotation(yaw=yaw)
    return Thing(
        key + 1,
        f"{LABELS.get(tag, 'Other')}_{part:04d}",
        tag,
        part,
        Transform(Location(x, y, z - half[2]), turn),
        BoundingBox(Location(x, y, z), Location(*half), turn),
    )


def _headings(corners: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the yaw (radians, within an eighth of a turn) along which most edges of each thing lie.

    The longest edge of a triangle is left out: in a rectangle it is the diagonal.

    Args:
        corners: `(T, 3, 3)` metres.
        starts: `(K,)` first triangle of each thing.
    """
    edges = np.roll(corners, -1, axis=1) - corners
    length = np.linalg.norm(edges, axis=2)
    flat = edges[..., 0] ** 2 + edges[..., 1] ** 2
    flat[np.arange(len(flat)), length.argmax(axis=1)] = 0.0
    four = 4.0 * np.arctan2(edges[..., 1], edges[..., 0])
    east = np.add.reduceat((flat * np.cos(four)).sum(axis=1), starts)
    north = np.add.reduceat((flat * np.sin(four)).sum(axis=1), starts)
    return np.asarray(np.arctan2(north, east) / 4.0, dtype=np.float64)
