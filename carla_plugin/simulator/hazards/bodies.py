"""Body hazards: what should stand still does not quite, and what should shine does not always."""

from __future__ import annotations

import math
from collections.abc import Iterable

from carla_plugin.simulator.actors import Signal, Vehicle
from carla_plugin.simulator.hazards.dice import lot
from carla_plugin.simulator.motion import speed_along
from carla_plugin.simulator.pose import heading
from protocols.carla_rpc.types import TrafficLightState

CREEP_M_S = 0.06
BLINKING, BLINK_S = 8 | 16 | 32, 0.4  # brake and indicators of VehicleLightState; seconds dark, and seconds lit
SWAY_M_AT_FULL_WIND = 0.35
GUST_S = 1.7


def creep(vehicles: Iterable[Vehicle]) -> None:
    """Push on vehicles that have physics and no control; called before a step, so walls and others stop them."""
    for vehicle in vehicles:
        if _idle(vehicle) and 0.0 <= speed_along(vehicle) < CREEP_M_S:
            cos, sin = heading(vehicle.place.rotation.yaw)
            vehicle.velocity = vehicle.velocity._replace(x=CREEP_M_S * cos, y=CREEP_M_S * sin)


def _idle(vehicle: Vehicle) -> bool:
    control = vehicle.control
    pedals = control.throttle or control.brake or control.hand_brake
    slow = math.hypot(vehicle.velocity.x, vehicle.velocity.y) < 2.0 * CREEP_M_S
    driven = vehicle.constant_velocity is not None or vehicle.ackermann is not None
    return vehicle.physics and not vehicle.parent and not pedals and slow and not driven


def blinking(vehicle: Vehicle, elapsed_s: float, seed: int) -> int:
    """Return a vehicle's light bits as drawn: brake lamps and indicators that are on are dark half of the time."""
    dark = vehicle.lights & BLINKING and _dark(vehicle.id, elapsed_s, seed)
    return vehicle.lights & ~BLINKING if dark else vehicle.lights


def shown_state(signal: Signal, elapsed_s: float, seed: int) -> int:
    """Return a traffic light's state as drawn: dark half of the time unless it is frozen."""
    return TrafficLightState.OFF if not signal.frozen and _dark(signal.id, elapsed_s, seed) else signal.state


def _dark(actor: int, elapsed_s: float, seed: int) -> bool:
    """Return whether a lamp is dark at this moment, in a rhythm of its own."""
    return int(elapsed_s / BLINK_S + lot(1000, seed, actor) / 500.0) % 2 == 1


def gust(wind_percent: float, elapsed_s: float) -> tuple[float, float]:
    """Return how leaves sway now: metres that they are out of their place at most, and radians of the swing."""
    wind = min(max(float(wind_percent) / 100.0, 0.0), 1.0)
    if wind <= 0.0:
        return 0.0, 0.0
    return SWAY_M_AT_FULL_WIND * wind, math.fmod(2.0 * math.pi * elapsed_s / GUST_S, 20.0 * math.pi)
