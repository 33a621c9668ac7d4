"""Film: what a camera's own settings make of the light, as factors of the picture that suits the weather."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAMMA = 2.2
NEUTRAL_K = 6500.0
_COLDEST_K, _HOTTEST_K = 1667.0, 25000.0  # where the fit of Kim holds
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


class Film(NamedTuple):
    """Hold how a camera develops its pictures.

    Attributes:
        exposure: factor of the exposure that suits the weather.
        gamma: of the screen that the picture is made for; less of it makes darker middle tones.
        white: factors of linear red, green and blue.
        bloom: factor of the light that bright places spill over their surroundings.
        effects: whether there is any bloom, vignette or grain.
    """

    exposure: float = 1.0
    gamma: float = GAMMA
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bloom: float = 1.0
    effects: bool = True


PLAIN_FILM = Film()


def white_balance(temperature_k: float, tint: float) -> tuple[float, float, float]:
    """Return factors of linear red, green and blue that keep the luma of grey; more kelvins make a warmer picture.

    Light of the given temperature comes out as light of 6500 K would, as in Unreal.

    Args:
        temperature_k: of the light that is to look white; taken as the nearest of 1667 to 25000.
        tint: stops from green (below 0) to magenta.
    """
    if temperature_k == NEUTRAL_K and tint == 0.0:
        return (1.0, 1.0, 1.0)
    gains = _light(NEUTRAL_K) / _light(min(max(temperature_k, _COLDEST_K), _HOTTEST_K))
    gains[1] *= 2.0**-tint
    red, green, blue = (float(gain) for gain in gains / (_LUMA @ gains))
    return (red, green, blue)


def _light(kelvins: float) -> NDArray[np.float64]:
    """Return linear sRGB of a black body, by the fit of Kim and others (2002) to its chromaticity."""
    t = 1e3 / kelvins
    if kelvins <= 4000.0:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvins <= 2222.0:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvins <= 4000.0:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    found: NDArray[np.float64] = np.maximum(_TO_SRGB @ np.array([x / y, 1.0, (1.0 - x - y) / y]), 1e-3)
    return found


def stops_of(shutter_speed: float, iso: float, fstop: float) -> float:
    """Return the exposure of a camera, in stops: log2 of time times sensitivity over the square of the f-number.

    Args:
        shutter_speed: 1/s.
        iso: sensitivity.
        fstop: focal length over aperture.
    """
    return math.log2(iso / 100.0 / shutter_speed) - 2.0 * math.log2(fstop)
