"""Footprints: which vehicles and walkers would stand in one another's place."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.pose import heading
from protocols.carla_rpc.types import Transform

MARGIN_M = 0.05
Box = tuple[float, float, float, float, float, float, float, float]  # x, y, cos, sin, half length, half width, z, reach


class Footprints:
    """Hold the upright boxes of N actors; boxes are updated one by one as actors move."""

    def __init__(self, actors: Iterable[SimActor]) -> None:
        """Take up the vehicles and walkers that collide."""
        self._rows: dict[int, int] = {}
        boxes: list[Box] = []
        for actor in actors:
            if isinstance(actor, (Vehicle, Walker)) and actor.collides:
                self._rows[actor.id] = len(boxes)
                boxes.append(box_of(actor, actor.place))
        self._boxes: NDArray[np.float64] = np.array(boxes, dtype=np.float64).reshape(-1, 8)

    def moved(self, actor: SimActor) -> None:
        """Take over an actor's new place."""
        row = self._rows.get(actor.id)
        if row is not None:
            self._boxes[row] = box_of(actor, actor.place)

    def blocked(self, actor: SimActor, now: Transform, then: Transform) -> bool:
        """Return whether `then` overlaps somebody whom `now` does not: what already overlaps may drive out."""
        hit = self.overlapping(actor, then)
        return bool(hit and hit - self.overlapping(actor, now))

    def overlapping(self, actor: SimActor, place: Transform) -> set[int]:
        """Return the rows of those whose boxes overlap an actor's at a place."""
        if not len(self._boxes):
            return set()
        x, y, cos, sin, long, wide, z, reach = box_of(actor, place)
        dx, dy = self._boxes[:, 0] - x, self._boxes[:, 1] - y
        limit = self._boxes[:, 7] + reach
        near = np.flatnonzero((dx * dx + dy * dy < limit * limit) & (np.abs(self._boxes[:, 6] - z) < 2.5))
        own = self._rows.get(actor.id, -1)
        return {
            int(row) for row in near if row != own and _cross((x, y, cos, sin, long, wide), tuple(self._boxes[row]))
        }


def box_of(actor: SimActor, place: Transform) -> Box:
    """Return an actor's upright box at a place."""
    if isinstance(actor, Vehicle):
        long, wide = actor.extent[0], actor.extent[1]
    else:
        long, wide = actor.box.extent.x, actor.box.extent.y
    cos, sin = heading(place.rotation.yaw)
    reach = float(np.hypot(long, wide))
    return place.location.x, place.location.y, cos, sin, long + MARGIN_M, wide + MARGIN_M, place.location.z, reach


def _cross(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Return whether two rectangles overlap: no side of either parts them."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    turn_cos, turn_sin = abs(a[2] * b[2] + a[3] * b[3]), abs(a[2] * b[3] - a[3] * b[2])
    for one, other in ((a, b), (b, a)):
        along, across = abs(dx * one[2] + dy * one[3]), abs(dy * one[2] - dx * one[3])
        if along >= one[4] + other[4] * turn_cos + other[5] * turn_sin:
            return False
        if across >= one[5] + other[4] * turn_sin + other[5] * turn_cos:
            return False
    return True
