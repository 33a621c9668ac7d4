"""Obstacles: what stands still and stops a body, as segments on the ground plan cut from a town's own triangles."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.contact import any_touched, cuts, touched
from carla_plugin.simulator.driving import heights
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.town import Town

SOLID_TAGS = (3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19, 20, 21, 22, 26, 28)
"""CARLA tags of things that stand up from the ground."""
HEIGHTS_M = (0.35, 0.8, 1.4)
"""Heights above the ground at which the town is cut: bumpers, bonnets, shoulders."""
CELL_M = 4.0
GROUND_CELL_M = 4.0  # the ground under a thing is asked for once in such a square
WALL_M = 0.8  # a longer cut is a wall, which a body may graze; a shorter one part of a post
GRAZE = 0.4  # share of a body's half width that may meet a post without stopping at it
GRAZE_GAP_M = 0.01
GRID_LIMIT = 4_000_000  # cells


class Touch(NamedTuple):
    """Describe a contact with what stands still.

    Attributes:
        part: number of the thing in the town's mesh.
        tag: its CARLA tag.
        x: of the contact, metres.
        y: of the contact, metres.
        normal: level unit vector (x, y) that points from the thing to the body.
        graze: metres by which a body must move along the normal to pass a post at its side; 0 for all else.
    """

    part: int
    tag: int
    x: float
    y: float
    normal: tuple[float, float]
    graze: float = 0.0


class Obstacles:
    """Hold S segments with the thing and tag each was cut from, in a grid of squares.

    Attributes:
        segments: `(S, 4)` x, y, x, y in metres.
        parts: `(S,)` numbers of the things in the town's mesh.
        tags: `(S,)` CARLA tags.
        signals: index in the town's list of the traffic light that a part belongs to.
    """

    def __init__(self, scene: Mesh, ground: Callable[[float, float], float]) -> None:
        """Cut a scene.

        Args:
            scene: all that stands still.
            ground: height in metres of the ground at (x, y).
        """
        self._ground = ground
        self.segments, triangles = _cut(scene, ground)
        self.parts: NDArray[np.int64] = scene.part[triangles].astype(np.int64)
        self.tags: NDArray[np.int64] = scene.tag[triangles].astype(np.int64)
        lenses = np.flatnonzero(scene.material == Material.SIGNAL_LENS)
        signals = scene.uvw[scene.triangles[lenses, 0], 1].astype(np.int64)
        self.signals = dict(zip(scene.part[lenses].tolist(), signals.tolist(), strict=True))
        self._index()

    def without(self, parts: frozenset[int]) -> Obstacles:
        """Return the same but for some things of the town's mesh."""
        if not parts:
            return self
        rest = copy(self)
        kept = ~np.isin(self.parts, np.fromiter(parts, np.int64))
        rest.segments, rest.parts, rest.tags = self.segments[kept], self.parts[kept], self.tags[kept]
        rest._index()
        return rest

    def _index(self) -> None:
        """Write each segment's number into every square that its upright box meets."""
        low = np.minimum(self.segments[:, :2], self.segments[:, 2:])
        high = np.maximum(self.segments[:, :2], self.segments[:, 2:])
        corner = low.min(axis=0) if len(low) else np.zeros(2)
        span = (high.max(axis=0) if len(high) else np.zeros(2)) - corner
        side = CELL_M
        while float(np.prod(np.floor(span / side) + 1)) > GRID_LIMIT:
            side *= 2.0
        columns, rows = (int(count) for count in np.floor(span / side) + 1)
        first = np.floor((low - corner) / side).astype(np.int64)
        last = np.floor((high - corner) / side).astype(np.int64)
        wide = last - first + 1
        counts = wide[:, 0] * wide[:, 1]
        number = np.repeat(np.arange(len(counts)), counts)
        step = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
        cell_i = first[number, 0] + step % np.maximum(wide[number, 0], 1)
        cell_j = first[number, 1] + step // np.maximum(wide[number, 0], 1)
        cell = cell_j * columns + cell_i
        order = np.argsort(cell, kind="stable")
        self._items = number[order]
        self._starts = np.searchsorted(cell[order], np.arange(columns * rows + 1))
        self._grid = np.array([*corner, side, columns, rows], dtype=np.float64)

    def reach(self, box: NDArray[np.float64]) -> bool:
        """Return whether one box `(8,)` is low enough over the ground to meet what stands there."""
        return bool(box[6] <= self._ground(float(box[0]), float(box[1])) + HEIGHTS_M[-1])

    def hit(self, boxes: NDArray[np.float64], moved: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return `(N,)` bool: which of the `(N, 8)` boxes that moved touch anything."""
        found: NDArray[np.bool_] = any_touched(boxes, moved, self._grid, self._starts, self._items, self.segments)
        return found

    def touches(self, box: NDArray[np.float64]) -> list[Touch]:
        """Return the things that one box `(8,)` touches, each once, ascending; a contact is the middle of cuts."""
        numbers = np.unique(touched(box, self._grid, self._starts, self._items, self.segments))
        return [self._touch(box, numbers[self.parts[numbers] == part]) for part in np.unique(self.parts[numbers])]

    def within(self, box: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the numbers of the segments that one box `(8,)` touches, ascending, each once."""
        return np.unique(touched(box, self._grid, self._starts, self._items, self.segments))

    def _touch(self, box: NDArray[np.float64], numbers: NDArray[np.int64]) -> Touch:
        ends: NDArray[np.float64] = cuts(box, numbers, self.segments)
        x, y = (float(part) for part in ends.mean(axis=0))
        lengths = np.hypot(*(self.segments[numbers, 2:] - self.segments[numbers, :2]).T)
        longest = int(numbers[int(lengths.argmax())])
        graze = 0.0
        if lengths.max() >= WALL_M:
            normal = self._wall(box, longest)
        else:
            normal, graze = _face(box, ends)
        return Touch(int(self.parts[longest]), int(self.tags[longest]), x, y, normal, graze)

    def _wall(self, box: NDArray[np.float64], number: int) -> tuple[float, float]:
        """Return a wall's normal on the side of the box's middle."""
        x, y, end_x, end_y = self.segments[number].tolist()
        across = np.array([-(end_y - y), end_x - x])
        across /= np.hypot(*across)
        side = 1.0 if float(across @ (box[:2] - (x, y))) >= 0.0 else -1.0
        return float(side * across[0]), float(side * across[1])


def _face(box: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[tuple[float, float], float]:
    """Return the inward normal of the side of a box that a post meets, and how far to move along it to be free.

    A post that meets no more than the outermost strip of a body's flank is grazed, wherever along the body it stands.

    Args:
        box: `(8,)`.
        points: `(P, 2)` of the post, in the box.
    """
    cos, sin = float(box[2]), float(box[3])
    away = points - box[:2]
    along, across = away @ (cos, sin), away @ (-sin, cos)
    turn = -1.0 if across.mean() >= 0.0 else 1.0
    aside = (-turn * sin, turn * cos)
    deep = float(box[5] + (turn * across).max())
    if deep <= GRAZE * float(box[5]):
        return aside, max(deep, 0.0) + GRAZE_GAP_M
    if float(box[4]) - abs(float(along.mean())) <= deep:
        turn = -1.0 if along.mean() >= 0.0 else 1.0
        return (turn * cos, turn * sin), 0.0
    return aside, 0.0


def _cut(scene: Mesh, ground: Callable[[float, float], float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return `(S, 4)` segments (x, y, x, y) in metres at all heights, and the `(S,)` triangles they were cut from."""
    solid = np.isin(scene.tag, SOLID_TAGS) & (scene.material != Material.FOLIAGE)
    numbers = np.flatnonzero(solid)
    corners = scene.vertices[scene.triangles[numbers]].astype(np.float64)  # (T, 3, 3)
    lowest = corners[..., 2].min(axis=1) if len(corners) else np.zeros(0)
    floor = _floors(corners[..., :2].mean(axis=1), ground)
    near = lowest - floor < HEIGHTS_M[-1]
    numbers, corners, floor = numbers[near], corners[near], floor[near]
    cuts, origins = [np.zeros((0, 4))], [np.zeros(0, np.int64)]
    for height in HEIGHTS_M:
        above = corners[..., 2] - (floor + height)[:, None]
        up = above > 0.0
        count = up.sum(axis=1)
        crossing = np.flatnonzero((count == 1) | (count == 2))
        # the corner that lies alone on its side begins both edges that are cut
        alone = np.where(count[crossing, None] == 1, up[crossing], ~up[crossing]).argmax(axis=1)
        ends = []
        for step in (1, 2):
            other = (alone + step) % 3
            here, there = above[crossing, alone], above[crossing, other]
            share = (here / (here - there))[:, None]
            ends.append(corners[crossing, alone, :2] * (1.0 - share) + corners[crossing, other, :2] * share)
        cuts.append(np.concatenate(ends, axis=1))
        origins.append(numbers[crossing])
    return np.ascontiguousarray(np.concatenate(cuts)), np.concatenate(origins)


def _floors(points: NDArray[np.float64], ground: Callable[[float, float], float]) -> NDArray[np.float64]:
    """Return the height of the ground under `(N, 2)` points, asked for once in each square of the plan."""
    cells = np.floor(points / GROUND_CELL_M).astype(np.int64)
    _, first, where = np.unique(cells[:, 0] * (1 << 32) + cells[:, 1], return_index=True, return_inverse=True)
    middles = np.asarray((cells[first] + 0.5) * GROUND_CELL_M, dtype=np.float64)
    return heights(ground, middles)[where.reshape(-1)] if len(middles) else np.zeros(0)


_CUT: WeakKeyDictionary[Mesh, Obstacles] = WeakKeyDictionary()


def obstacles_of(town: Town) -> Obstacles:
    """Return a town's obstacles; they are worked out once in its life."""
    found = _CUT.get(town.scene)
    if found is None:
        found = _CUT[town.scene] = Obstacles(town.scene, town.ground_height)
    return found
