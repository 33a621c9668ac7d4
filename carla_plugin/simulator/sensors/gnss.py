"""GNSS: latitude, longitude and altitude as the client's own map computes them, with noise."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import msgpack
import numpy as np

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.sensors.attributes import number, whole
from carla_plugin.simulator.sensors.kind import Told
from carla_plugin.simulator.world import World
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Location

EARTH_RADIUS_M = 6378137.0
SCALE = 0.9996
NOWHERE = (42.0, 2.0)  # where CARLA puts a map whose header does not say
FAR = 1e6


class Noise(NamedTuple):
    """Hold bias and standard deviation of altitude (metres), latitude and longitude (degrees)."""

    seed: int
    biases: tuple[float, float, float]
    deviations: tuple[float, float, float]


def read(sensor: Sensor) -> Noise:
    """Return the noise of a GNSS sensor.

    Raises:
        CallError: an attribute is out of range.
    """
    names = ("lat", "lon", "alt")
    return Noise(
        whole(sensor, "noise_seed", "0", -(1 << 31), (1 << 31) - 1),
        tuple(number(sensor, f"noise_{name}_bias", "0.0", -FAR, FAR) for name in names),  # type: ignore[arg-type]
        tuple(number(sensor, f"noise_{name}_stddev", "0.0", -FAR, FAR) for name in names),  # type: ignore[arg-type]
    )


def origin(opendrive: str) -> tuple[float, float]:
    """Return latitude and longitude in degrees of a map's origin, from its geoReference."""
    header = re.search(r"<geoReference>(.*?)</geoReference>", opendrive[:20_000], re.DOTALL)
    text = header.group(1) if header else ""
    found = [re.search(rf"\+{name}=([-+0-9.eE]+)", text) for name in ("lat_0", "lon_0")]
    try:
        latitude, longitude = (float(match.group(1)) for match in found if match)
    except ValueError:
        return NOWHERE
    return latitude, longitude


def geolocation(start: tuple[float, float], place: Location) -> tuple[float, float, float]:
    """Return latitude and longitude in degrees and altitude in metres of a place.

    CARLA 0.9.16 lays the map on a sphere by the inverse of a transverse Mercator projection and takes its own y,
    which points south, for the northing: so latitude grows southward there, as CARLA issue 9389 tells.

    Args:
        start: latitude and longitude of the map's origin.
        place: in the world, metres.
    """
    east, north = place.x / (SCALE * EARTH_RADIUS_M), place.y / (SCALE * EARTH_RADIUS_M) + math.radians(start[0])
    latitude = math.asin(math.sin(north) / math.cosh(east))
    longitude = math.radians(start[1]) + math.atan2(math.sinh(east), math.cos(north))
    return math.degrees(latitude), math.degrees(longitude), place.z


def messages(world: World, sensor: Sensor) -> list[bytes]:
    """Return where the sensor is."""
    noise: Noise = sensor.settings
    if "origin" not in sensor.memory:
        sensor.memory["origin"] = origin(world.town.opendrive)
        sensor.memory["dice"] = np.random.Generator(np.random.PCG64(noise.seed & 0xFFFFFFFF))
    exact = geolocation(sensor.memory["origin"], sensor.place.location)
    drawn = sensor.memory["dice"].normal(size=3).tolist()
    told = [
        value + bias + deviation * dice
        for value, bias, deviation, dice in zip(exact, noise.biases, noise.deviations, drawn, strict=True)
    ]
    return [bytes(msgpack.packb(told))]


KIND = Told(SensorType.GNSS, read, messages)
