"""Idle: people stir while they stand, frozen or not; only a pose that a client shows in full stays as it is."""

from __future__ import annotations

import math

from carla_plugin.simulator.actors import Walker
from carla_plugin.simulator.body.figures import bent, drawn, shown_pose
from carla_plugin.simulator.body.skeleton import NUMBER, Frames
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import Rotation

BREATH_S = 3.2
STEPS = 32  # of a breath: few enough to make each body once
ANGLES_DEG = {"crl_spine__C": (3.0, 4.0), "crl_arm__L": (6.0, 3.0), "crl_arm__R": (6.0, -3.0)}
"""Pitch and roll of each bone that moves."""


def stirring(walker: Walker, elapsed_s: float) -> Mesh:
    """Return the body of a walker amid a breath; the dead do not breathe."""
    if walker.died_s is not None or walker.blend >= 1.0:
        return drawn(walker)
    step = (round(STEPS * elapsed_s / BREATH_S) + 7 * walker.id) % STEPS
    return bent(walker, stirred(shown_pose(walker), step, 1.0 - walker.blend))


def stirred(pose: Frames, step: int, share: float) -> Frames:
    """Return a pose at a step of the breath.

    Args:
        pose: bones within their parents' axes.
        step: 0 to `STEPS` - 1.
        share: how much of it shows, 0..1.
    """
    turn = pose.turn.copy()
    phase = 2.0 * math.pi * (step + 0.5) / STEPS
    for name, (pitch, roll) in ANGLES_DEG.items():
        angle = Rotation(share * pitch * math.sin(phase), 0.0, share * roll * math.cos(phase))
        turn[NUMBER[name]] = axes(angle) @ turn[NUMBER[name]]
    return Frames(turn, pose.place)
