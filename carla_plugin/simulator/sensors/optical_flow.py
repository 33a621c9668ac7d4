"""Optical flow: how what each pixel sees has moved in the image since this sensor's last message."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.render import Camera
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.render.flow import Motion, flow_between
from carla_plugin.simulator.sensors.images import Lens, read_lens
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Transform


def _draw(cameras: Cameras, shot: Shot) -> bytes:
    """Return two float32 a pixel: right and up, in halves of the image's width and height.

    That is the engine's velocity in clip space, present minus past (CARLA issue 4795): a point that has moved by one
    whole image has 2. Nothing has moved in a sensor's first message. People move as one piece.
    """
    lens: Lens = shot.settings
    camera = lens.camera(shot.place)
    frame = cameras.frame(camera, shot.still)
    before: tuple[Camera, Still] = shot.memory.get("before", (camera, shot.still))
    shot.memory["before"] = camera, shot.still
    motions = _motions(shot.still, before[1])
    return lens.opening() + flow_between(camera, before[0], frame.depth, frame.instances, motions).tobytes()


def _motions(now: Still, before: Still) -> dict[int, Motion]:
    """Return how to go from where actors are to where they were; those that are new have not moved."""
    were = {each.actor_id: each.transform for each in before.placed}
    return {
        each.actor_id: _back(each.transform, were[each.actor_id])
        for each in now.placed
        if were.get(each.actor_id, each.transform) != each.transform
    }


def _back(now: Transform, before: Transform) -> Motion:
    """Return the turn and shift that take world points of a body from now to before."""
    turn = axes(before.rotation).T @ axes(now.rotation)
    here, there = np.array(now.location, dtype=np.float64), np.array(before.location, dtype=np.float64)
    return turn, there - turn @ here


KIND = Drawn(SensorType.OPTICAL_FLOW, read_lens, _draw)
