"""Between the wheel's values and ours: transforms and weather."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray

from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters


def to_carla(transform: Transform) -> carla.Transform:
    """Return the wheel's transform."""
    location, rotation = transform
    return carla.Transform(
        carla.Location(location.x, location.y, location.z),
        carla.Rotation(pitch=rotation.pitch, yaw=rotation.yaw, roll=rotation.roll),
    )


def from_carla(transform: carla.Transform) -> Transform:
    """Return our transform."""
    location, rotation = transform.location, transform.rotation
    return Transform(
        Location(location.x, location.y, location.z), Rotation(rotation.pitch, rotation.yaw, rotation.roll)
    )


def weather_numbers(weather: carla.WeatherParameters) -> NDArray[np.float32]:
    """Return the `(14,)` float32 numbers of the wheel's weather, in the order of `WeatherParameters`."""
    return np.array([getattr(weather, name) for name in WeatherParameters._fields], dtype=np.float32)
