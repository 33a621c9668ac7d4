"""Lidars: rays on a turning fan; what they meet, with how strong an echo or with whose tag."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.sensors.attributes import number, whole
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType

MOST_CHANNELS = 1024
MOST_POINTS = 1 << 21  # rays of one tick
_ECHO = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4")])
_TAGGED = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("cosine", "<f4"), ("object", "<u4"), ("tag", "<u4")]
)  # fmt: skip


class Lidar(NamedTuple):
    """Hold a lidar's attributes, by CARLA's names; degrees, metres, 1/m and shares of 1."""

    channels: int
    range: float
    points_per_second: int
    rotation_frequency: float
    upper_fov: float
    lower_fov: float
    horizontal_fov: float
    attenuation: float
    drop_rate: float
    drop_limit: float
    drop_at_zero: float
    noise: float
    seed: int


def read(sensor: Sensor) -> Lidar:
    """Return a lidar's attributes.

    Raises:
        CallError: an attribute is out of range.
    """
    return Lidar(
        whole(sensor, "channels", "32", 1, MOST_CHANNELS),
        number(sensor, "range", "10.0", 0.0, 10_000.0),
        whole(sensor, "points_per_second", "56000", 1, 1_000_000_000),
        number(sensor, "rotation_frequency", "10.0", 0.0, 1e6),
        number(sensor, "upper_fov", "10.0", -90.0, 90.0),
        number(sensor, "lower_fov", "-30.0", -90.0, 90.0),
        number(sensor, "horizontal_fov", "360.0", 1e-3, 360.0),
        number(sensor, "atmosphere_attenuation_rate", "0.004", 0.0, 1e3),
        number(sensor, "dropoff_general_rate", "0.45", 0.0, 1.0),
        number(sensor, "dropoff_intensity_limit", "0.8", 0.0, 1.0),
        number(sensor, "dropoff_zero_intensity", "0.4", 0.0, 1.0),
        number(sensor, "noise_stddev", "0.0", 0.0, 1e3),
        whole(sensor, "noise_seed", "0", -(1 << 31), (1 << 32) - 1),
    )


class Fan(NamedTuple):
    """Hold the rays of one tick, channel after channel, and what they met.

    Attributes:
        channel: `(N,)` int64.
        points: `(N, 3)` float64 within the sensor's axes: forward, right, up; metres.
        distance: `(N,)` float64 metres.
        cosine: `(N,)` float64.
        tag: `(N,)` uint8.
        actor: `(N,)` int64.
    """

    channel: NDArray[np.int64]
    points: NDArray[np.float64]
    distance: NDArray[np.float64]
    cosine: NDArray[np.float64]
    tag: NDArray[np.uint8]
    actor: NDArray[np.int64]


def fan(lidar: Lidar, start_deg: float, step_s: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rays of one tick, as CARLA lays them: the highest channel first, within it by time.

    Args:
        lidar: attributes.
        start_deg: how far the fan has turned before this tick.
        step_s: seconds of the tick.

    Returns:
        `(N,)` int64 channels and `(N, 3)` float64 unit vectors within the sensor's axes.
    """
    each = math.floor(lidar.points_per_second * step_s / lidar.channels + 0.5)
    each = min(each, MOST_POINTS // lidar.channels)
    swept = lidar.rotation_frequency * lidar.horizontal_fov * step_s
    turned = np.fmod(start_deg + swept / max(each, 1) * np.arange(each), lidar.horizontal_fov)
    across = np.radians(turned - lidar.horizontal_fov / 2.0)
    upward = np.radians(np.linspace(lidar.upper_fov, lidar.lower_fov, lidar.channels))
    flat = np.cos(upward)[:, None]
    rays = np.stack(
        [flat * np.cos(across), flat * np.sin(across), np.broadcast_to(np.sin(upward)[:, None], (len(upward), each))],
        axis=-1,
    )
    return np.repeat(np.arange(lidar.channels), each), rays.reshape(-1, 3)


def _scan(cameras: Cameras, shot: Shot, kept: NDArray[np.bool_] | None) -> Fan:
    """Return what one tick's rays have met; `kept` says which rays are sent at all."""
    lidar: Lidar = shot.settings
    channel, rays = fan(lidar, shot.memory.get("turned_deg", 0.0), shot.step_s)
    if kept is not None:
        channel, rays = channel[kept], rays[kept]
    turn = axes(shot.place.rotation)
    origin = np.array(shot.place.location, dtype=np.float64)
    reach = np.full(len(rays), lidar.range)
    hits = cameras.tracer.trace(origin, rays @ turn, reach, shot.still.placed, shot.parent, shot.still.dressing.gone)
    met = np.isfinite(hits.distance)
    distance = hits.distance[met]
    owners = np.append(cameras.owners(shot.still), 0)
    actor = np.where(hits.actor > 0, hits.actor, owners[np.minimum(hits.part, len(owners) - 1)])
    return Fan(
        channel[met], rays[met] * distance[:, None], distance, hits.cosine[met], hits.tag[met], actor[met]
    )  # fmt: skip


def _message(shot: Shot, channel: NDArray[np.int64], points: bytes) -> bytes:
    """Turn the fan on, and return the message: angle in radians, channels, points of each, then the points."""
    lidar: Lidar = shot.settings
    swept = lidar.rotation_frequency * lidar.horizontal_fov * shot.step_s
    turned = math.fmod(shot.memory.get("turned_deg", 0.0) + swept, lidar.horizontal_fov)
    shot.memory["turned_deg"] = turned
    counts = np.bincount(channel, minlength=lidar.channels).astype("<u4")
    return struct.pack("<fI", math.radians(turned), lidar.channels) + counts.tobytes() + points


def _draw_tagged(cameras: Cameras, shot: Shot) -> bytes:
    seen = _scan(cameras, shot, None)
    out = np.empty(len(seen.channel), _TAGGED)
    out["x"], out["y"], out["z"] = seen.points.T
    out["cosine"], out["object"], out["tag"] = seen.cosine, seen.actor, seen.tag
    return _message(shot, seen.channel, out.tobytes())


def _draw_echoes(cameras: Cameras, shot: Shot) -> bytes:
    """Draw as CARLA's model has it: rays lost at random, echoes that fade, weak ones lost, noise along the ray."""
    lidar: Lidar = shot.settings
    dice: np.random.Generator = shot.memory.setdefault("dice", np.random.Generator(np.random.PCG64(lidar.seed & _SEED)))
    each = math.floor(lidar.points_per_second * shot.step_s / lidar.channels + 0.5)
    total = min(each, MOST_POINTS // lidar.channels) * lidar.channels
    kept = dice.random(total) >= lidar.drop_rate if lidar.drop_rate > 0.0 else None
    seen = _scan(cameras, shot, kept)
    intensity = np.exp(-lidar.attenuation * seen.distance)
    if lidar.noise > 0.0:
        stretched = 1.0 + dice.normal(0.0, lidar.noise, len(seen.distance)) / np.maximum(seen.distance, 1e-6)
        seen = seen._replace(points=seen.points * stretched[:, None])
    chance = (1.0 - lidar.drop_at_zero) + intensity * lidar.drop_at_zero / max(lidar.drop_limit, 1e-9)
    heard = (intensity > lidar.drop_limit) | (dice.random(len(intensity)) < chance)
    out = np.empty(int(heard.sum()), _ECHO)
    out["x"], out["y"], out["z"] = seen.points[heard].T
    out["intensity"] = intensity[heard]
    return _message(shot, seen.channel[heard], out.tobytes())


_SEED = (1 << 64) - 1

ECHOES = Drawn(SensorType.LIDAR, read, _draw_echoes)
TAGGED = Drawn(SensorType.SEMANTIC_LIDAR, read, _draw_tagged)
