"""Footprints: the upright boxes in which vehicles, walkers and other solid actors stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator import contact
from carla_plugin.simulator.actors import SimActor
from protocols.carla_rpc.types import Transform

MARGIN_M = 0.05
COLUMNS = 8  # x, y, cos, sin, half length, half width, z of the foot, height


def solid(actor: SimActor) -> bool:
    """Return whether others cannot pass through an actor: it says so itself, and has a size."""
    return bool(getattr(actor, "collides", False)) and actor.box.extent.x > 0.0


def boxes_of(actors: Sequence[SimActor], places: Sequence[Transform]) -> NDArray[np.float64]:
    """Return `(N, 8)` boxes of actors at places, a little larger than the actors are."""
    rows = [
        (*place.location, place.rotation.yaw, *actor.box.location, *actor.box.extent)
        for actor, place in zip(actors, places, strict=True)
    ]
    raw = np.array(rows, dtype=np.float64).reshape(-1, 10)
    yaw = np.radians(raw[:, 3])
    cos, sin = np.cos(yaw), np.sin(yaw)
    boxes = np.empty((len(rows), COLUMNS))
    boxes[:, 0] = raw[:, 0] + raw[:, 4] * cos - raw[:, 5] * sin
    boxes[:, 1] = raw[:, 1] + raw[:, 4] * sin + raw[:, 5] * cos
    boxes[:, 2], boxes[:, 3] = cos, sin
    boxes[:, 4:6] = raw[:, 7:9] + MARGIN_M
    boxes[:, 6] = raw[:, 2] + raw[:, 6] - raw[:, 9]
    boxes[:, 7] = 2.0 * raw[:, 9]
    return boxes


class Footprints:
    """Hold the boxes of those who are solid, to be asked who is in the way."""

    def __init__(self, actors: Iterable[SimActor]) -> None:
        """Take up the actors that are solid."""
        self._actors = [actor for actor in actors if solid(actor)]
        self._boxes = boxes_of(self._actors, [actor.place for actor in self._actors])

    def overlapping(self, actor: SimActor, place: Transform) -> list[SimActor]:
        """Return those whose boxes overlap an actor's at a place, itself left out."""
        if not self._actors:
            return []
        box = boxes_of([actor], [place])
        far = np.hypot(*(self._boxes[:, :2] - box[0, :2]).T)
        near = far < np.hypot(*self._boxes[:, 4:6].T) + np.hypot(*box[0, 4:6])
        return [
            self._actors[number]
            for number in np.flatnonzero(near).tolist()
            if self._actors[number].id != actor.id and contact.overlaps(box[0], self._boxes[number])
        ]
