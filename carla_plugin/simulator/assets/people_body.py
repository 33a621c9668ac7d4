"""Bodies: skin, hair and clothes over the joints of a person."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.assets.people import Array, Joints, Side
from carla_plugin.simulator.assets.shapes import (
    Colour,
    Finish,
    as_one,
    ball,
    box,
    extruded,
    loft,
    pipe,
    rotation,
    tube,
    turned,
)
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

SKINS: tuple[Colour, ...] = ((240, 200, 170), (224, 178, 140), (190, 140, 104), (140, 96, 68), (98, 66, 48))
HAIRS: tuple[Colour, ...] = ((30, 24, 20), (70, 46, 30), (120, 84, 44), (190, 160, 100), (96, 44, 26))
GREY: Colour = (158, 158, 160)
TOPS: tuple[Colour, ...] = (
    (176, 44, 40), (40, 70, 130), (232, 230, 224), (52, 54, 60), (60, 110, 80), (206, 160, 70), (120, 60, 110),
    (90, 150, 190), (210, 110, 60), (130, 132, 136), (24, 26, 34), (170, 190, 150),
)  # fmt: skip
LEGS: tuple[Colour, ...] = ((40, 50, 78), (34, 34, 38), (110, 96, 76), (70, 74, 80), (150, 140, 120), (56, 66, 90))
SHOES: tuple[Colour, ...] = ((36, 32, 30), (84, 58, 40), (196, 194, 190), (48, 52, 66))
PACKS: tuple[Colour, ...] = ((60, 52, 46), (150, 40, 40), (44, 78, 66), (50, 60, 96))

# cross sections of the torso: where on the way from pelvis to neck, half depth and half width as shares of the height
_HIPS = ((-0.24, 0.040, 0.045), (-0.12, 0.064, 0.096), (0.06, 0.068, 0.101), (0.20, 0.058, 0.084))
_CHEST = ((0.09, 0.070, 0.103), (0.32, 0.061, 0.084), (0.60, 0.070, 0.100), (0.84, 0.068, 0.118),
          (0.95, 0.054, 0.104), (1.02, 0.034, 0.044))  # fmt: skip


class Look(NamedTuple):
    """Say how a person is dressed.

    Attributes:
        skin: sRGB.
        hair: sRGB.
        top: sRGB of the upper clothes.
        legs: sRGB of the trousers or the skirt.
        shoes: sRGB.
        extra: "" or one of backpack, coat, skirt, hat, helmet.
        long_hair: whether the hair falls on the shoulders.
        pack: sRGB of the backpack.
    """

    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    shoes: Colour = SHOES[0]
    extra: str = ""
    long_hair: bool = False
    pack: Colour = PACKS[0]


def look_of(number: int) -> Look:
    """Return clothes, skin and hair by a number."""
    extras = ("", "", "backpack", "", "coat", "hat", "", "skirt")
    return Look(
        SKINS[number * 7 % 5], HAIRS[number * 3 % 5], TOPS[number * 5 % 12], LEGS[number * 11 % 6],
        SHOES[number // 3 % 4], extras[number % 8], number % 2 == 1 and number % 5 != 0, PACKS[number // 8 % 4],
    )  # fmt: skip


class Piece(NamedTuple):
    """Hold a piece of a body and what it hangs on.

    Attributes:
        region: trunk, head, leg, foot, arm, hand or hem.
        side: 0 for the right, 1 for the left, -1 for the middle.
        mesh: within the axes of the rig.
    """

    region: str
    side: int
    mesh: Mesh


def body(joints: Joints, look: Look, tag: int) -> Mesh:
    """Dress a body; about 800 triangles."""
    return as_one([piece.mesh for piece in pieces(joints, look, tag)])


def pieces(joints: Joints, look: Look, tag: int) -> list[Piece]:
    """Return what a dressed body is made of."""
    h = joints.height
    skin, hair = Finish(Material.SKIN, tag, look.skin), Finish(Material.CLOTH, tag, look.hair)
    top, lower = Finish(Material.CLOTH, tag, look.top), Finish(Material.CLOTH, tag, look.legs)
    legs = skin if look.extra == "skirt" else lower
    shoes = Finish(Material.RUBBER, tag, look.shoes)
    made = [Piece("trunk", -1, _trunk(joints, _HIPS, lower)), Piece("trunk", -1, _trunk(joints, _CHEST, top))]
    made += [Piece("head", -1, part) for part in _head(joints, look, skin, hair, tag)]
    for number, side in enumerate(joints.sides):
        leg, shoe = _leg(side, h, legs, shoes)
        shoulder, sleeve, hand = _arm(side, h, top, skin)
        made += [Piece("leg", number, leg), Piece("foot", number, shoe), Piece("arm", number, shoulder),
                 Piece("arm", number, sleeve), Piece("hand", number, hand)]  # fmt: skip
    if look.extra == "backpack":
        made.append(Piece("trunk", -1, _pack(joints, Finish(Material.CLOTH, tag, look.pack))))
    if look.extra in ("coat", "skirt"):
        made.append(Piece("hem", -1, _hem(joints, top if look.extra == "coat" else lower)))
    return made


def _ellipse(centre: Array, forward: Array, depth: float, width: float, power: float = 1.0) -> Array:
    """Return `(10, 3)` around a centre, counter-clockwise seen from above; a `power` below 1 makes it squarer."""
    angle = (np.arange(10) + 0.5) * (2 * math.pi / 10)
    ahead, aside = (np.sign(way) * np.abs(way) ** power for way in (np.cos(angle), np.sin(angle)))
    across = np.array([0.0, width, 0.0])
    return np.asarray(centre + ahead[:, None] * forward * depth + aside[:, None] * across)


def _forward(joints: Joints) -> Array:
    """Return the unit vector out of the chest."""
    up = joints.neck - joints.pelvis
    ahead = np.array([up[2], 0.0, -up[0]])
    return np.asarray(ahead / np.linalg.norm(ahead), dtype=np.float64)


def _trunk(joints: Joints, sections: tuple[tuple[float, float, float], ...], finish: Finish) -> Mesh:
    up, ahead, h = joints.neck - joints.pelvis, _forward(joints), joints.height
    rings = [_ellipse(joints.pelvis + up * way, ahead, depth * h, width * h) for way, depth, width in sections]
    return loft(np.stack(rings), finish, crease_deg=60.0)


def _leg(side: Side, h: float, finish: Finish, shoes: Finish) -> list[Mesh]:
    thigh, shin = side.knee - side.hip, side.foot - side.knee
    path = np.stack([side.hip, side.hip + 0.5 * thigh, side.knee, side.knee + 0.35 * shin, side.foot])
    radii = np.array([0.047, 0.049, 0.037, 0.036, 0.025]) * h
    profile = np.array([[-0.040, -0.017], [0.100, -0.017], [0.115, -0.002], [0.070, 0.018], [0.022, 0.035],
                        [-0.035, 0.035]]) * h  # fmt: skip
    shoe = turned(extruded(profile, 0.027 * h, shoes, taper=0.006 * h), rotation("y", droop_deg(side)), side.foot)
    return [pipe(path, radii, finish, sides=7, up=(0.0, 1.0, 0.0), caps=False), shoe]


def droop_deg(side: Side) -> float:
    """Return how far the tip of a shoe points down, degrees."""
    shin = side.foot - side.knee
    behind = math.degrees(math.atan2(-shin[0], -shin[2]))  # how far the shin leans over its foot
    return min(0.7 * max(0.0, behind - 14.0) + 0.6 * min(0.0, behind + 14.0), 50.0)


def _arm(side: Side, h: float, sleeve: Finish, skin: Finish) -> list[Mesh]:
    path = np.stack([side.shoulder, (side.shoulder + side.elbow) / 2, side.elbow, side.hand])
    radii = np.array([0.034, 0.030, 0.025, 0.019]) * h
    return [
        ball(side.shoulder, (0.037 * h, 0.034 * h, 0.034 * h), sleeve, sides=7, rings=3),
        pipe(path, radii, sleeve, sides=6, caps=False),
        ball(side.hand + 0.12 * (side.hand - side.elbow), (0.021 * h, 0.017 * h, 0.028 * h), skin, sides=6, rings=3),
    ]


def _pack(joints: Joints, finish: Finish) -> Mesh:
    up, ahead, h = joints.neck - joints.pelvis, _forward(joints), joints.height
    back = joints.pelvis - ahead * 0.105 * h
    rings = [
        _ellipse(back + up * way, ahead, depth * h, width * h)
        for way, depth, width in ((0.2, 0.03, 0.06), (0.28, 0.052, 0.085), (0.7, 0.048, 0.082), (0.9, 0.02, 0.05))
    ]
    return loft(np.stack(rings), finish, crease_deg=60.0)


def _hem(joints: Joints, finish: Finish) -> Mesh:
    """Make the part of a coat or a skirt that hangs from the waist and gives way to the thighs."""
    h, waist = joints.height, joints.pelvis + 0.25 * (joints.neck - joints.pelvis)
    rings = [_ellipse(waist, np.array([1.0, 0.0, 0.0]), 0.069 * h, 0.094 * h)]
    for drop, width in ((0.0, 0.110), (0.10, 0.121), (0.20, 0.130)):
        reach = [side.hip[0] + (side.knee[0] - side.hip[0]) * drop * h / max(side.hip[2] - side.knee[2], 0.05)
                 for side in joints.sides]  # fmt: skip
        middle = np.array([(reach[0] + reach[1]) / 2, 0.0, joints.pelvis[2] - drop * h])
        depth = abs(reach[0] - reach[1]) / 2 + 0.074 * h
        rings.append(_ellipse(middle, np.array([1.0, 0.0, 0.0]), depth, width * h, 0.6))
    return loft(np.stack(rings[::-1]), finish, crease_deg=60.0)


def _head(joints: Joints, look: Look, skin: Finish, hair: Finish, tag: int) -> list[Mesh]:
    h, head = joints.height, joints.head
    parts = [tube(joints.neck - [0.0, 0.0, 0.02 * h], head, 0.032 * h, skin, sides=6, caps=False)]
    if look.extra == "helmet":
        shell, pane = Finish(Material.CAR_PAINT, tag, look.top), Finish(Material.GLASS, tag, (20, 22, 26))
        return [
            *parts,
            ball(head, (0.082 * h, 0.072 * h, 0.08 * h), shell, sides=12, rings=7),
            ball(head + [0.022 * h, 0.0, 0.004 * h], (0.067 * h, 0.074 * h, 0.052 * h), pane, sides=12, rings=5),
        ]
    parts += [
        ball(head, (0.057 * h, 0.047 * h, 0.068 * h), skin, sides=9, rings=6),
        ball(head + [-0.013 * h, 0.0, 0.015 * h], (0.058 * h, 0.053 * h, 0.062 * h), hair, sides=9, rings=5),
    ]
    eyes = Finish(Material.PLAIN, tag, (44, 34, 30))
    for aside in (-0.019 * h, 0.019 * h):
        parts.append(box((head[0] + 0.0475 * h, aside, head[2] + 0.006 * h), (0.007 * h, 0.013 * h, 0.008 * h), eyes))
    if look.long_hair:
        parts.append(ball(head + [-0.034 * h, 0.0, -0.04 * h], (0.036 * h, 0.052 * h, 0.078 * h), hair, sides=7,
                          rings=4))  # fmt: skip
    if look.extra == "hat":
        felt = Finish(Material.CLOTH, tag, look.legs)
        crown = head + [0.0, 0.0, 0.04 * h]
        parts.append(tube(crown - [0, 0, 0.005 * h], crown + [0, 0, 0.005 * h], 0.085 * h, felt, sides=12))
        parts.append(tube(crown, crown + [0, 0, 0.06 * h], 0.06 * h, felt, end_radius=0.05 * h, sides=10))
    return parts
