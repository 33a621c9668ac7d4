"""Materials of things: foliage, bark, metal, car paint, glass, cloth, lamps, lenses."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render.gbuffer import ALBEDO, EMISSION, GLOSS, LEVEL, POROUS, SPECULAR
from carla_plugin.simulator.render.ground import fade, scale_albedo, set_albedo
from carla_plugin.simulator.render.noise import fractal2, hash3, unit3, value2, value3
from carla_plugin.simulator.render.visibility import leaf_size

_FOLIAGE = int(Material.FOLIAGE)
_BARK = int(Material.BARK)
_METAL = int(Material.METAL)
_CAR_PAINT = int(Material.CAR_PAINT)
_GLASS = int(Material.GLASS)
_RUBBER = int(Material.RUBBER)
_SKIN = int(Material.SKIN)
_CLOTH = int(Material.CLOTH)
_STREET_LAMP = int(Material.STREET_LAMP)
_HEAD_LAMP = int(Material.HEAD_LAMP)
_TAIL_LAMP = int(Material.TAIL_LAMP)
_SIGNAL_LENS = int(Material.SIGNAL_LENS)
_SIGN_FACE = int(Material.SIGN_FACE)
_WOOD = int(Material.WOOD)
_CHROME = int(Material.CHROME)
_FENCE = int(Material.FENCE)
_ROOF = int(Material.ROOF)


@numba.njit(cache=True, nogil=True)
def _glow(px: NDArray[np.float32], red: float, green: float, blue: float, level: float) -> None:
    """Let a pixel glow once the appearance's lamps exceed `level`."""
    px[EMISSION], px[EMISSION + 1], px[EMISSION + 2], px[LEVEL] = red, green, blue, level


@numba.njit(cache=True, nogil=True)
def lens(px: NDArray[np.float32], lamp: int, state: int) -> None:
    """Draw a signal's lens: lamp 0 red, 1 yellow, 2 green; it glows if it is the state's."""
    red = 1.0 if lamp < 2 else 0.05
    green = 0.015 if lamp == 0 else (0.62 if lamp == 1 else 1.0)
    blue = 0.02 if lamp < 2 else 0.55
    set_albedo(px, 0.05 * red + 0.01, 0.05 * green + 0.01, 0.05 * blue + 0.01)
    px[GLOSS], px[SPECULAR] = 0.6, 0.04
    if lamp == state:
        _glow(px, 2.6 * red, 2.6 * green, 2.6 * blue, -1.0)


@numba.njit(cache=True, nogil=True)
def thing(
    px: NDArray[np.float32], kind: int, u: float, v: float, w: float, seed: int, footprint: float, lights: int,
) -> None:  # fmt: skip
    """Draw any of the materials of this file at object-local metres (u, v, w)."""
    if kind == _FOLIAGE:
        clump = value3(u * 1.6, v * 1.6, w * 1.6, seed & 0xFFFF)
        if footprint < 0.05:
            leaf = value3(u * 12.0, v * 12.0, w * 12.0, (seed + 5) & 0xFFFF)  # as in `cut_out`: rims of leaves are dark
            leaf = min(max(1.6 * leaf - 0.4, 0.0), 1.0)
        else:
            cell = leaf_size(footprint)
            leaf = unit3(math.floor(u / cell), math.floor(v / cell), hash3(math.floor(w / cell), seed, 6))
        scale_albedo(px, 0.42 + 0.55 * clump + 0.45 * leaf * leaf)
        px[ALBEDO] *= 0.9 + 0.3 * leaf
        px[POROUS], px[GLOSS], px[SPECULAR] = 0.2, 0.25, 0.02
    elif kind == _CAR_PAINT:
        scale_albedo(px, 0.92 + 0.12 * fractal2(u * 1.3 + w, v * 1.3 + w, seed & 0xFFFF, 2))
        dirt = max(0.0, 0.55 - w) * 0.8
        for channel in range(3):
            px[ALBEDO + channel] += dirt * (0.09 - px[ALBEDO + channel]) * 0.5
        px[SPECULAR], px[GLOSS] = 0.055, 0.85 - dirt
    elif kind == _GLASS:
        scale_albedo(px, 0.35)
        px[SPECULAR], px[GLOSS] = 0.09, 0.95
    elif kind == _CHROME:
        px[SPECULAR], px[GLOSS] = 0.4, 0.7
    elif kind == _METAL:
        scale_albedo(px, 0.85 + 0.25 * fractal2(u * 2.0 + w, v * 2.0 + w * 1.7, seed & 0xFFFF, 2))
        px[SPECULAR], px[GLOSS] = 0.07, 0.45
    elif kind == _RUBBER:
        px[SPECULAR], px[GLOSS], px[POROUS] = 0.02, 0.2, 0.1
    elif kind == _SKIN:
        px[SPECULAR], px[GLOSS] = 0.03, 0.3
    elif kind == _CLOTH:
        fold = value3(u * 5.0, v * 5.0, w * 2.4, seed & 0xFFFF)
        scale_albedo(px, 0.75 + 0.45 * fold)
        px[POROUS] = 0.4
    elif kind == _FENCE:
        board = math.floor(u / 0.14)
        gap = u / 0.14 - board
        scale_albedo(px, (0.72 + 0.4 * unit3(board, 5, seed)) * (0.5 if gap < 0.1 and footprint < 0.08 else 1.0))
        scale_albedo(px, 0.8 + 0.35 * value2(u * 20.0, v * 1.5, seed & 0xFFFF))
        px[POROUS] = 0.35
    elif kind == _BARK:
        scale_albedo(px, 0.6 + 0.7 * value3(u * 14.0, v * 14.0, w * 2.5, seed & 0xFFFF) * fade(footprint, 0.2) + 0.1)
        px[POROUS] = 0.4
    elif kind == _WOOD:
        scale_albedo(px, 0.7 + 0.5 * value3(u * 1.2, v * 14.0, w * 14.0, seed & 0xFFFF))
        px[POROUS], px[GLOSS] = 0.4, 0.2
    elif kind == _ROOF:
        scale_albedo(px, 0.75 + 0.45 * fractal2(u * 0.7, v * 0.7, seed & 0xFFFF, 3))
        px[POROUS] = 0.4
    elif kind == _STREET_LAMP:
        px[GLOSS], px[SPECULAR] = 0.6, 0.05
        _glow(px, 9.0, 6.4, 3.5, 0.12)
    elif kind == _HEAD_LAMP:
        set_albedo(px, 0.55, 0.57, 0.60)
        px[GLOSS], px[SPECULAR] = 0.9, 0.12
        power = 7.0 if not lights & 4 else 11.0
        _glow(px, power, 0.93 * power, 0.78 * power, -1.0 if lights & 7 else 0.12)
    elif kind == _TAIL_LAMP:
        set_albedo(px, 0.22, 0.012, 0.010)
        px[GLOSS], px[SPECULAR] = 0.8, 0.08
        if lights & 8:
            _glow(px, 4.5, 0.16, 0.10, -1.0)
        else:
            _glow(px, 1.5, 0.05, 0.03, -1.0 if lights & 7 else 0.12)
    else:
        scale_albedo(px, 0.95 + 0.1 * value2(u * 3.0 + w, v * 3.0 - w, seed & 0xFFFF))
        px[POROUS], px[GLOSS], px[SPECULAR] = 0.2, 0.2, 0.02
