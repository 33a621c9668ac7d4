"""Radar: rays scattered over a cone; how far they go, and how fast what they meet comes or goes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.sensors.attributes import number, whole
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType

MOST_POINTS = 1 << 20


class Radar(NamedTuple):
    """Hold a radar's attributes: degrees and metres."""

    horizontal_fov: float
    vertical_fov: float
    range: float
    points_per_second: int
    seed: int


def read(sensor: Sensor) -> Radar:
    """Return a radar's attributes.

    Raises:
        CallError: an attribute is out of range.
    """
    return Radar(
        number(sensor, "horizontal_fov", "30.0", 0.0, 179.0),
        number(sensor, "vertical_fov", "30.0", 0.0, 179.0),
        number(sensor, "range", "100.0", 0.0, 10_000.0),
        whole(sensor, "points_per_second", "1500", 1, 1_000_000_000),
        whole(sensor, "noise_seed", "0", -(1 << 31), (1 << 32) - 1),
    )


def _draw(cameras: Cameras, shot: Shot) -> bytes:
    """Return velocity, azimuth, altitude and depth of each echo; a velocity is negative where the distance shrinks."""
    radar: Radar = shot.settings
    dice: np.random.Generator = shot.memory.setdefault(
        "dice", np.random.Generator(np.random.PCG64(radar.seed & ((1 << 64) - 1)))
    )
    count = min(int(radar.points_per_second * shot.step_s + 1e-9), MOST_POINTS)
    radius, angle = dice.random(count), dice.random(count) * 2.0 * math.pi
    rays = np.stack(
        [
            np.ones(count),
            math.tan(math.radians(radar.horizontal_fov / 2.0)) * radius * np.cos(angle),
            math.tan(math.radians(radar.vertical_fov / 2.0)) * radius * np.sin(angle),
        ],
        axis=1,
    )
    stretch = np.linalg.norm(rays, axis=1)
    rays /= stretch[:, None]
    turn = axes(shot.place.rotation)
    here = np.array(shot.place.location, dtype=np.float64)
    before, then_s = shot.memory.get("before", (here, shot.elapsed_s - shot.step_s))
    shot.memory["before"] = here, shot.elapsed_s
    own = (here - before) / max(shot.elapsed_s - then_s, 1e-9)
    hits = cameras.tracer.trace(
        here, rays @ turn, radar.range * stretch, shot.still.placed, shot.parent, shot.still.dressing.gone
    )
    met = np.isfinite(hits.distance)
    rays, distance = rays[met], hits.distance[met]
    velocity = _velocities(shot, hits.actor[met]) - own
    out = np.empty((len(rays), 4), "<f4")
    out[:, 0] = np.einsum("ij,ij->i", velocity, rays @ turn)
    out[:, 1] = np.arctan2(rays[:, 1], rays[:, 0])
    out[:, 2] = np.arcsin(np.clip(rays[:, 2], -1.0, 1.0))
    out[:, 3] = distance
    return out.tobytes()


def _velocities(shot: Shot, actors: np.ndarray) -> np.ndarray:
    """Return `(N, 3)` float64 velocities of actors by their ids; what never moves has none."""
    still = shot.still
    known = {each.actor_id: velocity for each, velocity in zip(still.placed, still.velocities, strict=False)}
    numbers, back = np.unique(actors, return_inverse=True)
    table = np.array([known.get(int(each), (0.0, 0.0, 0.0)) for each in numbers], dtype=np.float64).reshape(-1, 3)
    return table[back]


KIND = Drawn(SensorType.RADAR, read, _draw)
