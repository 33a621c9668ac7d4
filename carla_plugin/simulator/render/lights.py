"""Lights: the street lamps and vehicle lamps near the camera, as a short list that shading reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render.camera import Camera, axes
from carla_plugin.simulator.render.dressing import LampState
from carla_plugin.simulator.render.geometry import Placed, lamp_triangles, linear

# Places in a light's row (float32).
PLACE = 0  # world metres
POWER = 3  # linear rgb times candela-like strength
REACH = 6  # metres at which it ends
CONE = 7  # cosine of the cone's half angle; -1 shines everywhere
AIM = 8  # unit direction of the cone
LIT_ABOVE = 11  # lit once the appearance's lamps exceed this; below 0 always
WIDTH = 12

_LAMP_POWER = (40.0, 27.0, 13.8)
_STREET = (24, 95.0)  # how many, how far in metres
_HEAD = (12, 70.0)
_TAIL = (8, 40.0)


class LampPlaces:
    """Remember where each mesh has its lamps, in object-local metres."""

    def __init__(self) -> None:
        """Start with no mesh known."""
        self._known: dict[int, tuple[Mesh, NDArray[np.float32], NDArray[np.float32]]] = {}

    def of(self, mesh: Mesh) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the middles of head and tail lamps as `(0 or 1, 3)` float32 each."""
        held = self._known.get(id(mesh))
        if held is None or held[0] is not mesh:
            if len(self._known) > 1024:
                self._known.clear()
            head, tail = lamp_triangles(mesh, Material.HEAD_LAMP), lamp_triangles(mesh, Material.TAIL_LAMP)
            held = (mesh, _middle(head[head[:, 0] > 0.0]), _middle(tail[tail[:, 0] < 0.0]))
            self._known[id(mesh)] = held
        return held[1], held[2]


def _middle(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of points as one row, or no row for none."""
    return points.mean(axis=0, keepdims=True).astype(np.float32) if len(points) else points


def lights_near(
    camera: Camera,
    lamps: NDArray[np.float32],
    placed: Sequence[Placed],
    places: LampPlaces,
    changed: Mapping[int, LampState] = MappingProxyType({}),
) -> NDArray[np.float32]:
    """Return `(L, 12)` float32 lights that can reach what the camera sees, L at most 44.

    Args:
        camera: whose surroundings count.
        lamps: `(N, 3)` float32 heads of street lamps, world metres.
        placed: actors of the frame.
        places: where meshes have lamps.
        changed: street lamps that shine in another way than they were built, by their number.
    """
    eye = np.array(camera.transform.location, dtype=np.float64)
    ahead = axes(camera.transform.rotation)[0]
    dark = [number for number, state in changed.items() if state.lit is False]
    lit = np.delete(np.arange(len(lamps)), dark)
    street = lit[_nearest(lamps[lit].astype(np.float64).reshape(-1, 3), eye, ahead, 30.0, *_STREET)]
    rows = []
    for number in street.tolist():
        shine, level = _shine(changed.get(number, LampState()))
        rows.append(_row(lamps[number], shine, 22.0, 0.20, (0.0, 0.0, -1.0), level))
    heads: list[tuple[NDArray[np.float64], NDArray[np.float64], int]] = []
    tails: list[tuple[NDArray[np.float64], NDArray[np.float64], int]] = []
    for p in placed:
        head, tail = places.of(p.mesh)
        if not len(head) and not len(tail):
            continue
        turn = axes(p.transform.rotation)
        place = np.array(p.transform.location, dtype=np.float64)
        heads.extend((place + point @ turn, turn[0], p.lights) for point in head.astype(np.float64))
        tails.extend((place + point @ turn, -turn[0], p.lights) for point in tail.astype(np.float64))
    if heads:
        for i in _nearest(np.array([h[0] for h in heads]), eye, ahead, 45.0, *_HEAD):
            point, aim, bits = heads[i]
            power = 1.7 if bits & 4 else 1.0
            dipped = aim - np.array([0.0, 0.0, 0.075])
            rows.append(
                _row(point + 0.25 * aim, (34.0 * power, 31.5 * power, 26.0 * power), 42.0, 0.78,
                     dipped / np.linalg.norm(dipped), -1.0 if bits & 7 else 0.22)
            )  # fmt: skip
    if tails:
        for i in _nearest(np.array([t[0] for t in tails]), eye, ahead, 15.0, *_TAIL):
            point, aim, bits = tails[i]
            power = 1.1 if bits & 8 else 0.35
            rows.append(
                _row(point + 0.2 * aim, (power, 0.03 * power, 0.02 * power), 7.0, 0.0, aim,
                     -1.0 if bits & 15 else 0.22)
            )  # fmt: skip
    return np.array(rows, dtype=np.float32).reshape(-1, WIDTH)


def _shine(state: LampState) -> tuple[tuple[float, float, float], float]:
    """Return a street lamp's power, and the level of the weather's lamps above which it shines."""
    power = np.array(_LAMP_POWER)
    if state.colour is not None:
        power = linear(np.array(state.colour, dtype=np.uint8)).astype(np.float64) * _LAMP_POWER[0]
    red, green, blue = (power * state.strength).tolist()
    return (red, green, blue), -1.0 if state.lit else 0.22


def _row(
    place: NDArray[np.float64] | NDArray[np.float32], power: tuple[float, float, float], reach: float, cone: float,
    aim: tuple[float, float, float] | NDArray[np.float64], level: float,
) -> list[float]:  # fmt: skip
    """Return one light's row."""
    return [*(float(x) for x in place), *power, reach, cone, *(float(x) for x in aim), level]


def _nearest(
    points: NDArray[np.float64], eye: NDArray[np.float64], ahead: NDArray[np.float64], behind: float, count: int,
    reach: float,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the numbers of the nearest points within reach and not far behind the camera, ties by number."""
    if not len(points):
        return np.zeros(0, np.int64)
    offset = points - eye
    distance = np.linalg.norm(offset, axis=1)
    order = np.argsort(distance, kind="stable")
    good = (distance[order] < reach) & (offset[order] @ ahead > -behind)
    chosen: NDArray[np.int64] = order[good][:count]
    return chosen
