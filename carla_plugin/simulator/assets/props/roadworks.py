"""Props of the street: cones, barriers, boards, machines, fountains, heaps."""

from __future__ import annotations

from carla_plugin.simulator.assets import street
from carla_plugin.simulator.assets.shapes import (
    Colour,
    Finish,
    ball,
    box,
    cone,
    extruded,
    pipe,
    rotation,
    surface,
    tube,
    turned,
)
from carla_plugin.simulator.assets.vegetation import tree
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

WHITE: Colour = (232, 230, 224)
STEEL: Colour = (92, 96, 98)
RUBBER: Colour = (36, 36, 38)


def traffic_cone(colour: Colour, tag: int) -> list[Mesh]:
    """Make a traffic cone with two white bands on a square foot."""
    paint, foot = Finish(Material.PLAIN, tag, colour), Finish(Material.RUBBER, tag, RUBBER)
    white = Finish(Material.PLAIN, tag, WHITE)
    parts = [box((0, 0, 0.04), (1.0, 1.0, 0.08), foot)]
    levels = ((0.08, 0.4, paint), (0.4, 0.6, white), (0.6, 0.75, paint), (0.75, 0.9, white), (0.9, 1.5, paint))
    for low, high, finish in levels:
        radii = [0.36 - 0.3 * z / 1.5 for z in (low, high)]
        parts.append(tube((0, 0, low), (0, 0, high), radii[0], finish, end_radius=radii[1], sides=12, caps=high > 1.4))
    return parts


def delineator(colour: Colour, tag: int) -> list[Mesh]:
    """Make a slim post with white bands on a round foot."""
    paint, foot = Finish(Material.PLAIN, tag, colour), Finish(Material.RUBBER, tag, RUBBER)
    white = Finish(Material.PLAIN, tag, WHITE)
    parts = [tube((0, 0, 0), (0, 0, 0.08), 0.22, foot, sides=10)]
    for number, finish in enumerate((paint, white, paint, white, paint)):
        parts.append(tube((0, 0, 0.08 + 0.22 * number), (0, 0, 0.3 + 0.22 * number), 0.06, finish, sides=8))
    return parts


def barrier(colour: Colour, tag: int) -> list[Mesh]:
    """Make a red and white barrier along x."""
    return [_tagged(street.barrier(0).placed(0.0, 0.0, 0.0, 90.0), tag)]


def chain(colour: Colour, tag: int) -> list[Mesh]:
    """Make a post from which a chain leads along x."""
    metal = Finish(Material.METAL, tag, STEEL)
    path = [(-0.6 + 0.3 * i, 0, 0.72 - 0.16 * (1 - ((i - 2) / 2) ** 2)) for i in range(5)]
    return [part.placed(-0.65, 0.0) for part in post(colour, tag)] + [pipe(path, 0.02, metal, sides=4)]


def post(colour: Colour, tag: int) -> list[Mesh]:
    """Make a banded post on a round foot."""
    paint, white = Finish(Material.PLAIN, tag, colour), Finish(Material.PLAIN, tag, WHITE)
    foot = Finish(Material.RUBBER, tag, RUBBER)
    bands = [
        tube((0, 0, 0.06 + 0.2 * i), (0, 0, 0.26 + 0.2 * i), 0.03, (paint, white)[i % 2], sides=6) for i in range(4)
    ]
    return [tube((0, 0, 0), (0, 0, 0.06), 0.12, foot, sides=8), *bands]


def board(colour: Colour, tag: int) -> list[Mesh]:
    """Make a board along x on two posts."""
    steel, face = Finish(Material.METAL, tag, STEEL), Finish(Material.PLAIN, tag, colour)
    rim = Finish(Material.PLAIN, tag, WHITE)
    parts = [tube((x, 0, 0), (x, 0, 1.2), 0.04, steel, sides=5) for x in (-0.4, 0.4)]
    return [*parts, box((0, 0, 1.5), (1.1, 0.06, 0.9), rim), box((0, 0, 1.5), (1.02, 0.08, 0.82), face)]


def tripod(colour: Colour, tag: int) -> list[Mesh]:
    """Make a warning triangle on three legs."""
    paint, face = Finish(Material.PLAIN, tag, (176, 44, 40)), Finish(Material.PLAIN, tag, colour)
    steel = Finish(Material.METAL, tag, STEEL)
    outer = extruded([(-0.6, 0.7), (0.6, 0.7), (0.0, 1.75)], 0.015, paint)
    inner = extruded([(-0.44, 0.79), (0.44, 0.79), (0.0, 1.56)], 0.022, face)
    legs = [tube((0, 0, 0.8), spot, 0.02, steel, sides=4) for spot in ((-0.5, 0.4, 0), (0.5, 0.4, 0), (0, -0.5, 0))]
    return [outer, inner, *legs]


def trailer(colour: Colour, tag: int) -> list[Mesh]:
    """Make a trailer with a panel that sends the traffic aside."""
    panel, lamp = Finish(Material.PLAIN, tag, (40, 42, 44)), Finish(Material.PLAIN, tag, (240, 200, 90))
    paint, wheel = Finish(Material.PLAIN, tag, colour), Finish(Material.RUBBER, tag, RUBBER)
    parts = [box((0, 0, 0.7), (1.6, 1.4, 0.3), paint), box((0.2, 0, 2.4), (0.12, 2.6, 2.0), panel),
             box((0.2, 0, 1.1), (0.16, 0.3, 0.8), paint), box((-1.1, 0, 0.62), (0.8, 0.1, 0.1), paint)]  # fmt: skip
    parts += [tube((0, y, 0.35), (0, y + 0.2, 0.35), 0.35, wheel, sides=10) for y in (-0.9, 0.7)]
    return parts + [tube((0.26, y, z), (0.3, y, z), 0.1, lamp, sides=8)
                    for y in (-0.8, 0.0, 0.8) for z in (1.8, 2.4, 3.0)]  # fmt: skip


def machine(colour: Colour, tag: int) -> list[Mesh]:
    """Make a tall machine with a screen toward +x."""
    shell, screen = Finish(Material.PLAIN, tag, colour), Finish(Material.GLASS, tag, (30, 44, 60))
    light = Finish(Material.PLAIN, tag, (222, 220, 210))
    return [box((0, 0, 1.0), (0.8, 1.0, 2.0), shell), box((0.4, 0, 1.3), (0.04, 0.8, 0.7), screen),
            box((0.4, 0, 1.86), (0.05, 0.84, 0.16), light),
            box((0.41, 0.2, 0.8), (0.05, 0.3, 0.12), screen)]  # fmt: skip


def barbeque(colour: Colour, tag: int) -> list[Mesh]:
    """Make a kettle on legs."""
    iron, steel = Finish(Material.METAL, tag, colour), Finish(Material.METAL, tag, STEEL)
    legs = [
        tube((x, y, 0), (x * 0.6, y * 0.6, 0.75), 0.025, steel, sides=4) for x in (-0.4, 0.4) for y in (-0.24, 0.24)
    ]
    return [ball((0, 0, 0.95), (0.47, 0.25, 0.3), iron, sides=10, rings=6), *legs]


def fountain(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round fountain: a basin with water, a column and two bowls."""
    stone, water = Finish(Material.CONCRETE, tag, colour), Finish(Material.GLASS, 23, (70, 96, 104))
    return [tube((0, 0, 0), (0, 0, 0.8), 4.2, stone, end_radius=4.1, sides=20),
            tube((0, 0, 0.8), (0, 0, 0.82), 3.7, water, sides=20),
            tube((0, 0, 0.8), (0, 0, 5.6), 0.5, stone, end_radius=0.3, sides=10),
            tube((0, 0, 2.8), (0, 0, 3.3), 0.5, stone, end_radius=2.0, sides=16),
            tube((0, 0, 4.6), (0, 0, 5.0), 0.4, stone, end_radius=1.1, sides=14),
            ball((0, 0, 6.0), (0.5, 0.5, 0.9), stone, sides=10, rings=6)]  # fmt: skip


def post_basin(colour: Colour, tag: int) -> list[Mesh]:
    """Make a drinking fountain: a post with a small bowl toward +y."""
    iron = Finish(Material.METAL, tag, colour)
    return [tube((0, -0.2, 0), (0, -0.2, 1.1), 0.12, iron, sides=8), cone((0, -0.2, 1.1), (0, -0.2, 1.26), 0.14, iron),
            tube((0, 0.15, 0.7), (0, 0.15, 0.85), 0.08, iron, end_radius=0.18, sides=8)]  # fmt: skip


def lantern(colour: Colour, tag: int) -> list[Mesh]:
    """Make a low garden lamp."""
    iron, glass = Finish(Material.METAL, tag, colour), Finish(Material.PLAIN, tag, (226, 214, 176))
    return [tube((0, 0, 0), (0, 0, 0.42), 0.03, iron, sides=6),
            tube((0, 0, 0.42), (0, 0, 0.56), 0.1, glass, sides=8),
            cone((0, 0, 0.56), (0, 0, 0.65), 0.15, iron, sides=8),
            tube((0, 0, 0), (0, 0, 0.03), 0.1, iron)]  # fmt: skip


def hut(colour: Colour, tag: int) -> list[Mesh]:
    """Make a dog's house with a dark door toward +x."""
    wood, roof = Finish(Material.WOOD, tag, colour), Finish(Material.ROOF, tag, (120, 60, 50))
    dark = Finish(Material.PLAIN, tag, (20, 19, 18))
    gable = extruded([(-0.6, 0.6), (0.6, 0.6), (0.0, 1.08)], 0.56, roof).placed(0.0, 0.0, 0.0, 90.0)
    return [box((0, 0, 0.3), (1.0, 1.0, 0.6), wood), gable, box((0.5, 0, 0.26), (0.02, 0.4, 0.5), dark)]


def stall(colour: Colour, tag: int) -> list[Mesh]:
    """Make a food cart under an awning, its counter toward +x."""
    paint, cloth = Finish(Material.PLAIN, tag, colour), Finish(Material.CLOTH, tag, WHITE)
    dark, wheel = Finish(Material.PLAIN, tag, (40, 40, 42)), Finish(Material.RUBBER, tag, RUBBER)
    parts = [box((0, 0, 1.3), (1.8, 4.4, 1.8), paint), box((0.86, 0, 1.7), (0.14, 3.0, 0.8), dark),
             box((0.2, 0, 3.3), (2.2, 4.6, 0.2), cloth, bevel=0.2)]  # fmt: skip
    parts += [tube((x, y, 2.2), (x, y, 3.3), 0.04, dark, sides=5) for x in (-0.8, 0.8) for y in (-2.1, 2.1)]
    return parts + [tube((0, y, 0.4), (0, y + 0.2, 0.4), 0.4, wheel, sides=10) for y in (-1.4, 1.2)]


def cart(colour: Colour, tag: int) -> list[Mesh]:
    """Make a shopping cart, its handle at -y."""
    wire, wheel = Finish(Material.CHROME, tag, colour), Finish(Material.RUBBER, tag, RUBBER)
    parts = [box((0, 0, 0.42), (0.5, 0.9, 0.03), wire)]
    parts += [box((x, 0, 0.68), (0.02, 0.9, 0.5), wire) for x in (-0.26, 0.26)]
    parts += [box((0, y, 0.68), (0.5, 0.02, 0.5), wire) for y in (-0.45, 0.45)]
    parts.append(tube((-0.3, -0.6, 1.05), (0.3, -0.6, 1.05), 0.025, wire, sides=5))
    parts += [tube((x, -0.45, 0.9), (x, -0.6, 1.05), 0.02, wire, sides=4) for x in (-0.26, 0.26)]
    return parts + [tube((x, y, 0.07), (x + 0.04, y, 0.07), 0.07, wheel, sides=8)
                    for x in (-0.24, 0.2) for y in (-0.4, 0.4)]  # fmt: skip


def calibrator(colour: Colour, tag: int) -> list[Mesh]:
    """Make a checkered plate that lies on a frame."""
    white, black = Finish(Material.PLAIN, tag, colour), Finish(Material.PLAIN, tag, (24, 24, 26))
    parts = [box((0, 0, 0.09), (1.6, 0.7, 0.18), white)]
    return parts + [box((-0.7 + 0.2 * i, -0.25 + 0.25 * j, 0.185), (0.2, 0.25, 0.03), black)
                    for i in range(8) for j in range(3) if (i + j) % 2]  # fmt: skip


def bale(colour: Colour, tag: int) -> list[Mesh]:
    """Make a round bale that lies along x."""
    return [tube((-0.6, 0, 0.6), (0.6, 0, 0.6), 0.6, Finish(Material.CLOTH, tag, colour), sides=14)]


def plate(colour: Colour, tag: int) -> list[Mesh]:
    """Make a plain plate."""
    return [box((0, 0, 0.5), (1.0, 1.0, 1.0), Finish(Material.METAL, tag, colour))]


def shard(colour: Colour, tag: int) -> list[Mesh]:
    """Make a broken tile with five corners."""
    corners = [(-0.5, 0.1), (-0.2, -0.5), (0.4, -0.4), (0.5, 0.2), (0.0, 0.5)]
    return [turned(extruded(corners, 0.05, Finish(Material.PLAIN, tag, colour)), rotation("x", 90.0))]


def heap(colour: Colour, tag: int) -> list[Mesh]:
    """Make a flat heap with a few lumps."""
    earth = Finish(Material.PLAIN, tag, colour)
    lumps = ((-0.5, -0.3, 0.34), (0.45, 0.2, 0.4), (0.1, -0.4, 0.3), (-0.3, 0.4, 0.36), (0.0, 0.0, 0.5))
    return [ball((x, y, 0.0), (size, size * 0.8, size), earth, sides=8, rings=6) for x, y, size in lumps]


def advertisement(colour: Colour, tag: int) -> list[Mesh]:
    """Make an advertisement along x that stands on the ground."""
    frame, face = Finish(Material.METAL, tag, STEEL), Finish(Material.PLAIN, tag, colour)
    return [box((0, 0, 1.2), (1.5, 0.26, 2.4), frame), box((0, 0, 1.3), (1.3, 0.28, 2.0), face)]


def bus_stop(colour: Colour, tag: int) -> list[Mesh]:
    """Make a shelter along x."""
    return [_tagged(street.bus_stop(0).placed(0.0, 0.0, 0.0, 90.0), tag)]


def bus_stop_across(colour: Colour, tag: int) -> list[Mesh]:
    """Make a shelter along y."""
    return [_tagged(street.bus_stop(0), tag)]


def kiosk(colour: Colour, tag: int) -> list[Mesh]:
    """Make a kiosk."""
    return [_tagged(street.kiosk(0), tag)]


def mailbox(colour: Colour, tag: int) -> list[Mesh]:
    """Make a letter box."""
    return [_tagged(street.letter_box(1), tag)]


def round_tree(colour: Colour, tag: int) -> list[Mesh]:
    """Make a broad tree."""
    return [tree("round", 15.0, 1)]


def palm_tree(colour: Colour, tag: int) -> list[Mesh]:
    """Make a palm."""
    return [tree("palm", 15.0, 1)]


def slim_tree(colour: Colour, tag: int) -> list[Mesh]:
    """Make a slim tree."""
    return [tree("poplar", 15.0, 1)]


def _tagged(mesh: Mesh, tag: int) -> Mesh:
    """Return a mesh whose triangles all have one tag."""
    finish = (mesh.material, (mesh.tag * 0 + tag).astype(mesh.tag.dtype), mesh.colour)
    return surface(mesh.vertices, mesh.triangles, finish, crease_deg=30.0, uvw=mesh.uvw)
