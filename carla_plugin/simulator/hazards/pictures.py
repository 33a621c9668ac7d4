"""Picture hazards: images that were drawn well and arrive spoilt."""

from __future__ import annotations

import math

import numpy as np

from carla_plugin.simulator.hazards import Hazards
from carla_plugin.simulator.sensors.kind import Shot
from protocols.carla_rpc.streaming import SensorType

OPENING = 12  # bytes before the pixels
WRONG_SHARE = 0.02
SPEED_UP, SPEED_DOWN = 3.0, 1.0  # of automatic exposure, 1/s: toward brighter and darker scenes
STRENGTH = 1.5  # how much of a change of brightness is seen before the exposure follows


def spoilt(hazards: Hazards, wire: int, shot: Shot, manual: bool, body: bytes) -> bytes:
    """Return an image's bytes as they arrive.

    Args:
        hazards: that are on.
        wire: the sensor's type.
        shot: of which the image was made.
        manual: whether the camera's exposure is fixed.
        body: what follows the header.
    """
    if wire == SensorType.SEMANTIC and "wrong-pixel" in hazards:
        return wrong_pixel(body, hazards.seed, shot.frame, shot.number)
    if wire == SensorType.RGB and "exposure" in hazards and not manual:
        return exposed(body, shot)
    return body


def wrong_pixel(body: bytes, seed: int, frame: int, sensor: int) -> bytes:
    """Return a mask that has, in 2 % of the frames, one pixel of another class."""
    dice = np.random.Generator(np.random.PCG64([seed, frame, sensor]))
    if dice.random() >= WRONG_SHARE:
        return body
    spoiled = bytearray(body)
    red = OPENING + 4 * int(dice.integers((len(body) - OPENING) // 4)) + 2
    spoiled[red] = (spoiled[red] + 1 + int(dice.integers(20))) % 29
    return bytes(spoiled)


def exposed(body: bytes, shot: Shot) -> bytes:
    """Return a picture as a camera shows it whose exposure still follows the last change of brightness."""
    pixels = np.frombuffer(body, np.uint8, offset=OPENING).reshape(-1, 4)
    bright = math.log(float(pixels[::7, :3].mean()) + 2.0)
    used: float = shot.memory.get("exposed_for", bright)
    gap = bright - used
    speed = SPEED_UP if gap > 0.0 else SPEED_DOWN
    waited = shot.elapsed_s - shot.memory.get("exposed_at", shot.elapsed_s)
    gap *= math.exp(-speed * max(waited, 0.0))
    shot.memory["exposed_for"], shot.memory["exposed_at"] = bright - gap, shot.elapsed_s
    if abs(gap) < 1e-3:
        return body
    out = pixels.copy()
    out[:, :3] = np.clip(out[:, :3].astype(np.float32) * math.exp(STRENGTH * gap), 0.0, 255.0).astype(np.uint8)
    return body[:OPENING] + out.tobytes()
