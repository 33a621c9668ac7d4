"""Optical flow: how what each pixel sees has moved in the image since this sensor's last message."""

from __future__ import annotations

from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.render import Camera
from carla_plugin.simulator.sensors.images import Lens, read_lens
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType


def _draw(cameras: Cameras, shot: Shot) -> bytes:
    """Return two float32 a pixel: right and up, in halves of the image's width and height.

    That is the engine's velocity in clip space, present minus past (CARLA issue 4795): a point that has moved by one
    whole image has 2. Nothing has moved in a sensor's first message.
    """
    lens: Lens = shot.settings
    camera = lens.camera(shot.place)
    frame = cameras.frame(camera, shot.still)
    before: tuple[Camera, Still] = shot.memory.get("before", (camera, shot.still))
    shot.memory["before"] = camera, shot.still
    return lens.opening() + frame.flow(before[0], before[1].placed).tobytes()


KIND = Drawn(SensorType.OPTICAL_FLOW, read_lens, _draw)
