"""Appearances: names for CARLA's 14 weather numbers; wind is 0 in each, so that nothing sways between two images."""

from __future__ import annotations

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

APPEARANCES: dict[str, WeatherParameters] = {
    "noon": _CLEAR,
    "morning": _CLEAR._replace(sun_altitude_angle=25.0, sun_azimuth_angle=75.0, cloudiness=20.0),
    "overcast": _CLEAR._replace(sun_altitude_angle=50.0, cloudiness=95.0),
    "sunset": _CLEAR._replace(sun_altitude_angle=6.0, sun_azimuth_angle=-65.0, cloudiness=35.0),
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


def weather_of(name: str) -> WeatherParameters:
    """Return the 14 weather numbers of a named appearance.

    Raises:
        KeyError: no appearance has that name; `known_names` lists them.
    """
    return APPEARANCES[name]


def known_names() -> tuple[str, ...]:
    """Return all names, in the order of the table."""
    return tuple(APPEARANCES)
