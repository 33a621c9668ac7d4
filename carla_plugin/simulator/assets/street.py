"""Street furniture: lamps, fences, walls, benches, bins, shelters and what else stands on a sidewalk."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Colour, Finish, Point, as_one, ball, box, cone, pipe, quad, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

WALL, FENCE, POLE, VEGETATION, STATIC = 4, 5, 6, 9, 20
FENCE_KINDS = ("bars", "mesh", "planks")
WALL_KINDS = ("brick", "concrete", "stone")


class StreetLamp(NamedTuple):
    """Hold a street lamp's mesh and the (x, y, z) of its head in metres."""

    mesh: Mesh
    head: Point


@lru_cache(maxsize=16)
def street_lamp(height_m: float = 7.5, arm_m: float = 1.8) -> StreetLamp:
    """Make a lamp; pole at the origin, the arm reaches over the road toward +x."""
    metal = Finish(Material.METAL, POLE, (84, 90, 94))
    glow = Finish(Material.STREET_LAMP, POLE, (250, 240, 210))
    bow = [(0, 0, height_m - 0.9), (arm_m * 0.3, 0, height_m + 0.05), (arm_m, 0, height_m + 0.25)]
    under = [(arm_m + x, y, height_m + 0.185) for x, y in ((0, -0.1), (0, 0.1), (0.4, 0.1), (0.4, -0.1))]
    parts = [tube((0, 0, 0), (0, 0, 0.9), 0.12, metal, end_radius=0.1, sides=5, caps=False),
             tube((0, 0, 0.9), (0, 0, height_m - 0.9), 0.08, metal, end_radius=0.055, sides=5, caps=False),
             pipe(bow, (0.055, 0.045, 0.035), metal, sides=4, caps=False),
             box((arm_m + 0.2, 0, height_m + 0.25), (0.7, 0.25, 0.12), metal, bevel=0.05),
             quad(under, glow)]  # fmt: skip
    return StreetLamp(as_one(parts, 0), (arm_m + 0.2, 0.0, height_m + 0.15))


@lru_cache(maxsize=128)
def fence(length_m: float, height_m: float = 1.2, kind: str = "bars") -> Mesh:
    """Make a fence of one of `FENCE_KINDS` along x, centred on the origin."""
    colour = (70, 76, 74) if kind != "planks" else (140, 110, 80)
    w, half = FENCE_KINDS.index(kind), length_m / 2
    corners = [(-half, 0, 0.05), (half, 0, 0.05), (half, 0, height_m), (-half, 0, height_m)]
    uvw = [(0, 0.05, w), (length_m, 0.05, w), (length_m, height_m, w), (0, height_m, w)]
    solid = Finish(Material.WOOD if kind == "planks" else Material.METAL, FENCE, colour)
    posts = max(1, round(length_m / 2.0))
    parts = [quad(corners, Finish(Material.FENCE, FENCE, colour), uvw)]
    for x in (-half + (number + 0.5) * length_m / posts for number in range(posts)):
        parts.append(_post(x, 0, height_m + 0.04, solid))
    if kind != "planks":
        parts += [_strip(length_m, z, solid) for z in (0.14, height_m - 0.03)]
    return as_one(parts, 0)


def _post(x: float, y: float, top: float, finish: Finish) -> Mesh:
    """Make a slim upright, about 0.05 m thick."""
    return tube((x, y, 0.0), (x, y, top), 0.035, finish, sides=3, caps=False)


def _face(centre: Point, wide: float, high: float, finish: Finish) -> Mesh:
    """Make a plate `wide` along y and `high` along z that is turned toward +x, or toward -x where x is negative."""
    x, y, z = centre
    turn = 1 if x >= 0 else -1
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return quad([(x, y + turn * a * wide / 2, z + b * high / 2) for a, b in corners], finish)


def _strip(length: float, z: float, finish: Finish) -> Mesh:
    """Make a flat rail along x, 0.06 m high."""
    half = length / 2
    return quad(
        [(-half, 0.04, z - 0.03), (-half, 0.04, z + 0.03), (half, 0.04, z + 0.03), (half, 0.04, z - 0.03)], finish
    )


@lru_cache(maxsize=128)
def wall(length_m: float, height_m: float = 1.8, kind: str = "brick") -> Mesh:
    """Make a free-standing wall of one of `WALL_KINDS` along x, centred on the origin, 0.25 m thick."""
    colour = {"brick": (150, 96, 76), "concrete": (156, 156, 150), "stone": (146, 136, 118)}[kind]
    finish = Finish(Material.CONCRETE if kind == "concrete" else Material.BRICK, WALL, colour)
    coping = Finish(Material.CONCRETE, WALL, (178, 174, 164))
    return as_one([box((0, 0, height_m / 2 - 0.04), (length_m, 0.25, height_m - 0.08), finish, bottom=False),
                   box((0, 0, height_m - 0.04), (length_m, 0.33, 0.08), coping, bottom=False)], 0)  # fmt: skip


def _of(colour: Colour, material: Material = Material.PLAIN, tag: int = STATIC) -> Finish:
    return Finish(material, tag, colour)


def _drawn(seed: int, *colours: Colour) -> Colour:
    return colours[seed % len(colours)]


_STEEL: Colour = (92, 96, 98)
_IRON: Colour = (48, 50, 52)


@lru_cache(maxsize=4)
def bollard() -> Mesh:
    """Make a bollard (tag Pole)."""
    iron, band = _of((60, 64, 66), Material.METAL, POLE), _of((214, 210, 200), Material.PLAIN, POLE)
    path, radii = [(0, 0, 0), (0, 0, 0.9), (0, 0, 0.97)], (0.08, 0.08, 0.02)
    return as_one([pipe(path, radii, iron, sides=6, caps=False),
                   tube((0, 0, 0.7), (0, 0, 0.78), 0.086, band, sides=6, caps=False)], 0)  # fmt: skip


@lru_cache(maxsize=16)
def bench(seed: int = 0) -> Mesh:
    """Make a bench 1.8 m long (along y); one sits on it looking toward +x."""
    wood = _of(_drawn(seed, (150, 104, 64), (124, 88, 60), (96, 110, 84), (160, 130, 96)), Material.WOOD)
    iron = _of(_IRON, Material.METAL)
    parts = [box((0.04, 0, 0.46), (0.4, 1.8, 0.05), wood)]
    parts += [box((-0.2, 0, z), (0.04, 1.8, 0.12), wood) for z in (0.62, 0.78)]
    for y in (-0.7, 0.7):
        parts += [_post(0.18, y, 0.44, iron), _post(-0.23, y, 0.84, iron)]
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def bin_(seed: int = 0) -> Mesh:
    """Make a litter bin: a barrel with a lid, or a box with a hood."""
    colour = _of(_drawn(seed, (62, 86, 68), (70, 74, 78), (176, 116, 62), (54, 76, 104)), Material.METAL)
    dark = _of((24, 24, 26))
    if seed % 2:
        return as_one([box((0, 0, 0.38), (0.4, 0.4, 0.76), colour, bottom=False),
                       box((0, 0, 0.82), (0.3, 0.3, 0.16), dark, bottom=False),
                       box((0, 0, 0.93), (0.42, 0.42, 0.1), colour, bevel=0.08)], seed)  # fmt: skip
    return as_one([tube((0, 0, 0), (0, 0, 0.74), 0.18, colour, end_radius=0.22, sides=8, caps=False),
                   tube((0, 0, 0.74), (0, 0, 0.84), 0.19, dark, sides=8, caps=False),
                   cone((0, 0, 0.84), (0, 0, 0.98), 0.23, colour, sides=8)], seed)  # fmt: skip


@lru_cache(maxsize=16)
def hydrant(seed: int = 0) -> Mesh:
    """Make a hydrant: a barrel on a foot, a domed cap, two hose necks."""
    paint = _of(_drawn(seed, (166, 58, 46), (198, 164, 70), (172, 66, 50), (140, 46, 42)), Material.METAL)
    cap = _of(_drawn(seed, (190, 186, 176), (60, 64, 70)), Material.METAL)
    barrel = [(0, 0, 0), (0, 0, 0.08), (0, 0, 0.6)]
    dome = [(0, 0, 0.56), (0, 0, 0.62), (0, 0, 0.74), (0, 0, 0.78)]
    return as_one([pipe(barrel, (0.15, 0.1, 0.1), paint, sides=6, caps=False),
                   pipe(dome, (0.14, 0.13, 0.08, 0.02), cap, sides=6, caps=False),
                   tube((0, -0.15, 0.45), (0, 0.15, 0.45), 0.045, cap, sides=4),
                   tube((0, 0, 0.4), (0.15, 0, 0.4), 0.055, cap, sides=4)], seed)  # fmt: skip


@lru_cache(maxsize=16)
def planter(seed: int = 0) -> Mesh:
    """Make a planter with a bush; 1.2 m long along x."""
    tub = _of(_drawn(seed, (150, 140, 128), (124, 84, 62), (120, 122, 122)), Material.CONCRETE)
    soil = _of((58, 46, 36))
    leaves = Finish(Material.FOLIAGE, VEGETATION, _drawn(seed, (80, 102, 54), (92, 110, 60), (70, 94, 56)))
    parts = [box((0, 0, 0.24), (1.1, 0.5, 0.48), tub, bottom=False), box((0, 0, 0.5), (1.2, 0.6, 0.1), tub),
             quad([(-0.5, -0.2, 0.56), (0.5, -0.2, 0.56), (0.5, 0.2, 0.56), (-0.5, 0.2, 0.56)], soil)]  # fmt: skip
    for x, size in ((-0.26, 0.27), (0.25, 0.24)):
        parts.append(ball((x, 0, 0.58 + size * 0.6), (size, size * 0.95, size), leaves, sides=6, rings=3))
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def bus_stop(seed: int = 0) -> Mesh:
    """Make a shelter 4 m long (along y), open toward +x: panes between posts, a roof, a bench, a poster."""
    steel = _of(_drawn(seed, _STEEL, (60, 90, 84), (70, 74, 96)), Material.METAL)
    pane, wood = _of((120, 136, 140), Material.GLASS), _of((140, 104, 70), Material.WOOD)
    poster = _of(_drawn(seed, (206, 96, 60), (70, 130, 170), (220, 190, 90), (150, 80, 130)))
    parts = [box((0, 0, 2.44), (1.5, 4.0, 0.12), steel, bevel=0.05), box((-0.4, 0, 0.46), (0.4, 2.4, 0.06), wood)]
    parts += [_post(-0.65, y, 2.4, steel) for y in (-1.9, -0.65, 0.65, 1.9)]
    parts += [_face((-0.65, y, 1.25), 1.15, 1.9, pane) for y in (-1.27, 0.0, 1.27)]
    parts += [_post(0.55, y, 2.4, steel) for y in (-1.9, 1.9)]
    parts += [box((-0.05, -1.9, 1.25), (1.1, 0.02, 1.9), pane), box((-0.05, 1.9, 1.25), (1.0, 0.14, 1.9), steel),
              box((-0.05, 1.9, 1.28), (0.86, 0.16, 1.5), poster)]  # fmt: skip
    parts += [box((-0.4, y, 0.22), (0.3, 0.06, 0.44), steel) for y in (-1.0, 1.0)]
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def kiosk(seed: int = 0) -> Mesh:
    """Make a newspaper kiosk 2.4 m wide (along y), its counter toward +x under a flap."""
    paint = _of(_drawn(seed, (58, 96, 80), (130, 48, 44), (50, 70, 110), (176, 150, 96)))
    pale, dark = _of((206, 200, 186)), _of((40, 42, 46), Material.GLASS)
    parts = [box((-0.1, 0, 1.25), (1.6, 2.2, 2.5), paint), box((-0.1, 0, 2.58), (2.0, 2.4, 0.16), pale),
             box((-0.1, 0, 2.73), (1.5, 1.9, 0.14), paint, bevel=0.3),
             box((0.71, 0, 1.62), (0.03, 1.8, 0.9), dark), box((0.82, 0, 1.1), (0.26, 2.0, 0.06), pale),
             quad([(0.7, -1.0, 2.3), (1.0, -1.0, 2.15), (1.0, 1.0, 2.15), (0.7, 1.0, 2.3)], pale)]  # fmt: skip
    papers = ((200, 60, 50), (220, 216, 200), (70, 110, 160), (220, 180, 60))
    for number, colour in enumerate(papers):
        parts.append(box((0.72, -0.75 + number * 0.5, 0.62), (0.04, 0.36, 0.5), _of(colour)))
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def billboard(seed: int = 0) -> Mesh:
    """Make an advertisement 2.6 m wide (along y) on two posts, its face toward +x."""
    steel = _of(_STEEL, Material.METAL)
    back = _of(_drawn(seed, (186, 128, 84), (60, 110, 160), (214, 196, 90), (90, 140, 100), (170, 60, 80)))
    band, pale = _of(_drawn(seed, (240, 236, 226), (240, 200, 60), (40, 60, 90))), _of((236, 232, 222))
    parts = [_post(-0.04, y, 1.8, steel) for y in (-0.9, 0.9)]
    parts += [box((0, 0, 2.4), (0.12, 2.6, 1.9), steel), _face((0.07, 0, 2.4), 2.46, 1.76, back),
              _face((0.08, 0, 1.82), 2.46, 0.4, band),
              _face((0.08, -0.6 + 0.3 * (seed % 4), 2.7), 0.9, 0.7, pale)]  # fmt: skip
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def letter_box(seed: int = 0) -> Mesh:
    """Make a letter box on a foot, its slot toward +x."""
    paint = _of(_drawn(seed, (202, 166, 70), (166, 60, 52), (60, 84, 126)), Material.METAL)
    return as_one([_post(0, 0, 0.6, _of(_IRON, Material.METAL)), box((0, 0, 0.9), (0.36, 0.46, 0.66), paint),
                   box((0, 0, 1.27), (0.4, 0.5, 0.08), paint, bevel=0.08, bottom=False),
                   _face((0.19, 0, 1.1), 0.34, 0.05, _of((24, 24, 26))),
                   _face((0.19, 0, 0.8), 0.26, 0.18, _of((232, 228, 216)))], seed)  # fmt: skip


@lru_cache(maxsize=16)
def cabinet(seed: int = 0) -> Mesh:
    """Make a grey cabinet of the telephone company, doors toward +x."""
    colour = _drawn(seed, (140, 146, 140), (116, 124, 118), (168, 164, 152))
    steel, seam, foot = _of(colour, Material.METAL), _of((70, 74, 72)), _of((130, 128, 122), Material.CONCRETE)
    return as_one([box((0, 0, 0.06), (0.4, 1.0, 0.12), foot, bottom=False),
                   box((0, 0, 0.64), (0.36, 0.96, 1.04), steel, bottom=False),
                   box((0, 0, 1.15), (0.4, 1.0, 0.08), steel, bevel=0.04),
                   _face((0.19, 0, 0.64), 0.02, 0.94, seam),
                   _face((0.19, 0.09, 0.68), 0.03, 0.14, seam)], seed)  # fmt: skip


@lru_cache(maxsize=16)
def parasol(seed: int = 0) -> Mesh:
    """Make a cafe table with two chairs under a parasol, 2.2 m across."""
    cloth = _of(_drawn(seed, (172, 78, 66), (226, 214, 186), (50, 100, 80), (206, 150, 60)), Material.CLOTH)
    steel, top = _of(_STEEL, Material.METAL), _of((214, 208, 198))
    parts = [_post(0, 0, 2.5, steel),
             box((0, 0, 0.03), (0.44, 0.44, 0.06), steel, bottom=False),
             tube((0, 0, 0.71), (0, 0, 0.75), 0.38, top, sides=8),
             cone((0, 0, 2.1), (0, 0, 2.6), 1.1, cloth, sides=8)]  # fmt: skip
    for side in (-1, 1):
        y = 0.72 * side
        parts += [box((0, y, 0.45), (0.4, 0.4, 0.04), top), box((0, y + 0.19 * side, 0.68), (0.38, 0.03, 0.3), top)]
        for x in (-0.16, 0.16):
            parts += [_post(x, y - 0.16 * side, 0.44, steel), _post(x, y + 0.19 * side, 0.7, steel)]
    return as_one(parts, seed)


@lru_cache(maxsize=16)
def barrier(seed: int = 0) -> Mesh:
    """Make a red and white road-works barrier 1.5 m long (along y)."""
    red, white, foot = _of((178, 66, 54)), _of((230, 228, 220)), _of((60, 60, 62), Material.RUBBER)
    parts = [_post(0, y, 1.0, white) for y in (-0.6, 0.6)]
    parts += [box((0, y, 0.05), (0.3, 0.2, 0.1), foot, bevel=0.03, bottom=False) for y in (-0.6, 0.6)]
    parts += [box((0, 0, z), (0.06, 1.5, 0.2), white) for z in (0.5, 0.86)]
    for x in (-0.035, 0.035):  # red fields on both sides, the lower row shifted
        parts += [_face((x, y, 0.86), 0.3, 0.2, red) for y in (-0.6, 0.0, 0.6)]
        parts += [_face((x, y, 0.5), 0.3, 0.2, red) for y in (-0.3, 0.3)]
    return as_one(parts, seed)
