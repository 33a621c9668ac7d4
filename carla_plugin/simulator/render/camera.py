"""Camera: CARLA's pinhole, its axes, and the projection that visibility works in."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.carla_rpc.types import Rotation, Transform


class Camera(NamedTuple):
    """Describe a pinhole camera.

    Attributes:
        transform: place in metres and direction in degrees, CARLA's axes.
        width: columns in pixels.
        height: rows in pixels.
        fov_deg: horizontal field of view in degrees, between 1 and 179.
    """

    transform: Transform
    width: int
    height: int
    fov_deg: float

    @property
    def focal_px(self) -> float:
        """Return the focal length in pixels, the same in both directions."""
        return self.width / (2.0 * math.tan(math.radians(self.fov_deg) / 2.0))


def axes(rotation: Rotation) -> NDArray[np.float64]:
    """Return `(3, 3)` float64 whose rows are forward, right and up in world axes (Unreal's FRotationMatrix)."""
    pitch, yaw, roll = (math.radians(angle) for angle in rotation)
    cp, sp, cy, sy, cr, sr = (
        math.cos(pitch), math.sin(pitch), math.cos(yaw), math.sin(yaw), math.cos(roll), math.sin(roll),
    )  # fmt: skip
    return np.array(
        [
            [cp * cy, cp * sy, sp],
            [cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, -cp * sr],
            [-cy * sp * cr - sy * sr, -sy * sp * cr + cy * sr, cp * cr],
        ]
    )


def projection(camera: Camera) -> NDArray[np.float64]:
    """Return `(3, 4)` float64 that takes world metres to homogeneous pixels (x*w, y*w, w), w metres of depth.

    Pixel centres lie at +0.5; the optical axis meets the image in its middle, as in CARLA's own examples.
    """
    forward, right, up = axes(camera.transform.rotation)
    middle_x, middle_y = camera.width / 2.0, camera.height / 2.0
    rows = np.stack([camera.focal_px * right + middle_x * forward, -camera.focal_px * up + middle_y * forward, forward])
    place = np.array(camera.transform.location, dtype=np.float64)
    return np.concatenate([rows, -(rows @ place)[:, None]], axis=1)


def pixel_rays(camera: Camera) -> NDArray[np.float64]:
    """Return `(4, 3)` float64: position, then the ray steps per column, per row and at pixel coordinate (0, 0).

    A world point seen at pixel coordinates (x, y) and depth d is `r[0] + d * (x * r[1] + y * r[2] + r[3])`.
    """
    forward, right, up = axes(camera.transform.rotation)
    focal = camera.focal_px
    corner = forward - right * (camera.width / 2.0 / focal) + up * (camera.height / 2.0 / focal)
    return np.stack([np.array(camera.transform.location, dtype=np.float64), right / focal, -up / focal, corner])
