"""Appearances: names and own values for CARLA's 14 weather numbers; wind is 0 in each, so that nothing sways."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Annotated, get_args

import msgspec

from carla_plugin.scenario_parts import Part
from protocols.carla_rpc.types import WeatherParameters

_CLEAR = WeatherParameters(
    cloudiness=10.0,
    sun_azimuth_angle=-20.0,
    sun_altitude_angle=70.0,
    fog_density=0.0,
    fog_distance=0.75,
    fog_falloff=0.1,
    scattering_intensity=1.0,
    mie_scattering_scale=0.03,
    rayleigh_scattering_scale=0.0331,
)
_NIGHT = _CLEAR._replace(sun_altitude_angle=-70.0, cloudiness=20.0)
_RAIN = _CLEAR._replace(
    cloudiness=95.0,
    precipitation=80.0,
    precipitation_deposits=80.0,
    sun_altitude_angle=40.0,
    fog_density=8.0,
    fog_distance=30.0,
    wetness=100.0,
)

OURS: dict[str, WeatherParameters] = {
    "noon": _CLEAR,
    "morning": _CLEAR._replace(sun_altitude_angle=25.0, sun_azimuth_angle=75.0, cloudiness=20.0),
    "overcast": _CLEAR._replace(sun_altitude_angle=50.0, cloudiness=95.0),
    "sunset": _CLEAR._replace(sun_altitude_angle=6.0, sun_azimuth_angle=-65.0, cloudiness=35.0),
    "low_sun": _CLEAR._replace(sun_altitude_angle=10.0, sun_azimuth_angle=20.0, cloudiness=5.0),
    "dusk": _CLEAR._replace(sun_altitude_angle=-3.0, sun_azimuth_angle=-65.0, cloudiness=30.0),
    "night": _NIGHT,
    "fog": _CLEAR._replace(
        sun_altitude_angle=35.0, cloudiness=80.0, fog_density=65.0, fog_distance=3.0, fog_falloff=0.2, wetness=20.0
    ),
    "fog_night": _NIGHT._replace(fog_density=50.0, fog_distance=5.0, fog_falloff=0.2, wetness=20.0),
    "rain": _RAIN,
    "rain_night": _RAIN._replace(sun_altitude_angle=-70.0),
    "wet": _CLEAR._replace(sun_altitude_angle=45.0, cloudiness=60.0, precipitation_deposits=60.0, wetness=80.0),
}
"""Our names; percentages 0..100, angles in degrees, `fog_distance` in metres (CARLA 0.9.16's WeatherParameters)."""

_HEIGHTS = {"Noon": 45.0, "Sunset": 15.0, "Night": -90.0}


def _preset(
    hour: str, clouds: float, rain: float, puddles: float, fog: float, wetness: float = 0.0, far_m: float = 0.75
) -> WeatherParameters:
    """Return one of CARLA's presets, but for its wind; `far_m` 75 goes with a falloff of 1 there."""
    return WeatherParameters(
        cloudiness=clouds,
        precipitation=rain,
        precipitation_deposits=puddles,
        sun_azimuth_angle=-1.0,
        sun_altitude_angle=_HEIGHTS[hour],
        fog_density=fog,
        fog_distance=far_m,
        fog_falloff=1.0 if far_m == 75.0 else 0.1,
        wetness=wetness,
        scattering_intensity=1.0,
        mie_scattering_scale=0.03,
        rayleigh_scattering_scale=0.0331,
    )


CARLAS: dict[str, WeatherParameters] = {
    "ClearNoon": _preset("Noon", 5, 0, 0, 2),
    "ClearSunset": _preset("Sunset", 5, 0, 0, 2),
    "ClearNight": _preset("Night", 5, 0, 0, 60, far_m=75.0),
    "CloudyNoon": _preset("Noon", 60, 0, 0, 3),
    "CloudySunset": _preset("Sunset", 60, 0, 0, 3),
    "CloudyNight": _preset("Night", 60, 0, 0, 60),
    "WetNoon": _preset("Noon", 5, 0, 50, 3),
    "WetSunset": _preset("Sunset", 5, 0, 50, 2),
    "WetNight": _preset("Night", 5, 0, 50, 60, 60, far_m=75.0),
    "WetCloudyNoon": _preset("Noon", 60, 0, 50, 3),
    "WetCloudySunset": _preset("Sunset", 60, 0, 50, 2),
    "WetCloudyNight": _preset("Night", 60, 0, 50, 60, 60),
    "SoftRainNoon": _preset("Noon", 20, 30, 50, 3),
    "SoftRainSunset": _preset("Sunset", 20, 30, 50, 2),
    "SoftRainNight": _preset("Night", 60, 30, 50, 60, 60),
    "MidRainyNoon": _preset("Noon", 60, 60, 60, 3),
    "MidRainSunset": _preset("Sunset", 60, 60, 60, 3),
    "MidRainyNight": _preset("Night", 80, 60, 60, 60, 80),
    "HardRainNoon": _preset("Noon", 100, 100, 90, 7),
    "HardRainSunset": _preset("Sunset", 100, 100, 90, 7),
    "HardRainNight": _preset("Night", 100, 100, 90, 100, 100),
    "DustStorm": _preset("Noon", 100, 0, 0, 2)._replace(dust_storm=100.0),
}
"""CARLA's presets as the wheel of 0.9.16 has them (a test compares), but for their wind of 10 to 100."""

APPEARANCES = OURS | CARLAS

Percent = Annotated[float, msgspec.Meta(ge=0.0, le=100.0)]
Azimuth = Annotated[float, msgspec.Meta(ge=-360.0, le=360.0)]
Altitude = Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
Distance = Annotated[float, msgspec.Meta(ge=0.0, le=10_000.0)]
Falloff = Annotated[float, msgspec.Meta(ge=0.0, le=100.0)]
Scale = Annotated[float, msgspec.Meta(ge=0.0, le=10.0)]
Range = Annotated[tuple[float, ...], msgspec.Meta(min_length=2, max_length=2)]
Calm = Annotated[float, msgspec.Meta(ge=0.0, le=0.0)]


class OwnAppearance(Part, frozen=True):
    """Give a name to own weather numbers: each a value, or a range [low, high] that each episode draws from.

    What is not given is that of `base`.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]
    base: str = "noon"
    cloudiness: Percent | Range | None = None
    precipitation: Percent | Range | None = None
    precipitation_deposits: Percent | Range | None = None
    wind_intensity: Calm | None = None
    sun_azimuth_angle: Azimuth | Range | None = None
    sun_altitude_angle: Altitude | Range | None = None
    fog_density: Percent | Range | None = None
    fog_distance: Distance | Range | None = None
    fog_falloff: Falloff | Range | None = None
    wetness: Percent | Range | None = None
    scattering_intensity: Scale | Range | None = None
    mie_scattering_scale: Scale | Range | None = None
    rayleigh_scattering_scale: Scale | Range | None = None
    dust_storm: Percent | Range | None = None

    def drawn(self, seed: int) -> WeatherParameters:
        """Return the 14 numbers: ranges are drawn from the seed, the appearance's name and the number's."""
        numbers = APPEARANCES[self.base]._asdict()
        for key in numbers:
            value = getattr(self, key)
            if isinstance(value, tuple):
                digest = hashlib.sha256(f"{seed}:{self.name}:{key}".encode()).digest()
                value = random.Random(digest).uniform(*value)
            if value is not None:
                numbers[key] = float(value)
        return WeatherParameters(**numbers)


def _limits(key: str) -> tuple[float, float]:
    """Return the range of a weather number, as its type says."""
    kind = next(field.type for field in msgspec.structs.fields(OwnAppearance) if field.name == key)
    metas = [meta for part in get_args(kind) for meta in getattr(part, "__metadata__", ()) if meta.ge is not None]
    return float(metas[0].ge), float(metas[0].le)


LIMITS = {key: _limits(key) for key in WeatherParameters._fields}
"""Lowest and highest value of each number; msgspec cannot hold the two of a range to them."""


def name_of(appearance: str | OwnAppearance) -> str:
    """Return the name under which images of an appearance travel."""
    return appearance if isinstance(appearance, str) else appearance.name


def weather_of(name: str) -> WeatherParameters:
    """Return the 14 weather numbers of a named appearance.

    Raises:
        KeyError: no appearance has that name; `known_names` lists them.
    """
    return APPEARANCES[name]


def drawn_weathers(appearances: Sequence[str | OwnAppearance], seed: int) -> dict[str, WeatherParameters]:
    """Return the 14 weather numbers of each appearance by name, those with ranges drawn from a seed."""
    return {name_of(one): weather_of(one) if isinstance(one, str) else one.drawn(seed) for one in appearances}


def known_names() -> tuple[str, ...]:
    """Return all names, ours first, then CARLA's."""
    return tuple(APPEARANCES)
