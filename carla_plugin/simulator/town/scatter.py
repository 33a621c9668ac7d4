"""A collector of things that stand in the town: meshes with a place, joined at the end."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.mesh import Mesh, join
from carla_plugin.simulator.town.plan import KERB_HEIGHT, SIDES


class Frame(NamedTuple):
    """A frame on the ground: `x`, `y` metres of its origin and `yaw_deg` of its first axis, a multiple of 90."""

    x: float
    y: float
    yaw_deg: float

    def at(self, forward: float, right: float) -> tuple[float, float]:
        """Return (x, y) of the point `forward` and `right` metres from the origin."""
        one = SIDES[round(self.yaw_deg / 90.0) % 4]
        return self.x + one[0] * forward - one[1] * right, self.y + one[1] * forward + one[0] * right


class Scatter:
    """Collect meshes and where they stand."""

    def __init__(self) -> None:
        self._meshes: list[Mesh] = []
        self._digest = hashlib.sha256()

    def put(
        self, mesh: Mesh, frame: Frame, forward: float, right: float, turn_deg: float = 0.0, *, z: float = KERB_HEIGHT
    ) -> Frame:
        """Stand a mesh at a point of a frame, its x axis `turn_deg` from the frame's; return where."""
        x, y = frame.at(forward, right)
        yaw = frame.yaw_deg + turn_deg
        self._meshes.append(mesh.placed(x, y, z, yaw))
        self._digest.update(repr((round(x, 3), round(y, 3), z, round(yaw, 2), len(mesh.triangles))).encode())
        seeds = mesh.seed[:1].tobytes() + mesh.colour[:1].tobytes()
        self._digest.update(seeds)
        return Frame(x, y, yaw)

    def mesh(self) -> Mesh:
        """Return all things as one mesh."""
        return join(self._meshes)

    def digest(self) -> bytes:
        """Return a hash over what was placed where."""
        return self._digest.digest()

    def __len__(self) -> int:
        return len(self._meshes)


def pick(rng: np.random.Generator, *choices: str) -> str:
    """Draw one of some words."""
    return choices[int(rng.integers(len(choices)))]
