"""People: one rig of joints, dressed, for those who walk and those who ride."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.assets.shapes import Colour, Finish, Point, as_one, ball, box, tube, turned
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

Array = NDArray[np.float64]

SKINS: tuple[Colour, ...] = ((240, 200, 170), (224, 178, 140), (190, 140, 104), (140, 96, 68), (98, 66, 48))
HAIRS: tuple[Colour, ...] = ((30, 24, 20), (70, 46, 30), (120, 84, 44), (190, 160, 100), (150, 150, 152))
TOPS: tuple[Colour, ...] = (
    (176, 44, 40), (40, 70, 130), (232, 230, 224), (52, 54, 60), (60, 110, 80), (206, 160, 70), (120, 60, 110),
    (90, 150, 190), (210, 110, 60), (130, 132, 136), (24, 26, 34), (170, 190, 150),
)  # fmt: skip
LEGS: tuple[Colour, ...] = ((40, 50, 78), (34, 34, 38), (110, 96, 76), (70, 74, 80), (150, 140, 120), (56, 66, 90))


class Look(NamedTuple):
    """Say how a person is dressed.

    Attributes:
        skin: sRGB.
        hair: sRGB.
        top: sRGB of the upper clothes.
        legs: sRGB of the trousers.
        shoes: sRGB.
        extra: "" or one of backpack, coat, skirt, hat, helmet.
    """

    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    shoes: Colour = (36, 32, 30)
    extra: str = ""


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


def look_of(number: int) -> Look:
    """Return clothes, skin and hair by a number."""
    extras = ("", "", "backpack", "", "coat", "hat", "", "skirt")
    return Look(
        SKINS[number * 7 % 5], HAIRS[number * 3 % 5], TOPS[number * 5 % 12], LEGS[number * 11 % 6],
        extra=extras[number % 8],
    )  # fmt: skip


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
        shoulder = neck + [0.0, side * 0.115 * height, -0.02 * height]
        elbow = shoulder + upper * _down(arm) + [0.0, side * 0.02 * height, 0.0]
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
        shoulder = neck + [0.0, side * 0.115 * height, -0.02 * height]
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


def body(joints: Joints, look: Look, tag: int) -> Mesh:
    """Dress a body; about 500 triangles."""
    h = joints.height
    skin, hair = Finish(Material.SKIN, tag, look.skin), Finish(Material.CLOTH, tag, look.hair)
    top, legs = Finish(Material.CLOTH, tag, look.top), Finish(Material.CLOTH, tag, look.legs)
    shoes = Finish(Material.RUBBER, tag, look.shoes)
    parts = [*_torso(joints, top, legs), *_head(joints, look, skin, hair, tag)]
    for side in joints.sides:
        parts += [
            tube(side.hip, side.knee, 0.052 * h, legs, end_radius=0.036 * h, sides=7),
            tube(side.knee, side.foot, 0.037 * h, legs, end_radius=0.026 * h, sides=6),
            box((side.foot[0] + 0.035 * h, side.foot[1], side.foot[2] + 0.004 * h), (0.145 * h, 0.052 * h, 0.042 * h),
                shoes, bevel=0.006 * h),
            ball(side.shoulder, (0.038 * h, 0.036 * h, 0.038 * h), top, sides=6, rings=4),
            tube(side.shoulder, side.elbow, 0.031 * h, top, end_radius=0.025 * h, sides=6),
            tube(side.elbow, side.hand, 0.025 * h, top, end_radius=0.018 * h, sides=6),
            ball(side.hand, (0.022 * h, 0.018 * h, 0.03 * h), skin, sides=5, rings=4),
        ]  # fmt: skip
    if look.extra == "backpack":
        middle = (joints.pelvis + joints.neck) / 2
        pack = Finish(Material.CLOTH, tag, (60, 52, 46))
        parts.append(
            box((middle[0] - 0.1 * h, 0.0, middle[2] + 0.03 * h), (0.08 * h, 0.15 * h, 0.2 * h), pack, bevel=0.02)
        )
    if look.extra in ("coat", "skirt"):
        low = joints.pelvis - [0.0, 0.0, (0.14 if look.extra == "coat" else 0.2) * h]
        parts.append(
            _wide(tube(joints.pelvis + [0.0, 0.0, 0.06 * h], low, 0.075 * h, top, end_radius=0.105 * h, sides=9), 1.25)
        )
    return as_one(parts)


def _torso(joints: Joints, top: Finish, legs: Finish) -> list[Mesh]:
    h, up = joints.height, joints.neck - joints.pelvis
    waist, chest = joints.pelvis + up * 0.3, joints.pelvis + up * 0.78
    return [
        _wide(tube(joints.pelvis - up * 0.08, waist, 0.068 * h, legs, end_radius=0.062 * h, sides=9), 1.3),
        _wide(tube(waist, chest, 0.063 * h, top, end_radius=0.078 * h, sides=9), 1.4),
        _wide(tube(chest, joints.neck, 0.078 * h, top, end_radius=0.04 * h, sides=9), 1.4),
    ]


def _wide(mesh: Mesh, factor: float) -> Mesh:
    """Return the mesh stretched to the sides."""
    return turned(mesh, np.diag([1.0, factor, 1.0]))


def _head(joints: Joints, look: Look, skin: Finish, hair: Finish, tag: int) -> list[Mesh]:
    h, head = joints.height, joints.head
    parts = [
        tube(joints.neck - [0.0, 0.0, 0.02 * h], head, 0.032 * h, skin, sides=6),
        ball(head, (0.058 * h, 0.048 * h, 0.068 * h), skin, sides=9, rings=6),
    ]
    if look.extra == "helmet":
        shell = Finish(Material.CAR_PAINT, tag, look.top)
        return [*parts[:1], ball(head, (0.082 * h, 0.072 * h, 0.08 * h), shell, sides=10, rings=7),
                box((head[0] + 0.065 * h, 0.0, head[2]), (0.04 * h, 0.1 * h, 0.045 * h),
                    Finish(Material.GLASS, tag, (20, 22, 26)))]  # fmt: skip
    parts.append(ball(head + [-0.012 * h, 0.0, 0.014 * h], (0.058 * h, 0.053 * h, 0.062 * h), hair, sides=8, rings=5))
    if look.extra == "hat":
        felt = Finish(Material.CLOTH, tag, look.legs)
        parts.append(tube(head + [0, 0, 0.035 * h], head + [0, 0, 0.045 * h], 0.085 * h, felt, sides=10))
        parts.append(
            tube(head + [0, 0, 0.04 * h], head + [0, 0, 0.1 * h], 0.058 * h, felt, end_radius=0.05 * h, sides=9)
        )
    return parts
