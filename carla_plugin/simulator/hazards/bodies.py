"""Body hazards: what should stand still does not quite."""

from __future__ import annotations

import math
from collections.abc import Iterable

from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.pose import heading
from protocols.carla_rpc.types import Location, Rotation, Transform

SWAY_DEG, SWAY_S = 2.5, 3.1
CREEP_M_S = 0.02
BLINKERS, BLINK_S = 16 | 32, 0.4
SWAY_PX_PER_WIND = 0.04  # largest shift of leaves, at 512 pixels of width, for each percent of wind
GUST_S = 1.7


def swayed(place: Transform, actor: int, elapsed_s: float) -> Transform:
    """Return where a person's feet are drawn who shifts the weight from leg to leg."""
    phase = 2.0 * math.pi * (elapsed_s / SWAY_S + actor * 0.37)
    location, (pitch, yaw, roll) = place
    return Transform(location, Rotation(pitch, yaw + SWAY_DEG * math.cos(phase), roll + SWAY_DEG * math.sin(phase)))


def creep(vehicles: Iterable[Vehicle], seconds: float) -> None:
    """Push on what stands with its physics on."""
    for vehicle in vehicles:
        if vehicle.physics and max(map(abs, vehicle.velocity)) < 0.05:
            (x, y, z), rotation = vehicle.place
            cos, sin = heading(rotation.yaw)
            ahead = CREEP_M_S * seconds
            vehicle.place = Transform(Location(x + cos * ahead, y + sin * ahead, z), rotation)


def blinking(lights: int, elapsed_s: float) -> int:
    """Return a vehicle's light bits with both blinkers on half of the time."""
    return lights ^ BLINKERS if elapsed_s % (2.0 * BLINK_S) < BLINK_S else lights


def gust(wind_percent: float, elapsed_s: float) -> tuple[float, float]:
    """Return how leaves sway now: the largest shift in pixels at 512 of width, and the phase in radians."""
    if wind_percent <= 0.0:
        return 0.0, 0.0
    return SWAY_PX_PER_WIND * wind_percent, 2.0 * math.pi * elapsed_s / GUST_S
