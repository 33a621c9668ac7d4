"""Poses: where a thing is that is fixed to another, and where its axes point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import Location, Rotation, Transform

POLE = 1.0 - 1e-13


def compose(parent: Transform, relative: Transform) -> Transform:
    """Return the world pose of a thing from its parent's world pose and its own within the parent's axes."""
    frame = axes(parent.rotation)  # rows are forward, right, up
    moved = np.asarray(relative.location) @ frame + np.asarray(parent.location)
    turned = axes(relative.rotation) @ frame
    return Transform(Location(*map(float, moved)), angles(turned))


def angles(frame: NDArray[np.float64]) -> Rotation:
    """Return pitch, yaw and roll in degrees of `(3, 3)` axes whose rows are forward, right and up."""
    forward, right, up = frame
    if abs(float(forward[2])) > POLE:  # straight up or down, where yaw and roll are one
        yaw = math.degrees(math.atan2(-float(right[0]), float(right[1])))
        return Rotation(math.copysign(90.0, float(forward[2])), yaw, 0.0)
    pitch = math.asin(min(1.0, max(-1.0, float(forward[2]))))
    yaw = math.atan2(float(forward[1]), float(forward[0]))
    roll = math.atan2(-float(right[2]), float(up[2]))
    return Rotation(math.degrees(pitch), math.degrees(yaw), math.degrees(roll))


def wrap_deg(angle: float) -> float:
    """Return the same angle between -180 and 180 degrees."""
    return (angle + 180.0) % 360.0 - 180.0


def heading(yaw_deg: float) -> tuple[float, float]:
    """Return the level unit vector that looks along a yaw."""
    yaw = math.radians(yaw_deg)
    return math.cos(yaw), math.sin(yaw)
