"""Props that hold something: boxes, cans, pots, bags, bins."""

from __future__ import annotations

from carla_plugin.simulator.assets.shapes import Colour, Finish, Point, ball, box, pipe, quad, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

DARK: Colour = (26, 27, 29)


def barrel(colour: Colour, tag: int) -> list[Mesh]:
    """Make a steel barrel with two ribs."""
    metal = Finish(Material.METAL, tag, colour)
    path = [(0, 0, z) for z in (0.0, 0.27, 0.28, 0.3, 0.54, 0.55, 0.57, 0.85)]
    return [pipe(path, (0.28, 0.28, 0.3, 0.28, 0.28, 0.3, 0.28, 0.28), metal, sides=12)]


def can(colour: Colour, tag: int) -> list[Mesh]:
    """Make a drinks can."""
    metal = Finish(Material.METAL, tag, colour)
    return [pipe([(0, 0, 0), (0, 0, 0.01), (0, 0, 0.11), (0, 0, 0.12)], (0.026, 0.033, 0.033, 0.026), metal, sides=10)]


def carton(colour: Colour, tag: int) -> list[Mesh]:
    """Make a cardboard box with a strip of tape."""
    card = Finish(Material.PLAIN, tag, colour)
    tape = Finish(Material.PLAIN, tag, (206, 190, 150))
    return [box((0, 0, 0.5), (1.0, 1.0, 1.0), card), _lid((0, 0, 1.0), 0.98, 0.12, tape)]


def case(colour: Colour, tag: int) -> list[Mesh]:
    """Make a case or a bag with a handle on top."""
    hide, grip = Finish(Material.CLOTH, tag, colour), Finish(Material.PLAIN, tag, DARK)
    handle = [(-0.15, 0, 0.85), (-0.12, 0, 1.0), (0.12, 0, 1.0), (0.15, 0, 0.85)]
    return [box((0, 0, 0.44), (1.0, 1.0, 0.88), hide, bevel=0.04), pipe(handle, 0.03, grip, sides=4)]


def bag(colour: Colour, tag: int) -> list[Mesh]:
    """Make a tied bag that has sunk a little."""
    foil = Finish(Material.PLAIN, tag, colour)
    return [ball((0, 0, 0.4), (0.5, 0.5, 0.4), foil, sides=9, rings=6),
            tube((0, 0, 0.76), (0, 0, 1.0), 0.06, foil, end_radius=0.16, sides=6)]  # fmt: skip


def pot(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round pot with a plant in it."""
    clay, soil = Finish(Material.CONCRETE, tag, colour), Finish(Material.PLAIN, tag, (58, 46, 36))
    leaves = Finish(Material.FOLIAGE, 9, (80, 102, 54))
    return [pipe([(0, 0, 0), (0, 0, 0.5), (0, 0, 0.58)], (0.34, 0.5, 0.5), clay, sides=12, caps=False),
            tube((0, 0, 0.5), (0, 0, 0.54), 0.46, soil, sides=12),
            ball((0, 0, 0.74), (0.4, 0.4, 0.26), leaves, sides=8, rings=5)]  # fmt: skip


def trough(colour: Colour, tag: int) -> list[Mesh]:
    """Make a long box with plants in it."""
    wall, soil = Finish(Material.CONCRETE, tag, colour), Finish(Material.PLAIN, tag, (58, 46, 36))
    leaves = Finish(Material.FOLIAGE, 9, (84, 106, 58))
    parts = [box((0, 0, 0.3), (1.0, 1.0, 0.6), wall), _lid((0, 0, 0.605), 0.9, 0.86, soil)]
    return parts + [ball((x, 0, 0.74), (0.17, 0.36, 0.26), leaves, sides=7, rings=4) for x in (-0.3, 0.0, 0.3)]


def trash_can(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round litter bin with a dark mouth under its lid."""
    metal, dark = Finish(Material.METAL, tag, colour), Finish(Material.PLAIN, tag, DARK)
    return [tube((0, 0, 0), (0, 0, 0.76), 0.42, metal, end_radius=0.5, sides=10),
            tube((0, 0, 0.76), (0, 0, 0.86), 0.44, dark, sides=10),
            tube((0, 0, 0.86), (0, 0, 1.0), 0.5, metal, end_radius=0.3, sides=10)]  # fmt: skip


def wheelie(colour: Colour, tag: int) -> list[Mesh]:
    """Make a wheeled bin with a lid."""
    body, wheel = Finish(Material.PLAIN, tag, colour), Finish(Material.RUBBER, tag, DARK)
    parts = [box((0.02, 0, 0.5), (0.86, 1.0, 0.84), body), box((0, 0, 0.96), (1.0, 1.04, 0.08), body, bevel=0.04)]
    return parts + [tube((-0.4, y, 0.1), (-0.4, y * 1.14, 0.1), 0.1, wheel, sides=8) for y in (-0.44, 0.44)]


def bank(colour: Colour, tag: int) -> list[Mesh]:
    """Make a container for glass or clothes with a dark slot."""
    shell, dark = Finish(Material.PLAIN, tag, colour), Finish(Material.PLAIN, tag, DARK)
    return [box((0, 0, 0.45), (1.0, 1.0, 0.9), shell), box((0, 0, 0.95), (1.0, 1.0, 0.1), shell, bevel=0.2),
            box((0.46, 0, 0.68), (0.1, 0.5, 0.12), dark)]  # fmt: skip


def skip(colour: Colour, tag: int) -> list[Mesh]:
    """Make a refuse container on four wheels with a hinged lid."""
    body, wheel = Finish(Material.METAL, tag, colour), Finish(Material.RUBBER, tag, DARK)
    parts = [box((0, 0, 0.5), (1.0, 0.96, 0.76), body), box((0, 0, 0.94), (1.02, 1.0, 0.12), body, bevel=0.1)]
    return parts + [tube((x, y, 0.06), (x, y + 0.06, 0.06), 0.06, wheel, sides=8)
                    for x in (-0.4, 0.4) for y in (-0.4, 0.34)]  # fmt: skip


def _lid(centre: Point, long: float, wide: float, finish: Finish) -> Mesh:
    """Make a level face that looks up."""
    x, y, z = centre
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return quad([(x + a * long / 2, y + b * wide / 2, z + 0.002) for a, b in corners], finish)
