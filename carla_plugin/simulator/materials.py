"""Materials: what a triangle is made of, and what its `uvw` coordinates mean to the renderer."""

from enum import IntEnum


class Material(IntEnum):
    """Name the surfaces the renderer can draw; colour and seed come from the triangle, detail from `uvw`.

    Unless said otherwise `uvw` are object-local coordinates in metres (for ground: world metres).
    """

    PLAIN = 0  # matt paint or plastic
    ASPHALT = 1  # ground; takes puddles and reflections when wet
    PAVING = 2  # ground; slabs; takes puddles
    CONCRETE = 3  # kerbs, plinths
    GRASS = 4  # ground
    FACADE = 5  # wall with a grid of windows: u metres along the wall, v metres above ground, w wall length in metres
    SHOPFRONT = 6  # ground floor with large panes: u, v, w as FACADE
    ROOF = 7
    FOLIAGE = 8  # leaves; cut-out by noise over uvw
    BARK = 9
    METAL = 10  # poles, housings
    CAR_PAINT = 11  # glossy
    GLASS = 12  # dark, glossy
    RUBBER = 13
    SKIN = 14
    CLOTH = 15
    STREET_LAMP = 16  # glows when lamps are lit
    HEAD_LAMP = 17  # glows with the actor's low-beam or position light, or when lamps are lit
    TAIL_LAMP = 18  # dim with position lights or when lamps are lit, bright with the brake light
    SIGNAL_LENS = 19  # u lens (0 red, 1 yellow, 2 green), v index of the signal in the town's list
    SIGN_FACE = 20  # u, v in -1..1 over the face, w kind of sign + LIMIT_TENS * tens of a speed limit
    MARKING = 21  # road paint in the triangle's colour, worn
    BRICK = 22  # u metres along, v metres up
    FENCE = 23  # cut-out bars or mesh: u metres along, v metres up, w 0 bars, 1 mesh, 2 planks (solid)
    WOOD = 24
    CHROME = 25  # spokes, rims, frames


SIGN_KINDS = ("give_way", "speed", "priority", "no_entry", "info", "stop")
LIMIT_TENS = 8
"""More than there are kinds of signs, see `Material.SIGN_FACE`."""
