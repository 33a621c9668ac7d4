"""Props to sit on, to eat at and to play with."""

from __future__ import annotations

from carla_plugin.simulator.assets.shapes import Colour, Finish, ball, box, cone, extruded, pipe, quad, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

STEEL: Colour = (92, 96, 98)


def _legs(tag: int, xs: tuple[float, ...], ys: tuple[float, ...], top: float, radius: float = 0.03) -> list[Mesh]:
    steel = Finish(Material.METAL, tag, STEEL)
    return [tube((x, y, 0), (x, y, top), radius, steel, sides=4, caps=False) for x in xs for y in ys]


def bench(colour: Colour, tag: int) -> list[Mesh]:
    """Make a bench along x with a back; one sits on it looking toward +y."""
    wood = Finish(Material.WOOD, tag, colour)
    parts = [box((0, 0.05, 0.46), (1.5, 0.42, 0.05), wood)]
    parts += [box((0, -0.24, z), (1.5, 0.05, 0.13), wood) for z in (0.66, 0.86)]
    return parts + _legs(tag, (-0.6, 0.6), (-0.25, 0.22), 0.46) + _legs(tag, (-0.6, 0.6), (-0.27,), 0.95)


def slab_bench(colour: Colour, tag: int) -> list[Mesh]:
    """Make a bench along x without a back."""
    slab = Finish(Material.CONCRETE if colour[0] - colour[2] < 40 else Material.WOOD, tag, colour)
    return [
        box((0, 0, 0.46), (1.5, 0.5, 0.08), slab),
        *(box((x, 0, 0.21), (0.16, 0.42, 0.42), slab) for x in (-0.5, 0.5)),
    ]


def chair(colour: Colour, tag: int) -> list[Mesh]:
    """Make a garden chair with arms, its back at -x."""
    shell = Finish(Material.PLAIN, tag, colour)
    parts = [box((0, 0, 0.45), (0.46, 0.5, 0.04), shell), box((-0.24, 0, 0.8), (0.04, 0.5, 0.66), shell)]
    parts += [box((0, y, 0.68), (0.44, 0.06, 0.04), shell) for y in (-0.26, 0.26)]
    posts = [(x, y) for x in (-0.2, 0.2) for y in (-0.24, 0.24)]
    return parts + [tube((x, y, 0), (x, y, 0.66), 0.03, shell, sides=4, caps=False) for x, y in posts]


def picnic(colour: Colour, tag: int) -> list[Mesh]:
    """Make a picnic table with a bench on both sides."""
    wood = Finish(Material.WOOD, tag, colour)
    parts = [box((0, 0, 0.82), (2.1, 0.8, 0.06), wood)]
    parts += [box((0, y, 0.46), (2.1, 0.34, 0.05), wood) for y in (-0.88, 0.88)]
    for x in (-0.8, 0.8):
        parts += [box((x, 0, 0.44), (0.08, 1.9, 0.08), wood)]
        parts += [tube((x, s * 0.7, 0), (x, s * 0.3, 0.8), 0.05, wood, sides=4) for s in (-1, 1)]
    return parts


def parasol(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round table under a parasol."""
    top, cloth = Finish(Material.PLAIN, tag, colour), Finish(Material.CLOTH, tag, (172, 78, 66))
    steel = Finish(Material.METAL, tag, STEEL)
    return [tube((0, 0, 0), (0, 0, 2.4), 0.03, steel, sides=5), tube((0, 0, 0), (0, 0, 0.06), 0.3, steel, sides=8),
            tube((0, 0, 0.72), (0, 0, 0.76), 0.5, top, sides=12),
            cone((0, 0, 2.05), (0, 0, 2.48), 1.24, cloth, sides=8)]  # fmt: skip


def sign_table(colour: Colour, tag: int) -> list[Mesh]:
    """Make a slanted board that shows a map."""
    board, face = Finish(Material.WOOD, tag, colour), Finish(Material.PLAIN, tag, (206, 212, 190))
    slope = extruded([(-0.3, 0.8), (0.3, 1.06), (0.3, 1.14), (-0.3, 0.88)], 0.7, board)
    face_on = quad([(-0.27, -0.66, 0.895), (0.27, -0.66, 1.129), (0.27, 0.66, 1.129), (-0.27, 0.66, 0.895)], face)
    turn = [part.placed(0.0, 0.0, 0.0, 90.0) for part in (slope, face_on)]
    return turn + _legs(tag, (-0.6, 0.6), (-0.1, 0.1), 0.98)


def swing(colour: Colour, tag: int) -> list[Mesh]:
    """Make a frame along x from which a seat hangs."""
    paint, seat = Finish(Material.METAL, tag, colour), Finish(Material.CLOTH, tag, colour)
    parts = [tube((-1, 0, 2.0), (1, 0, 2.0), 0.05, paint, sides=6)]
    for x in (-1.0, 1.0):
        parts += [tube((x, y, 0), (x * 0.96, 0, 2.0), 0.05, paint, sides=6) for y in (-0.7, 0.7)]
    parts += [tube((x, 0, 0.5), (x, 0, 2.0), 0.01, paint, sides=4) for x in (-0.5, 0.5)]
    return [*parts, box((0, 0, 0.5), (1.1, 0.4, 0.06), seat)]


def slide(colour: Colour, tag: int) -> list[Mesh]:
    """Make a slide that comes down toward +y, with its ladder at -y."""
    paint = Finish(Material.PLAIN, tag, colour)
    chute = [(0, -0.7, 1.4), (0, -0.4, 1.4), (0, 1.5, 0.2), (0, 2.0, 0.16)]
    parts = [pipe(chute, 0.3, paint, sides=6, flat=0.15, up=(1.0, 0.0, 0.0))]
    steel = Finish(Material.METAL, tag, STEEL)
    for x in (-0.32, 0.32):
        parts += [tube((x, -1.3, 0), (x, -0.7, 1.95), 0.03, steel, sides=5)]
    return parts + [tube((-0.3, -1.3 + z * 0.3, z), (0.3, -1.3 + z * 0.3, z), 0.02, steel, sides=4)
                    for z in (0.3, 0.6, 0.9, 1.2)]  # fmt: skip


def trampoline(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round trampoline behind a ring of posts."""
    mat, steel = Finish(Material.CLOTH, tag, (30, 32, 36)), Finish(Material.METAL, tag, STEEL)
    rim = Finish(Material.CLOTH, tag, colour)
    parts = [tube((0, 0, 0.88), (0, 0, 0.9), 1.7, mat, sides=16), tube((0, 0, 0.84), (0, 0, 0.88), 2.0, rim, sides=16)]
    spots = ((2.0, 0.0), (1.0, 1.73), (-1.0, 1.73), (-2.0, 0.0), (-1.0, -1.73), (1.0, -1.73), (0.0, 2.0), (0.0, -2.0))
    return parts + [tube((x, y, 0), (x, y, 2.8), 0.03, steel, sides=5) for x, y in spots]


def pergola(colour: Colour, tag: int) -> list[Mesh]:
    """Make four posts under a roof of beams."""
    wood = Finish(Material.WOOD, tag, colour)
    parts = [box((x, y, 1.6), (0.16, 0.16, 3.2), wood) for x in (-2.0, 2.0) for y in (-2.0, 2.0)]
    parts += [box((0, y, 3.28), (5.0, 0.12, 0.16), wood) for y in (-2.0, 2.0)]
    return parts + [box((-2.25 + 0.5 * i, 0, 3.44), (0.08, 5.0, 0.16), wood) for i in range(10)]


def clothesline(colour: Colour, tag: int) -> list[Mesh]:
    """Make two posts, lines between them and washing."""
    steel = Finish(Material.METAL, tag, STEEL)
    parts = []
    for x in (-3.3, 3.3):
        parts += [tube((x, 0, 0), (x, 0, 2.0), 0.04, steel, sides=5), box((x, 0, 2.0), (0.06, 1.1, 0.06), steel)]
    for y in (-0.5, 0.5):
        parts.append(tube((-3.3, y, 2.0), (3.3, y, 2.0), 0.008, steel, sides=3))
    for number, (x, y) in enumerate(((-2.2, -0.5), (-0.8, 0.5), (0.7, -0.5), (2.1, 0.5))):
        cloth = Finish(Material.CLOTH, tag, (colour, (70, 100, 150), (180, 80, 70), (210, 200, 150))[number])
        parts.append(box((x, y, 1.55), (0.9, 0.02, 0.88), cloth))
    return parts


def helmet(colour: Colour, tag: int) -> list[Mesh]:
    """Make a helmet with a dark visor."""
    shell, visor = Finish(Material.CAR_PAINT, tag, colour), Finish(Material.GLASS, tag, (20, 22, 24))
    return [
        ball((0, 0, 0.5), (0.5, 0.5, 0.5), shell, sides=10, rings=6),
        box((0.44, 0, 0.48), (0.12, 0.6, 0.26), visor),
    ]


def gnome(colour: Colour, tag: int) -> list[Mesh]:
    """Make a garden gnome."""
    coat, hat = Finish(Material.PLAIN, tag, (50, 80, 130)), Finish(Material.PLAIN, tag, colour)
    skin, beard = Finish(Material.SKIN, tag, (214, 170, 140)), Finish(Material.PLAIN, tag, (226, 226, 222))
    return [tube((0, 0, 0), (0, 0, 0.42), 0.2, coat, end_radius=0.12, sides=8),
            ball((0, 0, 0.5), (0.12, 0.12, 0.12), skin, sides=8, rings=5),
            ball((0.06, 0, 0.42), (0.08, 0.1, 0.12), beard, sides=7, rings=4),
            cone((0, 0, 0.56), (0, 0, 0.88), 0.14, hat, sides=8)]  # fmt: skip
