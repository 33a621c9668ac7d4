"""CARLA 0.9.16's value types as named tuples: msgpack writes a tuple as the array that CARLA expects."""

from __future__ import annotations

from typing import NamedTuple


class Location(NamedTuple):
    """Point or vector in metres: x forward, y right, z up."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class Rotation(NamedTuple):
    """Angles in degrees, in the order CARLA sends them."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


class Transform(NamedTuple):
    """Place and direction of a thing."""

    location: Location = Location()
    rotation: Rotation = Rotation()


class WeatherParameters(NamedTuple):
    """The 14 numbers of CARLA's weather: percentages 0..100, angles in degrees, fog_distance in metres."""

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 75.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.0
    wetness: float = 0.0
    scattering_intensity: float = 1.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0
