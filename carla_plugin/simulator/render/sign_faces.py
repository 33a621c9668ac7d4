"""Faces of traffic signs."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import LIMIT_TENS
from carla_plugin.simulator.render.gbuffer import ALBEDO, EMISSION, GLOSS, LEVEL, SPECULAR
from carla_plugin.simulator.render.ground import set_albedo

_DIGITS = (63, 6, 91, 79, 102, 109, 125, 7, 127, 111)
"""Bars of a digit: 1 top, 2 upper right, 4 lower right, 8 bottom, 16 lower left, 32 upper left, 64 middle."""
_S, _O, _P = 109, 63, 115


@numba.njit(cache=True, nogil=True)
def sign_face(px: NDArray[np.float32], u: float, v: float, w: int, seed: int) -> None:
    """Draw a traffic sign's face; u left, as one looks at it, and v up in -1..1."""
    kind, tens = w % LIMIT_TENS, w // LIMIT_TENS
    far = math.hypot(u, v)
    set_albedo(px, 0.72, 0.72, 0.70)
    if kind == 0:  # give way: red border
        if v < 0.85 and abs(u) < (v + 0.95) * 0.54 and not (v < 0.6 and abs(u) < (v + 0.5) * 0.54):
            set_albedo(px, 0.55, 0.02, 0.02)
    elif kind == 1:
        if 0.72 < far < 0.96:
            set_albedo(px, 0.55, 0.02, 0.02)
        elif _number(tens, -u, v):
            set_albedo(px, 0.02, 0.02, 0.02)
    elif kind == 2:  # priority: yellow diamond
        if abs(u) + abs(v) < 0.72:
            set_albedo(px, 0.75, 0.42, 0.01)
    elif kind == 3:  # no entry
        if far < 0.96 and not (abs(v) < 0.17 and abs(u) < 0.68):
            set_albedo(px, 0.55, 0.02, 0.02)
    elif kind == 4:
        _inform(px, u, v, seed)
    elif abs(u) + abs(v) < 1.3 and max(abs(u), abs(v)) < 0.92 and not _stop(-u, v):
        set_albedo(px, 0.55, 0.02, 0.02)
    px[GLOSS], px[SPECULAR] = 0.5, 0.04
    for channel in range(3):  # the foil throws lamp light back
        px[EMISSION + channel] = 0.045 * px[ALBEDO + channel]
    px[LEVEL] = 0.2


@numba.njit(cache=True, nogil=True)
def _inform(px: NDArray[np.float32], u: float, v: float, seed: int) -> None:
    """Draw a blue sign: a crossing or a car park."""
    set_albedo(px, 0.015, 0.07, 0.40)
    if seed & 1:  # a walker's white triangle
        if v > -0.62 and abs(u) < (0.62 - v) * 0.52:
            set_albedo(px, 0.75, 0.75, 0.75)
            if abs(u) < 0.10 + 0.12 * max(-0.2 - v, 0.0) and v > -0.5 and v < 0.12:
                set_albedo(px, 0.02, 0.02, 0.03)
    elif (abs(u - 0.22) < 0.13 and abs(v) < 0.6) or (
        v > -0.12 and abs(math.hypot(u + 0.02, v - 0.24) - 0.28) < 0.10 and u < 0.25
    ):  # the P of a car park
        set_albedo(px, 0.75, 0.75, 0.75)
    if max(abs(u), abs(v)) > 0.9:
        set_albedo(px, 0.75, 0.75, 0.75)


@numba.njit(cache=True, nogil=True)
def _number(tens: int, x: float, y: float) -> bool:
    """Tell whether a point, x right and y up, is within the digits of ten times `tens`."""
    if tens < 10:
        return _bars(_DIGITS[tens], (x + 0.28) / 0.19, y / 0.36) or _bars(_DIGITS[0], (x - 0.28) / 0.19, y / 0.36)
    hundreds = _bars(_DIGITS[tens // 10 % 10], (x + 0.42) / 0.14, y / 0.32)
    return hundreds or _bars(_DIGITS[tens % 10], x / 0.14, y / 0.32) or _bars(_DIGITS[0], (x - 0.42) / 0.14, y / 0.32)


@numba.njit(cache=True, nogil=True)
def _stop(x: float, y: float) -> bool:
    """Tell whether a point, x right and y up, is within the word."""
    y /= 0.3
    t = abs(y) < 1.0 and (abs(x + 0.21) < 0.045 or (y > 0.7 and abs(x + 0.21) < 0.16))
    return t or _bars(_S, (x + 0.63) / 0.15, y) or _bars(_O, (x - 0.21) / 0.15, y) or _bars(_P, (x - 0.63) / 0.15, y)


@numba.njit(cache=True, nogil=True)
def _bars(lit: int, x: float, y: float) -> bool:
    """Tell whether a point of a letter, -1..1 in both directions, is within the bars of it that are lit."""
    if abs(x) > 1.0 or abs(y) > 1.0:
        return False
    thick = 0.42
    if (lit & 1 and y > 1.0 - 0.5 * thick) or (lit & 8 and y < 0.5 * thick - 1.0):
        return True
    if lit & 64 and abs(y) < 0.25 * thick:
        return True
    right, left = x > 1.0 - thick, x < thick - 1.0
    if y > 0.0:
        return (right and lit & 2 != 0) or (left and lit & 32 != 0)
    return (right and lit & 4 != 0) or (left and lit & 16 != 0)
