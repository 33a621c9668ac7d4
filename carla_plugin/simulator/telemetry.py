"""Telemetry: what a vehicle's dashboard and wheels would say, in the shape of CARLA's VehicleTelemetryData."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from carla_plugin.simulator import driving
from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.chassis import GRAVITY_M_S2, GRIP_PER_FRICTION
from carla_plugin.simulator.motion import chassis, speed_along

IDLE_RPM = 800.0


def front_steer_deg(vehicle: Vehicle) -> float:
    """Return how far the front wheels are turned, in degrees, right positive."""
    chassis(vehicle)
    row = vehicle.chassis[1][None]
    angle = driving.steer_angles(np.array([speed_along(vehicle)]), np.array([vehicle.control.steer]), row)
    return math.degrees(float(angle[0]))


def telemetry(vehicle: Vehicle) -> list[Any]:
    """Return speed m/s, steer, throttle, brake, engine rpm, gear, drag N, and eleven numbers for each wheel."""
    body, control = chassis(vehicle), vehicle.control
    speed = speed_along(vehicle)
    ratio = body.ratios[min(max(abs(vehicle.gear), 1), len(body.ratios)) - 1]
    idle = min(IDLE_RPM, 0.15 * body.top_rpm)
    rpm = min(max(abs(speed) * body.rpm_per_m_s * ratio, idle), body.top_rpm)
    friction = body.grip / GRAVITY_M_S2 / GRIP_PER_FRICTION
    load = body.mass * GRAVITY_M_S2 / 4.0
    pull = float(driving.pull(np.array([speed]), np.array([control], dtype=np.float64), vehicle.chassis[1][None])[0])
    forward = body.mass * pull / 4.0
    sideways = body.mass * speed * math.radians(vehicle.angular_velocity.z) / 4.0
    wheel = [
        friction, 0.0, 0.0, speed / body.radius, load, 1.0, forward * body.radius, forward, sideways,
        forward / load, sideways / load,
    ]  # fmt: skip
    drag = body.drag * speed * speed
    return [speed, control.steer, control.throttle, control.brake, rpm, vehicle.gear, drag, [wheel] * 4]
