"""People: one rig of joints, for those who walk and those who ride."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.assets.shapes import Point

Array = NDArray[np.float64]


class Side(NamedTuple):
    """Hold the joints of one side of a body, metres."""

    hip: Array
    knee: Array
    foot: Array
    shoulder: Array
    elbow: Array
    hand: Array


class Joints(NamedTuple):
    """Hold the joints of a body of `height` metres; the torso goes from `pelvis` to `neck`."""

    height: float
    pelvis: Array
    neck: Array
    head: Array
    sides: tuple[Side, Side]


def walking(height: float, phase: float) -> Joints:
    """Return the joints of a walker at a phase 0..1 of the gait; negative = standing."""
    swing = 0.0 if phase < 0 else 1.0
    thigh, shin, upper, fore = 0.245 * height, 0.245 * height, 0.165 * height, 0.15 * height
    pelvis = np.array([0.0, 0.0, 0.52 * height])
    neck = np.array([0.02 * height * swing, 0.0, 0.83 * height])
    sides = []
    for side, start in ((1.0, 0.0), (-1.0, 0.5)):
        turn = 2 * math.pi * (phase + start)
        leg = math.radians(26.0) * swing * math.sin(turn)
        bend = math.radians(6.0 + 38.0 * swing * max(0.0, math.sin(turn + 1.3)) ** 2)
        arm = math.radians(-22.0) * swing * math.sin(turn)
        hip = pelvis + [0.0, side * 0.052 * height, 0.0]
        knee = hip + thigh * _down(leg)
        foot = knee + shin * _down(leg - bend)
        shoulder = neck + [0.0, side * 0.109 * height, -0.027 * height]
        elbow = shoulder + upper * _down(arm) + [0.0, side * 0.03 * height, 0.0]
        hand = elbow + fore * _down(arm + math.radians(14.0 + 10.0 * swing))
        sides.append(Side(hip, knee, foot, shoulder, elbow, hand))
    return Joints(height, pelvis, neck, neck + [0.02 * height, 0.0, 0.09 * height], (sides[0], sides[1]))


def seated(height: float, seat: Point, lean_deg: float, hands: Point, feet: tuple[Point, Point]) -> Joints:
    """Return the joints of a rider.

    Args:
        height: of the person, metres.
        seat: (x, y, z) of the pelvis.
        lean_deg: of the back, forward from upright.
        hands: of the right hand; the left is its mirror image.
        feet: of the right and of the left foot.
    """
    pelvis = np.asarray(seat, dtype=np.float64)
    lean = math.radians(lean_deg)
    neck = pelvis + 0.31 * height * np.array([math.sin(lean), 0.0, math.cos(lean)])
    head = neck + 0.09 * height * np.array([math.sin(lean * 0.4) + 0.2, 0.0, math.cos(lean * 0.4)])
    sides = []
    for side, foot in ((1.0, feet[0]), (-1.0, feet[1])):
        hip = pelvis + [0.0, side * 0.055 * height, 0.0]
        end = np.asarray(foot, dtype=np.float64)
        knee = _bent(hip, end, 0.25 * height, 0.245 * height, np.array([1.0, side * 0.15, 0.4]))
        shoulder = neck + [0.0, side * 0.109 * height, -0.027 * height]
        hand = np.array([hands[0], side * abs(hands[1]), hands[2]])
        elbow = _bent(shoulder, hand, 0.165 * height, 0.16 * height, np.array([-0.2, side * 0.7, -0.7]))
        sides.append(Side(hip, knee, end, shoulder, elbow, hand))
    return Joints(height, pelvis, neck, head, (sides[0], sides[1]))


def _down(angle: float) -> Array:
    return np.array([math.sin(angle), 0.0, -math.cos(angle)])


def _bent(start: Array, end: Array, first: float, second: float, toward: Array) -> Array:
    """Return the joint between two bones that reach from start to end, bent toward a direction."""
    line = end - start
    length = min(float(np.linalg.norm(line)), (first + second) * 0.999)
    axis = line / max(float(np.linalg.norm(line)), 1e-9)
    along = (first**2 - second**2 + length**2) / (2 * length)
    away = toward - axis * float(toward @ axis)
    away /= max(float(np.linalg.norm(away)), 1e-9)
    return np.asarray(start + axis * along + away * math.sqrt(max(first**2 - along**2, 0.0)), dtype=np.float64)
