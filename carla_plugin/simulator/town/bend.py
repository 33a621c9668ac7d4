"""The gentle bends of a town: one family of streets is drawn straight in the plan and swings in the world."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import atan2, ceil, cos, hypot, pi, sin

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.mesh import Mesh

STEP = 6.0  # metres between the points of a bent line

Piece = tuple[float, float, float, float, float]  # x, y, angle, length, curvature in CARLA's axes
SHORT = 3.0  # metres; shorter pieces of lines are not cut
STRAIGHT = 2e-4  # 1/m; less curvature is written as a line, because the wheel computes arcs in single precision


@dataclass(frozen=True)
class Bend:
    """Map the plan to the world: the coordinate `axis` is moved by a wave along the other one.

    Streets along `axis` stay straight and parallel; those across it swing.

    Attributes:
        axis: 0 moves x by a wave along y, 1 moves y by a wave along x.
        slope: greatest slope of the wave.
        wavelength: in metres.
        phase: in radians.
    """

    axis: int
    slope: float
    wavelength: float
    phase: float

    def shift(self, along: float) -> float:
        """Return the displacement in metres where the other coordinate is `along`."""
        turn = 2 * pi / self.wavelength
        return self.slope / turn * sin(turn * along + self.phase)

    def incline(self, along: float) -> float:
        """Return the slope of the wave where the other coordinate is `along`."""
        return self.slope * cos(2 * pi / self.wavelength * along + self.phase)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point (x, y) of the plan lies in the world."""
        return (x + self.shift(y), y) if self.axis == 0 else (x, y + self.shift(x))

    def unplace(self, x: float, y: float) -> tuple[float, float]:
        """Return which point of the plan lies at (x, y) of the world."""
        return (x - self.shift(y), y) if self.axis == 0 else (x, y - self.shift(x))

    def heading(self, x: float, y: float, direction: tuple[float, float]) -> float:
        """Return the world's angle, in radians from x toward y, of a `direction` in the plan at (x, y)."""
        dx, dy = direction
        if self.axis == 0:
            return atan2(dy, dx + self.incline(y) * dy)
        return atan2(dy + self.incline(x) * dx, dx)

    def mesh(self, mesh: Mesh) -> Mesh:
        """Return a mesh of the plan as it lies in the world; upright things stay upright."""
        moved, other = self.axis, 1 - self.axis
        turn = 2 * pi / self.wavelength
        angle = turn * mesh.vertices[:, other].astype(np.float64) + self.phase
        vertices = mesh.vertices.copy()
        vertices[:, moved] += (self.slope / turn * np.sin(angle)).astype(np.float32)
        normals = mesh.normals.copy()
        normals[:, other] -= (self.slope * np.cos(angle)).astype(np.float32) * normals[:, moved]
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(
            vertices, normals, mesh.uvw, mesh.triangles, mesh.material, mesh.tag, mesh.colour, mesh.part, mesh.seed
        )


def split(bounds: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Cut rectangles `(N, 4)` of (x low, x high, y low, y high) at every multiple of `STEP` metres across `axis`.

    All rectangles are cut at the same places, so that neighbours still meet without a slit when the plan is bent.
    """
    first, last = (2, 3) if axis == 0 else (0, 1)
    pieces = []
    for box in bounds.tolist():
        for low, high in pairwise([box[first], *_cuts(box[first], box[last]), box[last]]):
            piece = list(box)
            piece[first], piece[last] = low, high
            pieces.append(piece)
    return np.array(pieces, dtype=np.float64).reshape(-1, 4)


def split_line(line: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Put points on a line `(P, 2)` where `split` would cut it; short pieces of curves stay as they are."""
    points = [line[0]]
    for start, end in pairwise(line):
        low, high = sorted((float(start[1 - axis]), float(end[1 - axis])))
        if float(np.abs(end - start).max()) > SHORT:
            cuts = _cuts(low, high)
            for cut in cuts if start[1 - axis] < end[1 - axis] else reversed(cuts):
                share = (cut - start[1 - axis]) / (end[1 - axis] - start[1 - axis])
                point = start + (end - start) * share
                point[1 - axis] = cut
                points.append(point)
        points.append(end)
    return np.array(points)


def _cuts(low: float, high: float) -> list[float]:
    """Return the multiples of `STEP` between two coordinates."""
    return [n * STEP for n in range(ceil(low / STEP + 1e-6), ceil(high / STEP - 1e-6))]


class Pose(tuple[float, float, float]):
    """A point of the world and a direction: (x, y, angle in radians from x toward y), in CARLA's axes."""

    def beside(self, right: float) -> Pose:
        """Return the pose `right` metres to the right."""
        x, y, angle = self
        return Pose((x - sin(angle) * right, y + cos(angle) * right, angle))


def street_pose(bend: Bend, axis: int, position: float, along: float) -> Pose:
    """Return the pose of a street's middle where its coordinate along `axis` is `along`; it looks toward +axis."""
    point = (along, position) if axis == 0 else (position, along)
    x, y = bend.place(*point)
    return Pose((x, y, bend.heading(*point, (1.0, 0.0) if axis == 0 else (0.0, 1.0))))


def chain(poses: list[Pose]) -> list[Piece]:
    """Join poses by arcs."""
    pieces: list[Piece] = []
    for (x, y, angle), (next_x, next_y, next_angle) in pairwise(poses):
        turn = (next_angle - angle + pi) % (2 * pi) - pi
        chord = hypot(next_x - x, next_y - y)
        if abs(turn) < STRAIGHT * chord:
            pieces.append((x, y, angle, chord, 0.0))
        else:
            length = chord * (turn / 2) / sin(turn / 2)
            pieces.append((x, y, angle, length, turn / length))
    return pieces
