"""Chassis: what a vehicle says it is built like, as long as no client has said otherwise."""

from __future__ import annotations

import math
from typing import Any

from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.pose import heading

TORQUE_CURVE = [[0.0, 400.0], [1890.0, 500.0], [5729.0, 400.0]]
GEARS = [[4.25, 0.5, 0.65], [2.52, 0.5, 0.65], [1.66, 0.5, 0.65], [1.22, 0.5, 0.65], [1.0, 0.5, 0.65]]
STEERING_CURVE = [[0.0, 1.0], [20.0, 0.9], [60.0, 0.8], [120.0, 0.7]]
WHEEL_RADIUS_M = 0.35


def ordinary(vehicle: Vehicle) -> list[Any]:
    """Return the 17 members of CARLA's VehiclePhysicsControl: measures are the vehicle's own, the rest a usual car's.

    The bicycle model asks for none of them but the wheels' largest angle; torque and gears are told for those who read.
    """
    length, width, height = (2.0 * half for half in vehicle.extent)
    mass_kg = round(max(100.0, 140.0 * length * width * math.sqrt(height)), 1)
    wheels = [_wheel(vehicle, front, right) for front in (True, False) for right in (False, True)]
    return [
        TORQUE_CURVE, 5800.0, 1.0, 0.15, 2.0, 0.35, True, 0.5, 10.0, 4.0, GEARS, mass_kg, 0.3,
        (0.0, 0.0, -0.1), STEERING_CURVE, wheels, False,
    ]  # fmt: skip


def _wheel(vehicle: Vehicle, front: bool, right: bool) -> list[Any]:
    """Return one wheel's ten members; its place is in centimetres in the world, as CARLA sends it."""
    along = vehicle.wheelbase / (2.0 if front else -2.0)
    across = vehicle.extent[1] * (0.85 if right else -0.85)
    (x, y, z), (_, yaw, _) = vehicle.place
    cos, sin = heading(yaw)
    place = (x + along * cos - across * sin, y + along * sin + across * cos, z + WHEEL_RADIUS_M)
    steers_deg, hand_brake = (vehicle.max_steer_deg, 0.0) if front else (0.0, 3000.0)
    return [
        3.5, 0.25, steers_deg, 100.0 * WHEEL_RADIUS_M, 1500.0, hand_brake, 3.0, 20.0, 3000.0,
        [100.0 * metres for metres in place],
    ]  # fmt: skip
