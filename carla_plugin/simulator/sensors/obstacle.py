"""Obstacle sensor: the first thing that a ball sent straight ahead would touch."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Sensor, SimActor
from carla_plugin.simulator.contact import ways
from carla_plugin.simulator.footprint import MARGIN_M, boxes_of, solid
from carla_plugin.simulator.sensors.attributes import flag, number
from carla_plugin.simulator.sensors.kind import Told
from carla_plugin.simulator.sensors.scenery import standing
from carla_plugin.simulator.world import World
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Actor, Transform

REACH_UP_M = 2.5  # above the ground; the town is cut no higher, so a ball that flies higher meets nothing of it


class Ball(NamedTuple):
    """Hold what is sent ahead: how far, how thick in metres, and whether it passes what stands still."""

    distance: float
    radius: float
    only_dynamics: bool


def read(sensor: Sensor) -> Ball:
    """Return an obstacle sensor's ball.

    Raises:
        CallError: an attribute is out of range.
    """
    return Ball(
        number(sensor, "distance", "5.0", 0.0, 10_000.0),
        number(sensor, "hit_radius", "0.5", 0.0, 1_000.0),
        flag(sensor, "only_dynamics", "false"),
    )


def messages(world: World, sensor: Sensor) -> list[bytes]:
    """Return who is ahead and how far the ball gets, if anything is."""
    ball: Ball = sensor.settings
    pitch, yaw, _ = (math.radians(angle) for angle in sensor.place.rotation)
    level = ball.distance * math.cos(pitch)
    box = _swept(sensor.place, yaw, level, ball.radius)
    climb = math.tan(pitch)
    hits: list[tuple[float, Actor]] = []
    crowd = [actor for actor in world.actors.values() if solid(actor) and actor.id != sensor.parent]
    if crowd:
        hits += _among(crowd, box, sensor.place.location.z, climb, ball.radius)
    if not ball.only_dynamics:
        hits += _standing(world, box, sensor.place, climb, ball.radius)
    hits = [(way, actor) for way, actor in hits if way <= level]
    if not hits:
        return []
    way, other = min(hits, key=lambda hit: hit[0])
    parent = world.actors.get(sensor.parent, sensor)
    distance = min(way / math.cos(pitch), ball.distance) if level > 0.0 else 0.0
    return [bytes(msgpack.packb([parent.record(), other, distance]))]


def _swept(place: Transform, yaw: float, level: float, radius: float) -> NDArray[np.float64]:
    """Return the box that the ball sweeps on the plan, from its middle at the start to its front at the end."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    half = (level + radius) / 2.0
    x, y, z = place.location
    return np.array([x + half * cos, y + half * sin, cos, sin, half, max(radius, 1e-3), z, 0.0])


def _among(
    crowd: list[SimActor], box: NDArray[np.float64], height: float, climb: float, radius: float
) -> list[tuple[float, Actor]]:
    """Return which actors the ball meets, and where."""
    outlines = boxes_of(crowd, [actor.place for actor in crowd])
    reach = box[4] + np.hypot(outlines[:, 4], outlines[:, 5]) + radius
    near = np.flatnonzero(np.hypot(*(outlines[:, :2] - box[:2]).T) <= reach).tolist()
    found = []
    for one in near:
        outline = outlines[one]
        way = float(ways(box, np.arange(4), _edges(outline), radius).min())
        low, high = outline[6] - radius, outline[6] + outline[7] + radius
        if way < math.inf and low <= height + way * climb <= high:
            found.append((way, crowd[one].record()))
    return found


def _edges(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the four sides `(4, 4)` of an actor's box, without its margin."""
    forward = outline[2:4] * (outline[4] - MARGIN_M)
    right = np.array([-outline[3], outline[2]]) * (outline[5] - MARGIN_M)
    corners = [outline[:2] + a * forward + b * right for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    return np.array([np.concatenate([corners[i], corners[i - 1]]) for i in range(4)])


def _standing(
    world: World, box: NDArray[np.float64], place: Transform, climb: float, radius: float
) -> list[tuple[float, Actor]]:
    """Return the first thing of the town that the ball meets, and where."""
    obstacles = world.obstacles
    numbers = obstacles.within(box)
    if not len(numbers):
        return []
    rolled = ways(box, numbers, obstacles.segments, radius)
    first, way = int(numbers[int(rolled.argmin())]), float(rolled.min())
    x, y, z = place.location
    up = z + way * climb - world.town.ground_height(x + way * float(box[2]), y + way * float(box[3]))
    if way == math.inf or not -radius <= up <= REACH_UP_M + radius:
        return []
    return [(way, standing(world, int(obstacles.parts[first]), int(obstacles.tags[first])))]


KIND = Told(SensorType.OBSTACLE, read, messages)
