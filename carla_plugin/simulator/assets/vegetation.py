"""Trees, hedges and bushes: trunks, boughs, and crowns of several lumps whose leaves the renderer cuts out."""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random

from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, ball, box, cone, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

VEGETATION = 9
TREE_KINDS = ("round", "plane", "poplar", "conifer", "birch", "palm")

GREENS: dict[str, tuple[Colour, ...]] = {
    "round": ((74, 98, 48), (86, 108, 56), (66, 90, 50)),
    "plane": ((96, 112, 60), (82, 104, 58), (108, 116, 62)),
    "poplar": ((84, 110, 54), (72, 96, 50), (98, 112, 56)),
    "conifer": ((44, 70, 46), (52, 76, 54), (40, 62, 50)),
    "birch": ((112, 128, 66), (98, 120, 60), (126, 130, 70)),
    "palm": ((84, 108, 60), (76, 98, 54), (92, 110, 62)),
}


@lru_cache(maxsize=256)
def tree(kind: str, height_m: float, seed: int) -> Mesh:
    """Make a tree of one of `TREE_KINDS`, `height_m` high, rooted at the origin."""
    dice = Random(f"{kind} {height_m} {seed}")
    leaves = Finish(Material.FOLIAGE, VEGETATION, GREENS[kind][seed % 3])
    make = {"conifer": _conifer, "palm": _palm, "poplar": _poplar}.get(kind, _broad)
    return as_one(make(kind, height_m, leaves, dice), seed)


def _bark(kind: str) -> Finish:
    return Finish(
        Material.BARK, VEGETATION, {"birch": (196, 192, 184), "plane": (132, 124, 104)}.get(kind, (88, 72, 58))
    )


def _broad(kind: str, height: float, leaves: Finish, dice: Random) -> list[Mesh]:
    """Make a trunk, three boughs, and a crown of lumps round a middle one."""
    bark, slim = _bark(kind), kind == "birch"
    spread = height * (0.2 if slim else 0.3 if kind == "plane" else 0.27)
    fork, middle = height * 0.38, height * (0.68 if slim else 0.66)
    thick = height * (0.016 if slim else 0.024)
    parts = [tube((0, 0, 0), (0, 0, fork), thick * 1.25, bark, end_radius=thick, sides=7, caps=False)]
    turn = dice.uniform(0, 2 * math.pi)
    lumps = 4 if slim else 5
    parts.append(
        ball((0, 0, middle + height * 0.1), (spread * 0.78, spread * 0.78, height * 0.24), leaves, sides=8, rings=5)
    )
    for number in range(lumps):
        angle = turn + 2 * math.pi * number / lumps + dice.uniform(-0.3, 0.3)
        away = spread * dice.uniform(0.45, 0.68)
        size = spread * dice.uniform(0.5, 0.66)
        x, y = away * math.cos(angle), away * math.sin(angle)
        z = middle + height * dice.uniform(-0.13, 0.1)
        parts.append(ball((x, y, z), (size, size, size * dice.uniform(0.75, 0.95)), leaves, sides=6, rings=4))
        if number < 3:
            parts.append(
                tube(
                    (0, 0, fork * 0.95),
                    (x * 0.7, y * 0.7, z),
                    thick * 0.7,
                    bark,
                    end_radius=thick * 0.35,
                    sides=5,
                    caps=False,
                )
            )
    return parts


def _poplar(kind: str, height: float, leaves: Finish, dice: Random) -> list[Mesh]:
    """Make a slender column of three lumps."""
    wide = height * 0.12
    parts = [tube((0, 0, 0), (0, 0, height * 0.4), height * 0.02, _bark(kind), sides=6, caps=False)]
    for share, size in ((0.53, 1.0), (0.69, 0.92), (0.84, 0.66)):
        lean = wide * dice.uniform(-0.15, 0.15)
        parts.append(
            ball((lean, -lean, height * share), (wide * size, wide * size, height * 0.17), leaves, sides=8, rings=5)
        )
    return parts


def _conifer(kind: str, height: float, leaves: Finish, dice: Random) -> list[Mesh]:
    """Make a stem with four skirts of needles, each narrower than the one below."""
    parts = [tube((0, 0, 0), (0, 0, height * 0.3), height * 0.018, _bark(kind), sides=6, caps=False)]
    for number in range(4):
        low = height * (0.16 + 0.19 * number)
        wide = height * (0.16 - 0.03 * number) * dice.uniform(0.92, 1.08)
        parts.append(cone((0, 0, low), (0, 0, low + height * (0.34 - 0.025 * number)), wide, leaves, sides=9))
    return parts


def _palm(kind: str, height: float, leaves: Finish, dice: Random) -> list[Mesh]:
    """Make a bare stem with a tuft of hanging fronds."""
    top = (dice.uniform(-0.3, 0.3), dice.uniform(-0.3, 0.3), height * 0.8)
    parts = [tube((0, 0, 0), top, height * 0.022, _bark(kind), end_radius=height * 0.016, sides=7, caps=False)]
    for number in range(9):
        angle = 2 * math.pi * number / 9 + dice.uniform(-0.2, 0.2)
        reach, droop = height * dice.uniform(0.2, 0.26), height * dice.uniform(-0.08, 0.06)
        x, y = math.cos(angle), math.sin(angle)
        middle = (top[0] + x * reach * 0.55, top[1] + y * reach * 0.55, top[2] + height * 0.09)
        end = (top[0] + x * reach, top[1] + y * reach, top[2] + droop)
        parts += [tube(top, middle, height * 0.014, leaves, end_radius=height * 0.03, sides=4),
                  tube(middle, end, height * 0.03, leaves, end_radius=height * 0.006, sides=4)]  # fmt: skip
    return parts


@lru_cache(maxsize=64)
def hedge(length_m: float, height_m: float, seed: int) -> Mesh:
    """Make a clipped hedge along x, centred on the origin, 0.7 m thick."""
    dice = Random(f"hedge {length_m} {seed}")
    leaves = Finish(Material.FOLIAGE, VEGETATION, GREENS["round"][seed % 3])
    count = max(1, round(length_m / 2.0))
    step = length_m / count
    parts = []
    for number in range(count):
        high = height_m * dice.uniform(0.9, 1.0)
        x = -length_m / 2 + step * (number + 0.5)
        parts.append(box((x, 0, high / 2), (step, 0.7, high), leaves, bevel=0.06))
    return as_one(parts, seed)


@lru_cache(maxsize=64)
def bush(radius_m: float, seed: int) -> Mesh:
    """Make a bush of three lumps on the origin."""
    dice = Random(f"bush {radius_m} {seed}")
    leaves = Finish(Material.FOLIAGE, VEGETATION, GREENS["plane"][seed % 3])
    parts = []
    for number in range(3):
        angle = 2 * math.pi * number / 3 + dice.uniform(-0.4, 0.4)
        size = radius_m * dice.uniform(0.58, 0.72)
        away = radius_m - size
        place = (away * math.cos(angle), away * math.sin(angle), size * 0.75)
        parts.append(ball(place, (size, size, size * 0.95), leaves, sides=7, rings=4))
    return as_one(parts, seed)
