"""Figures: the bones and the drawn body of a living walker, its gait and the pose that a client blends in."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.actors import Walker
from carla_plugin.simulator.assets.walkers import (
    SITTING,
    STANDING,
    dressed,
    figure,
    step_of,
    stride_length,
    walker_height,
)
from carla_plugin.simulator.body.pose import blended, within_one, within_parents
from carla_plugin.simulator.body.skeleton import BONES, Frames, frames_of
from carla_plugin.simulator.body.skin import Floats, deformed, weights
from carla_plugin.simulator.death import lying
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.motion import stride
from protocols.carla_rpc.types import Location, Transform

STILL = step_of(STANDING)


class Posture(NamedTuple):
    """Hold the pose that a client has taken or set.

    Attributes:
        pose: bones within their parents' axes.
        step: the drawn phase of the gait at which it was taken: the skin is stretched from there.
    """

    pose: Frames
    step: int


def gait_step(walker: Walker) -> int:
    """Return the drawn phase of a walker's gait, -1 for standing, `SITTING` in a wheelchair."""
    if walker.seated and walker.died_s is None:
        return SITTING
    return step_of(stride(walker, stride_length(walker.description.id)))


@lru_cache(maxsize=2048)
def gait_pose(blueprint_id: str, step: int) -> Frames:
    """Return the bones of a person at a phase of the gait, within their parents' axes."""
    person = figure(blueprint_id, step)
    return within_parents(frames_of(person.joints, person.lift))


def posture_of(walker: Walker) -> Posture:
    """Return the pose that a client has set, or that of the gait just now if none has."""
    if walker.posture is not None:
        held: Posture = walker.posture
        return held
    return taken(walker)


def taken(walker: Walker) -> Posture:
    """Return the pose of a walker's gait just now."""
    step = gait_step(walker)
    return Posture(gait_pose(walker.description.id, step), step)


def shown_pose(walker: Walker) -> Frames:
    """Return the bones of a walker as drawn, within their parents' axes."""
    return blended(gait_pose(walker.description.id, gait_step(walker)), posture_of(walker).pose, walker.blend)


def feet_of(walker: Walker) -> Transform:
    """Return where the drawn body of a walker stands, between the feet, or how it lies."""
    (x, y, z), turn = walker.place
    feet = Transform(Location(x, y, z - walker.half_height), turn)
    if walker.died_s is None:
        return feet
    body = figure(walker.description.id, STILL).mesh
    return lying(feet, walker_height(walker.description.id), -float(body.vertices[:, 0].min()))


def drawn(walker: Walker) -> Mesh:
    """Return the body of a walker, feet about the origin; the same object for the same pose."""
    name, step = walker.description.id, gait_step(walker)
    if walker.blend <= 0.0:
        return figure(name, step).mesh
    return bent(walker, shown_pose(walker))


def bent(walker: Walker, pose: Frames) -> Mesh:
    """Return the body of a walker in a pose of bones within their parents' axes; the same object for the same pose."""
    base = posture_of(walker).step if walker.blend >= 1.0 else gait_step(walker)
    return _posed(walker.description.id, base, pose.turn.tobytes(), pose.place.tobytes())


@lru_cache(maxsize=256)
def _posed(blueprint_id: str, step: int, turn: bytes, place: bytes) -> Mesh:
    pose = Frames(
        np.frombuffer(turn, np.float64).reshape(len(BONES), 3, 3), np.frombuffer(place, np.float64).reshape(-1, 3)
    )
    before, shares = _dressed(blueprint_id, step)
    return deformed(figure(blueprint_id, step).mesh, shares, before, within_one(pose))


@lru_cache(maxsize=64)
def _dressed(blueprint_id: str, step: int) -> tuple[Frames, Floats]:
    """Return where the bones of a body are, and with which shares its points follow them."""
    joints, lift, _ = figure(blueprint_id, step)
    rig = frames_of(joints, 0.0)  # the pieces are within the axes of the rig
    shares = weights(dressed(blueprint_id, joints, sits=step == SITTING), rig, walker_height(blueprint_id))
    return frames_of(joints, lift), shares
