"""Picture hazards: masks that were drawn well and arrive spoilt."""

from __future__ import annotations

from carla_plugin.simulator.hazards import Hazards
from carla_plugin.simulator.hazards.dice import lot
from carla_plugin.simulator.sensors.kind import Shot
from protocols.carla_rpc.streaming import SensorType
from protocols.labels import TAGS

OPENING = 12  # bytes before the pixels
WRONG_ONE_IN = 50


def spoilt(hazards: Hazards, wire: int, shot: Shot, body: bytes) -> bytes:
    """Return an image's bytes as they arrive.

    Args:
        hazards: that are on.
        wire: the sensor's type.
        shot: of which the image was made.
        body: what follows the header.
    """
    if wire == SensorType.SEMANTIC and "wrong-pixel" in hazards:
        return wrong_pixel(body, hazards.seed, shot.frame, shot.number)
    return body


def wrong_pixel(body: bytes, seed: int, frame: int, sensor: int) -> bytes:
    """Return a mask that has, in one of fifty frames, one pixel of another tag that exists."""
    if lot(WRONG_ONE_IN, seed, frame, sensor, 0):
        return body
    red = OPENING + 4 * lot((len(body) - OPENING) // 4, seed, frame, sensor, 1) + 2
    others = [row.tag for row in TAGS if row.tag != body[red]]
    return body[:red] + bytes([others[lot(len(others), seed, frame, sensor, 2)]]) + body[red + 1 :]
