"""Normals camera: which way each surface looks, in world axes, as a colour."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.sensors.images import Lens, read_lens
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType


def _draw(cameras: Cameras, shot: Shot) -> bytes:
    """Return red, green and blue for x, y and z, -1..1 as 0..255 (CARLA since pull request 8810); sky is grey."""
    lens: Lens = shot.settings
    frame = cameras.frame(lens.camera(shot.place), shot.still)
    image = np.full((lens.height, lens.width, 4), 255, np.uint8)
    image[..., 2::-1] = np.rint(np.clip(frame.normals(), -1.0, 1.0) * 127.5 + 127.5)
    return lens.opening() + image.tobytes()


KIND = Drawn(SensorType.NORMALS, read_lens, _draw)
