"""People's bodies: poses read bone by bone, and shown again in full, so that nobody strides or breathes on."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from carla_plugin.layouts import BONE_BYTES, Pose
from carla_plugin.world.connection import World

COLUMNS = BONE_BYTES // 4


class PoseBook:
    """Collect people's poses, each once.

    Attributes:
        skeletons: lists of bone names.
        poses: in the order in which they were first seen.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.skeletons: list[tuple[str, ...]] = []
        self.poses: list[Pose] = []
        self._numbers: dict[Pose, int] = {}

    def number_of(self, world: World, walker: carla.Walker) -> int:
        """Return the number of the pose that a person has now."""
        with world.asking("reading a person's bones"):
            bones = walker.get_bones().bone_transforms
        names = tuple(str(bone.name) for bone in bones)
        if names not in self.skeletons:
            self.skeletons.append(names)
        rows = np.empty((len(bones), COLUMNS), dtype="<f4")
        for row, bone in zip(rows, bones, strict=True):
            place, turn = bone.relative.location, bone.relative.rotation
            row[:] = (place.x, place.y, place.z, turn.pitch, turn.yaw, turn.roll)
        pose = Pose(self.skeletons.index(names), rows.tobytes())
        if pose not in self._numbers:
            self._numbers[pose] = len(self.poses)
            self.poses.append(pose)
        return self._numbers[pose]


def bone_control(names: tuple[str, ...], pose: Pose) -> Any:
    """Return the wheel's order that sets all bones of a pose."""
    control = carla.WalkerBoneControlIn()
    control.bone_transforms = [
        (name, carla.Transform(carla.Location(x, y, z), carla.Rotation(pitch=pitch, yaw=yaw, roll=roll)))
        for name, (x, y, z, pitch, yaw, roll) in zip(
            names, np.frombuffer(pose.bones, dtype="<f4").reshape(-1, COLUMNS).tolist(), strict=True
        )
    ]
    return control
