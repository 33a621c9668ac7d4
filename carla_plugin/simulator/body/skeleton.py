"""Skeleton: CARLA's bones of a person, and where our rig of joints has each of them.

A bone's own axes are those of the body at rest: x forward, y right, z up. Arms and legs hang along -z, so that an angle
means the same on every bone, and no pose near standing is at the pole of CARLA's angles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.assets.people import Joints, Side
from carla_plugin.simulator.assets.people_body import droop_deg
from carla_plugin.simulator.assets.shapes import rotation

Floats = NDArray[np.float64]

ROOT = "crl_root"
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
_SPREAD = (0.016, 0.012, 0.004, -0.004, -0.012)  # of the fingers over the palm, shares of the height
_KNUCKLES = ("", "01", "02", "End")


def _bones() -> tuple[tuple[str, int], ...]:
    """Return name and number of the parent of each bone, parents first, in CARLA's order."""
    rows: list[tuple[str, int]] = []

    def add(name: str, parent: int) -> int:
        rows.append((name, parent))
        return len(rows) - 1

    def arm(letter: str, chest: int) -> None:
        at = chest
        for part in ("shoulder", "arm", "foreArm", "hand"):
            at = add(f"crl_{part}__{letter}", at)
        for finger in FINGERS:
            knuckle = at
            for end in _KNUCKLES:
                knuckle = add(f"crl_hand{finger}{end}__{letter}", knuckle)

    hips = add("crl_hips__C", add(ROOT, -1))
    chest = add("crl_spine01__C", add("crl_spine__C", hips))
    arm("L", chest)
    head = add("crl_Head__C", add("crl_neck__C", chest))
    add("crl_eye__L", head)
    add("crl_eye__R", head)
    arm("R", chest)
    for letter in "RL":
        at = hips
        for part in ("thigh", "leg", "foot", "toe", "toeEnd"):
            at = add(f"crl_{part}__{letter}", at)
    return tuple(rows)


BONES: tuple[str, ...] = tuple(name for name, _ in _bones())
PARENTS: tuple[int, ...] = tuple(parent for _, parent in _bones())
NUMBER: dict[str, int] = {name: number for number, name in enumerate(BONES)}


class Frames(NamedTuple):
    """Hold where B bones are.

    Attributes:
        turn: `(B, 3, 3)` float64, rows are each bone's forward, right and up.
        place: `(B, 3)` float64 metres.
    """

    turn: Floats
    place: Floats


def frames_of(joints: Joints, lift: float) -> Frames:
    """Return the bones of a rig within the axes of its feet.

    Args:
        joints: of the person.
        lift: metres by which the rig is raised so that it stands on the ground.
    """
    turn, place = np.tile(np.eye(3), (len(BONES), 1, 1)), np.zeros((len(BONES), 3))
    trunk, height = joints.neck - joints.pelvis, joints.height
    upright = _along(trunk, np.array([1.0, 0.0, 0.0]))

    def put(name: str, at: Floats, frame: Floats) -> None:
        place[NUMBER[name]], turn[NUMBER[name]] = at, frame

    put("crl_hips__C", joints.pelvis, upright)
    put("crl_spine__C", joints.pelvis + 0.25 * trunk, upright)
    put("crl_spine01__C", joints.pelvis + 0.55 * trunk, upright)
    put("crl_neck__C", joints.neck, upright)
    put("crl_Head__C", joints.neck + 0.35 * (joints.head - joints.neck), np.eye(3))
    for letter, side, aside in zip("RL", joints.sides, (1.0, -1.0), strict=True):
        put(f"crl_eye__{letter}", joints.head + np.array([0.0475, aside * 0.019, 0.006]) * height, np.eye(3))
        put(f"crl_shoulder__{letter}", joints.neck + 0.25 * (side.shoulder - joints.neck), upright)
        upper, fore = _along(side.shoulder - side.elbow, upright[0]), _along(side.elbow - side.hand, upright[0])
        put(f"crl_arm__{letter}", side.shoulder, upper)
        put(f"crl_foreArm__{letter}", side.elbow, fore)
        put(f"crl_hand__{letter}", side.hand, fore)
        for finger, spread in zip(FINGERS, _SPREAD, strict=True):
            reach = 0.012 if finger == "Thumb" else 0.022
            for number, end in enumerate(_KNUCKLES):
                within = np.array([spread, 0.0, -(reach + 0.010 * number)]) * height
                put(f"crl_hand{finger}{end}__{letter}", side.hand + within @ fore, fore)
        thigh, shin = _along(side.hip - side.knee, upright[0]), _along(side.knee - side.foot, upright[0])
        put(f"crl_thigh__{letter}", side.hip, thigh)
        put(f"crl_leg__{letter}", side.knee, shin)
        sole = _sole(side)
        put(f"crl_foot__{letter}", side.foot, sole)
        for name, ahead, down in (("toe", 0.065, -0.008), ("toeEnd", 0.112, -0.008)):
            put(f"crl_{name}__{letter}", side.foot + np.array([ahead, 0.0, down]) * height @ sole, sole)
    place[1:, 2] += lift
    return Frames(turn, place)


def _along(up: Floats, front: Floats) -> Floats:
    """Return `(3, 3)` axes whose z is along `up`, and whose x is as near to `front` as can be."""
    z = up / np.linalg.norm(up)
    x = front - z * float(front @ z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _sole(side: Side) -> Floats:
    """Return `(3, 3)` axes of a shoe."""
    return rotation("y", droop_deg(side)).T
