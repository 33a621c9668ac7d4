"""Buildings in four styles, with windows drawn by the renderer and real roofs, cornices, balconies and awnings."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, box, polygon, quad
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

BUILDING = 3
STYLES = ("downtown", "oldtown", "suburban", "warehouse")
STOREY_M = 3.2

PLASTER: tuple[Colour, ...] = (
    (214, 200, 172), (196, 178, 150), (206, 186, 176), (176, 186, 190), (222, 216, 204), (190, 160, 120),
    (170, 176, 150), (206, 170, 130),
)  # fmt: skip
MASONRY: tuple[Colour, ...] = (
    (160, 84, 62),
    (178, 112, 80),
    (150, 130, 112),
    (186, 170, 146),
    (120, 72, 60),
    (200, 186, 160),
)
STONE: tuple[Colour, ...] = (
    (170, 168, 164),
    (146, 150, 156),
    (190, 184, 172),
    (120, 128, 138),
    (176, 150, 130),
    (206, 204, 198),
)
TILES: tuple[Colour, ...] = ((140, 66, 48), (96, 62, 54), (84, 86, 92), (120, 84, 60))
AWNINGS: tuple[Colour, ...] = ((170, 40, 44), (40, 96, 66), (206, 160, 60), (50, 70, 130), (196, 190, 180))
DARK: Colour = (52, 54, 58)
PALE: Colour = (206, 202, 192)


@lru_cache(maxsize=512)
def building(width_m: float, depth_m: float, floors: int, style: str, seed: int) -> Mesh:
    """Make a building; its origin is on the ground at the centre of its footprint, its front faces +x.

    Args:
        width_m: frontage, along y.
        depth_m: along x.
        floors: storeys, at least 1.
        style: one of `STYLES`.
        seed: of colours and details.
    """
    make = {"downtown": _downtown, "oldtown": _oldtown, "suburban": _suburban, "warehouse": _warehouse}[style]
    return as_one(make(width_m, depth_m, floors, seed), seed)


def _wall(start: tuple[float, float], end: tuple[float, float], low: float, high: float, finish: Finish) -> Mesh:
    """Make one upright wall whose outside is on the right hand of start to end; `uvw` as facades want them."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    corners = [(*start, low), (*end, low), (*end, high), (*start, high)]
    return quad(corners, finish, [(0, low, length), (length, low, length), (length, high, length), (0, high, length)])


def _block(
    depth: float, width: float, low: float, high: float, colour: Colour, *, shop: bool = False, x: float = 0.0
) -> list[Mesh]:
    """Make four walls; with a shop, the lowest storey of the front is its window."""
    half_x, half_y = depth / 2, width / 2
    corners = [(x + half_x, -half_y), (x + half_x, half_y), (x - half_x, half_y), (x - half_x, -half_y)]
    facade = Finish(Material.FACADE, BUILDING, colour)
    parts = []
    for number, (start, end) in enumerate(zip(corners, corners[1:] + corners[:1], strict=True)):
        if shop and number == 0 and low == 0.0:
            parts.append(_wall(start, end, 0.0, STOREY_M, Finish(Material.SHOPFRONT, BUILDING, colour)))
            parts.append(_wall(start, end, STOREY_M, high, facade))
        else:
            parts.append(_wall(start, end, low, high, facade))
    return parts


def _slab(x: float, y: float, z: float, size: tuple[float, float, float], colour: Colour, kind: Material) -> Mesh:
    return box((x, y, z), size, Finish(kind, BUILDING, colour))


def _downtown(width: float, depth: float, floors: int, seed: int) -> list[Mesh]:
    """Make a tall block: shops below, a parapet and machines on top; the tallest step back."""
    colour, height = STONE[seed % len(STONE)], floors * STOREY_M + 0.6
    base = min(height, 5 * STOREY_M + 0.6) if floors >= 9 and seed % 2 else height
    parts = _block(depth, width, 0.0, base, colour, shop=True)
    top_depth, top_width, shift = depth, width, 0.0
    parts.append(_slab(0, 0, base + 0.35, (depth + 0.3, width, 0.7), colour, Material.CONCRETE))
    if base < height:
        top_depth, top_width, shift = depth * 0.78, width * 0.8, -depth * 0.08
        parts += _block(top_depth, top_width, base, height, STONE[(seed + 1) % len(STONE)], x=shift)
        parts.append(_slab(shift, 0, height + 0.3, (top_depth + 0.2, top_width + 0.2, 0.6), colour, Material.CONCRETE))
    parts.append(_slab(depth / 2 + 0.1, 0, STOREY_M + 0.1, (0.35, width, 0.3), DARK, Material.CONCRETE))
    parts.append(
        _slab(depth / 2 + 0.5, width * 0.1 * (seed % 3 - 1), STOREY_M - 0.15, (1.0, 3.4, 0.14), DARK, Material.METAL)
    )
    for number in range(1 + seed % 3):
        y = top_width * (0.28 * number - 0.25)
        parts.append(_slab(shift - 1.0, y, height + 1.5, (3.0, 2.4, 1.8), (130, 132, 134), Material.METAL))
    return parts


def _oldtown(width: float, depth: float, floors: int, seed: int) -> list[Mesh]:
    """Make a town house: a shop with an awning, courses and a cornice, balconies, a mansard roof."""
    colour, height = MASONRY[seed % len(MASONRY)], floors * STOREY_M + 0.4
    front = depth / 2
    parts = _block(depth, width, 0.0, height, colour, shop=True)
    parts.append(_slab(front + 0.1, 0, STOREY_M + 0.12, (0.3, width, 0.28), PALE, Material.CONCRETE))
    parts.append(_slab(0, 0, height + 0.16, (depth + 0.5, width, 0.34), PALE, Material.CONCRETE))
    parts += _mansard(depth, width, height + 0.33, 2.4, TILES[seed % len(TILES)])
    cloth = AWNINGS[seed % len(AWNINGS)]
    for y in np.arange(-width / 2 + 2.4, width / 2 - 1.6, 4.8).tolist():
        parts.append(_awning(front, y, 3.6, cloth))
    if seed % 2 == 0:
        for storey in range(2, floors):
            for y in np.arange(-width / 2 + 2.0, width / 2 - 1.4, 4.4).tolist():
                parts += _balcony(front, y, storey * STOREY_M - 0.1)
    for y in (-width * 0.3, width * 0.28):
        parts.append(_slab(-1.2, y, height + 3.0, (0.7, 0.9, 1.8), MASONRY[0], Material.BRICK))
    return parts


def _awning(front: float, y: float, length: float, colour: Colour) -> Mesh:
    low, high, reach = 2.5, 3.05, 1.05
    a, b = y - length / 2, y + length / 2
    cloth = Finish(Material.CLOTH, BUILDING, colour)
    corners = [(front, a, high), (front + reach, a, low), (front + reach, b, low), (front, b, high)]
    hem = [
        (front + reach, a, low),
        (front + reach, a, low - 0.25),
        (front + reach, b, low - 0.25),
        (front + reach, b, low),
    ]
    return as_one([quad(corners, cloth), quad(hem, cloth)])


def _balcony(front: float, y: float, z: float) -> list[Mesh]:
    rail = Finish(Material.METAL, BUILDING, DARK)
    out, a, b, top = front + 0.86, y - 1.05, y + 1.05, z + 1.0
    face = [(out, a, z), (out, b, z), (out, b, top), (out, a, top)]
    along = [(0.0, 0.0, 0.0), (2.1, 0.0, 0.0), (2.1, 1.0, 0.0), (0.0, 1.0, 0.0)]
    return [
        box((front + 0.45, y, z), (0.9, 2.1, 0.14), Finish(Material.CONCRETE, BUILDING, PALE)),
        box((out, y, top), (0.05, 2.1, 0.06), rail),
        quad(face, Finish(Material.FENCE, BUILDING, DARK), along),
    ]


def _mansard(depth: float, width: float, low: float, rise: float, colour: Colour) -> list[Mesh]:
    """Make a roof whose front and back lean in steeply, flat on top."""
    tiles = Finish(Material.ROOF, BUILDING, colour)
    x, y, inner = depth / 2, width / 2, depth / 2 - 1.5
    top = low + rise
    return [
        quad([(x, -y, low), (x, y, low), (inner, y, top), (inner, -y, top)], tiles),
        quad([(-x, y, low), (-x, -y, low), (-inner, -y, top), (-inner, y, top)], tiles),
        quad([(inner, -y, top), (inner, y, top), (-inner, y, top), (-inner, -y, top)], tiles),
        polygon([(x, y, low), (-x, y, low), (-inner, y, top), (inner, y, top)], tiles),
        polygon([(-x, -y, low), (x, -y, low), (inner, -y, top), (-inner, -y, top)], tiles),
    ]


def _gable(
    depth: float, width: float, low: float, rise: float, colour: Colour, wall: Colour, eaves: float
) -> list[Mesh]:
    """Make a pitched roof with its ridge along y, and the two triangles of wall under it."""
    tiles, plaster = Finish(Material.ROOF, BUILDING, colour), Finish(Material.PLAIN, BUILDING, wall)
    x, y = depth / 2, width / 2
    drop = rise * eaves / x
    out, end, ridge, lip = x + eaves, y + eaves, low + rise, low - drop
    sides = []
    for lift in (0.0, -0.16):  # upper face, and the underside of the eaves
        sides += [
            quad(
                [(out, -end, lip + lift), (out, end, lip + lift), (0, end, ridge + lift), (0, -end, ridge + lift)],
                tiles,
            ),
            quad(
                [(-out, end, lip + lift), (-out, -end, lip + lift), (0, -end, ridge + lift), (0, end, ridge + lift)],
                tiles,
            ),
        ]
    return [
        *sides,
        polygon([(x, y, low - 0.2), (0, y, ridge - 0.1), (-x, y, low - 0.2)][::-1], plaster),
        polygon([(x, -y, low - 0.2), (0, -y, ridge - 0.1), (-x, -y, low - 0.2)], plaster),
        box((out - 0.03, 0, lip - 0.08), (0.1, 2 * end, 0.16), Finish(Material.METAL, BUILDING, PALE)),
    ]


def _suburban(width: float, depth: float, floors: int, seed: int) -> list[Mesh]:
    """Make a house: pitched roof with eaves, chimney, door under a little porch."""
    colour, height = PLASTER[seed % len(PLASTER)], floors * 2.8 + 0.5
    rise = depth * (0.3 + 0.05 * (seed % 3))
    tiles = TILES[seed * 3 % len(TILES)]
    parts = _block(depth, width, 0.0, height, colour)
    parts += _gable(depth, width, height, rise, tiles, colour, 0.45)
    front, y = depth / 2, width * (0.25 if seed % 2 else -0.2)
    parts += [
        box(
            (-depth * 0.2, -y, height + rise * 0.8),
            (0.6, 0.8, rise * 0.9 + 1.0),
            Finish(Material.BRICK, BUILDING, MASONRY[0]),
        ),
        box((front + 0.02, y, 1.1), (0.08, 1.1, 2.2), Finish(Material.WOOD, BUILDING, (96, 60, 40))),
        box((front + 0.5, y, 2.5), (1.1, 2.0, 0.14), Finish(Material.ROOF, BUILDING, tiles)),
        box((front + 0.5, y, 0.08), (1.1, 1.8, 0.16), Finish(Material.CONCRETE, BUILDING, PALE)),
    ]
    for side in (-0.85, 0.85):
        parts.append(box((front + 0.95, y + side, 1.3), (0.1, 0.1, 2.4), Finish(Material.WOOD, BUILDING, PALE)))
    return parts


def _warehouse(width: float, depth: float, floors: int, seed: int) -> list[Mesh]:
    """Make a hall: ribs, gates, a band of windows, a shallow roof."""
    colour, height = STONE[(seed * 2 + 1) % len(STONE)], floors * STOREY_M + 2.0
    front = depth / 2
    parts = _block(depth, width, 0.0, height, colour)
    parts += _gable(depth, width, height, depth * 0.12, (112, 116, 120), colour, 0.3)
    rib = Finish(Material.METAL, BUILDING, (96, 100, 106))
    parts += [
        box((front + 0.08, y, height / 2), (0.2, 0.3, height), rib) for y in np.arange(-width / 2, width / 2 + 0.1, 4.0)
    ]
    gate = Finish(Material.METAL, BUILDING, AWNINGS[seed % len(AWNINGS)])
    for y in np.arange(-width / 2 + 4.0, width / 2 - 3.0, 8.0).tolist():
        parts.append(box((front + 0.05, y, 1.9), (0.1, 3.4, 3.8), gate))
    return parts
