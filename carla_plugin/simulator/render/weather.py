"""Weather: CARLA's 14 numbers turned into the vector of physical quantities that shading reads."""

from __future__ import annotations

import hashlib
import math
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.carla_rpc.types import WeatherParameters

# Places in an appearance vector (float64). Colours take three places, linear light, noon's white is about 1.
SUN_TO = 0  # unit vector toward the sun, or the moon by night
SUN_COLOUR = 3  # light that reaches a surface facing it
ZENITH = 6  # colour of the sky overhead
HORIZON = 9  # colour of the sky at the horizon
GLOW = 12  # colour added around the sun
AMBIENT = 15  # light from above on a level surface
BOUNCE = 18  # light from below
CLOUD_BRIGHT = 21
CLOUD_DARK = 24
CLOUD_COVER = 27  # 0 none .. 1 closed
STARS = 28  # 0..1
FOG_SIGMA = 29  # extinction per metre at the ground
FOG_START = 30  # metres free of fog
FOG_FALLOFF = 31  # 1 / scale height in 1/m
FOG_COLOUR = 32
WET = 35  # 0 dry .. 1 soaked
WATER = 36  # 0 none .. 1 puddles everywhere they can stand
RAIN = 37  # 0..1 strength of falling rain
WIND = 38  # 0..1
LAMPS = 39  # 0 day .. 1 all lamps lit
EXPOSURE = 40
BLOOM = 41
GRAIN = 42  # standard deviation in display levels 0..1
SATURATION = 43
SHADOWS = 44  # how dark the sun's shadows are drawn: 0 where its light is lost in the sky's .. 1
DISC = 45  # brightness of the sun's disc
HAZE_GLOW = 46  # how strongly fog glows toward the sun
DRIFT = 47  # how far the clouds have moved, in heights of their layer
SIZE = 48

_ALTITUDES = (-90.0, -18.0, -9.0, -4.0, 0.0, 6.0, 15.0, 30.0, 50.0, 90.0)
_ZENITHS = (
    (0.0045, 0.0060, 0.0135), (0.0045, 0.0060, 0.0135), (0.016, 0.022, 0.055), (0.060, 0.075, 0.150),
    (0.110, 0.130, 0.230), (0.170, 0.190, 0.310), (0.210, 0.280, 0.470), (0.150, 0.310, 0.700),
    (0.085, 0.225, 0.650), (0.075, 0.205, 0.620),
)  # fmt: skip
_HORIZONS = (
    (0.013, 0.012, 0.015), (0.013, 0.012, 0.015), (0.075, 0.052, 0.068), (0.330, 0.170, 0.130),
    (0.640, 0.310, 0.170), (0.820, 0.470, 0.270), (0.860, 0.640, 0.460), (0.700, 0.780, 0.880),
    (0.560, 0.710, 0.920), (0.540, 0.700, 0.920),
)  # fmt: skip
_EXPOSURES = (3.60, 3.60, 3.30, 2.80, 2.30, 1.85, 1.40, 1.05, 0.96, 0.94)


class Air(NamedTuple):
    """Say what CARLA's numbers leave open about a moment.

    Attributes:
        rain: 0..1 strength of falling rain, or below 0 as the weather says.
        drift: how far the clouds have moved, in heights of their layer.
        gain: exposure, as a factor of the one that suits the weather.
    """

    rain: float = -1.0
    drift: float = 0.0
    gain: float = 1.0


CALM_AIR = Air()


def _at(altitude_deg: float, table: tuple[tuple[float, ...], ...]) -> NDArray[np.float64]:
    """Return a colour of a table at a sun altitude."""
    columns = np.array(table).T
    return np.array([np.interp(altitude_deg, _ALTITUDES, column) for column in columns])


def _share(percent: float) -> float:
    """Return a percentage as 0..1."""
    return min(max(float(percent) / 100.0, 0.0), 1.0)


def _step(low: float, high: float, x: float) -> float:
    """Return the smooth step of x between low and high."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def appearance(weather: WeatherParameters, air: Air = CALM_AIR) -> NDArray[np.float64]:
    """Return the `(48,)` float64 appearance vector of a weather; it varies continuously with each number.

    Args:
        weather: CARLA's parameters; values outside their ranges are clamped.
        air: what they leave open.
    """
    vector = np.zeros(SIZE)
    altitude = min(max(float(weather.sun_altitude_angle), -90.0), 90.0)
    rain, water = _share(weather.precipitation), _share(weather.precipitation_deposits)
    cover = max(_share(weather.cloudiness), 0.75 * _step(0.0, 0.4, rain))
    dust = _share(weather.dust_storm)
    grey = _step(0.45, 1.0, cover)
    day = _step(-7.0, 8.0, altitude)

    azimuth, rise = math.radians(weather.sun_azimuth_angle), math.radians(altitude)
    if altitude < -6.0:  # the moon takes over; by then the sun gives nothing
        rise = math.radians(48.0)
        azimuth += 2.4
    vector[SUN_TO : SUN_TO + 3] = (
        math.cos(rise) * math.cos(azimuth), math.cos(rise) * math.sin(azimuth), math.sin(rise),
    )  # fmt: skip
    mass = 1.0 / (max(math.sin(math.radians(altitude)), 0.0) + 0.055)
    through = np.exp(-np.array([0.055, 0.165, 0.37]) * (mass - 1.0))
    strength = 2.5 * _step(-4.0, 9.0, altitude) * (1.0 - 0.99 * grey) * (1.0 - 0.45 * cover * (1.0 - grey))
    strength *= math.exp(-3.2 * _share(weather.fog_density))
    sun = through * np.array([1.0, 0.96, 0.90]) * strength * (1.0 - 0.8 * dust)
    night = _step(-5.0, -9.0, altitude)
    moon = np.array([0.0075, 0.0100, 0.0165]) * (1.0 - 0.9 * grey) * night
    vector[SUN_COLOUR : SUN_COLOUR + 3] = sun + moon

    zenith, horizon = _at(altitude, _ZENITHS), _at(altitude, _HORIZONS)
    overcast = np.array([0.60, 0.64, 0.70]) * (0.035 + 0.965 * day) * (1.0 - 0.42 * rain) * float(
        np.interp(altitude, (-9.0, 0.0, 15.0, 60.0), (0.035, 0.28, 0.70, 1.0))
    )  # fmt: skip
    if night > 0.0:
        overcast = overcast + night * np.array([0.012, 0.010, 0.010])  # the town's own light on the clouds
    zenith = zenith * (1.0 - grey) + 0.80 * overcast * grey
    horizon = horizon * (1.0 - grey) + 1.08 * overcast * grey
    tan = np.array([0.74, 0.53, 0.30]) * float(horizon.mean() + 0.02)
    zenith, horizon = zenith * (1.0 - dust) + tan * dust, horizon * (1.0 - dust) + tan * dust
    vector[ZENITH : ZENITH + 3], vector[HORIZON : HORIZON + 3] = zenith, horizon
    vector[GLOW : GLOW + 3] = (sun * 0.22 + horizon * 0.25 * np.array([1.0, 0.75, 0.5])) * (1.0 - grey)
    ambient = 0.80 * (0.50 * zenith + 0.50 * horizon) + 0.05 * sun * max(vector[SUN_TO + 2], 0.0)
    ambient = ambient * (1.0 + 0.55 * grey)
    vector[AMBIENT : AMBIENT + 3] = ambient + night * np.array([0.0105, 0.0100, 0.0120])
    warm = np.array([1.0, 0.95, 0.85])
    vector[SHADOWS] = _step(0.15, 0.50, float(sun.max()) / float(ambient.mean() + 1e-9))
    vector[BOUNCE : BOUNCE + 3] = 0.30 * ambient + 0.075 * sun * max(vector[SUN_TO + 2], 0.15) * warm

    bright = sun * 0.30 + 0.85 * horizon + 0.10 * zenith
    vector[CLOUD_BRIGHT : CLOUD_BRIGHT + 3] = bright * (1.0 - grey) + 1.12 * overcast * grey
    vector[CLOUD_DARK : CLOUD_DARK + 3] = (0.45 * zenith + 0.42 * horizon) * (1.0 - grey) + 0.62 * overcast * grey
    vector[CLOUD_COVER] = cover
    vector[STARS] = _step(-6.0, -14.0, altitude) * (1.0 - _step(0.1, 0.7, cover))

    fog = _share(weather.fog_density)
    scatter = max(0.0, float(weather.mie_scattering_scale)) * max(0.0, float(weather.scattering_intensity))
    sigma = 0.00065 + 0.004 * min(scatter, 1.0) + 0.070 * fog**1.35 + 0.0035 * rain + 0.045 * dust
    sigma += 0.0020 * _step(-6.0, 2.0, altitude) * _step(22.0, 5.0, altitude)  # evening haze
    vector[FOG_SIGMA] = sigma
    vector[FOG_START] = max(0.0, float(weather.fog_distance)) if fog > 0.0 else 0.0
    vector[FOG_FALLOFF] = 0.06 * min(max(float(weather.fog_falloff), 0.0), 5.0)
    thick = _step(0.0, 0.35, fog)
    mist = overcast * 1.0 + 0.06 * sun if altitude > -6.0 else overcast
    haze = 0.82 * horizon + 0.10 * zenith
    fog_colour = haze * (1.0 - thick * (1.0 - 0.35 * (1.0 - grey))) + mist * thick * (1.0 - 0.35 * (1.0 - grey))
    fog_colour = fog_colour + thick * night * np.array([0.0080, 0.0058, 0.0036])  # street lamps light the fog
    vector[FOG_COLOUR : FOG_COLOUR + 3] = fog_colour * (1.0 - dust) + tan * dust
    vector[HAZE_GLOW] = (1.0 - grey) * (1.0 - 0.6 * thick)

    vector[WET] = max(_share(weather.wetness), _step(0.0, 0.35, rain), 0.6 * water)
    vector[WATER] = max(water, 0.35 * rain)
    vector[RAIN] = rain if air.rain < 0.0 else air.rain
    vector[DRIFT] = air.drift
    vector[WIND] = _share(weather.wind_intensity)
    dim = _step(0.55, 1.0, cover) * _step(30.0, 5.0, altitude) * 0.5 + 0.45 * _step(0.4, 0.9, fog)
    rainy = 0.55 * _step(0.3, 0.8, rain)
    vector[LAMPS] = max(_step(4.0, -5.0, altitude), 0.2 * _step(12.0, 4.0, altitude), min(dim, 0.5), rainy)
    base = float(np.interp(altitude, _ALTITUDES, _EXPOSURES))
    vector[EXPOSURE] = base * (1.0 + 0.38 * grey * day + 0.25 * grey * rain * day) * air.gain
    vector[BLOOM] = 0.05 + 0.16 * _step(4.0, -6.0, altitude) + 0.08 * fog + 0.04 * rain + 0.30 * fog * night
    vector[GRAIN] = 0.006 + 0.016 * _step(2.0, -8.0, altitude) + 0.004 * rain
    vector[SATURATION] = 1.0 - 0.22 * grey * day - 0.15 * thick * day + 0.06 * (1.0 - grey) * day
    vector[DISC] = 14.0 * (1.0 - grey) ** 2 * _step(-1.5, 1.0, altitude)
    return vector


def digest(*parts: object) -> int:
    """Return a 31-bit seed of numbers and nested tuples of numbers, the same on every machine."""
    held = hashlib.sha256()

    def add(part: object) -> None:
        if isinstance(part, tuple):
            for item in part:
                add(item)
        else:
            held.update(struct.pack("<d", float(part)))  # type: ignore[arg-type]

    add(parts)
    return int.from_bytes(held.digest()[:4], "little") & 0x7FFFFFFF
