"""Ackermann control: pedals and wheel that follow a wanted steering angle, speed and acceleration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from protocols.carla_rpc.types import VehicleControl

MOST_ACCELERATION_M_S2 = 3.0
MOST_BRAKING_M_S2 = 8.0
STANDING_M_S = 0.1


class AckermannControl(NamedTuple):
    """What a client wants: rad, rad/s, m/s (negative: backward), m/s^2, m/s^3; 0 for a rate leaves it free."""

    steer: float = 0.0
    steer_speed: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    jerk: float = 0.0


class Gains(NamedTuple):
    """CARLA's AckermannControllerSettings, with its defaults: they act once in each tick."""

    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


class Reserve(NamedTuple):
    """What a vehicle can do at its present speed, m/s^2: full throttle, full brake, and what rolling and air take."""

    push: float
    brake: float
    resistance: float


@dataclass
class AckermannController:
    """Drive one vehicle.

    Attributes:
        wanted: the client's latest word.
        steer: rad of the front wheels now.
        acceleration: m/s^2 that the speed's loop asks for.
        pedal: -1 full brake to 1 full throttle.
    """

    wanted: AckermannControl
    steer: float = 0.0
    acceleration: float = 0.0
    pedal: float = 0.0
    reverse: bool = False
    _missed: float = 0.0  # m, sum of the error in speed
    _lacking: float = 0.0  # m/s, sum of the error in acceleration
    _last_speed: float | None = None

    def control(
        self, speed: float, most_steer: float, reserve: Reserve, gains: Gains, seconds: float
    ) -> VehicleControl:
        """Return pedals and wheel for the coming tick.

        Args:
            speed: of the vehicle along its own axis, m/s.
            most_steer: rad that the front wheels turn at a wheel of 1, at this speed.
            reserve: what the vehicle can do.
            gains: of both loops.
            seconds: of the tick.
        """
        self._turn(most_steer, seconds)
        wheel = self.steer / most_steer if most_steer > 0.0 else 0.0
        target = self.wanted.speed
        if abs(speed) < STANDING_M_S:
            if abs(target) < STANDING_M_S:
                self._rest()
                return VehicleControl(0.0, wheel, 1.0, False, self.reverse)
            self.reverse = target < 0.0
        elif speed * target < 0.0:
            target = 0.0  # stop before going the other way
        self._press(abs(speed), abs(target), reserve, gains, seconds)
        return VehicleControl(max(self.pedal, 0.0), wheel, max(-self.pedal, 0.0), False, self.reverse)

    def _turn(self, most_steer: float, seconds: float) -> None:
        wanted = min(max(self.wanted.steer, -most_steer), most_steer)
        step = abs(self.wanted.steer_speed) * seconds
        if step <= 0.0 or abs(wanted - self.steer) <= step:
            self.steer = wanted
        else:
            self.steer += math.copysign(step, wanted - self.steer)

    def _press(self, speed: float, target: float, reserve: Reserve, gains: Gains, seconds: float) -> None:
        """Ask for an acceleration by the error in speed, then for the pedal that gives it, mended by what it gave."""
        gained = self.acceleration if self._last_speed is None else (speed - self._last_speed) / seconds
        self._last_speed = speed
        limit = abs(self.wanted.acceleration)
        low, high = (-limit, limit) if limit > 1e-4 else (-MOST_BRAKING_M_S2, MOST_ACCELERATION_M_S2)
        self._lacking += (self.acceleration - gained) * seconds
        self._missed += (target - speed) * seconds
        # CARLA adds kp * error - kd * acceleration in each tick: that comes to rest at this acceleration
        asked = gains.speed_kp / max(gains.speed_kd, 1e-3) * (target - speed) + gains.speed_ki * self._missed
        self.acceleration = min(max(asked, low), high)
        needed = self.acceleration + reserve.resistance + gains.accel_kp * self._lacking
        needed += gains.accel_ki * self._lacking * seconds - gains.accel_kd * (gained - self.acceleration)
        pedal = needed / max(reserve.push if needed > 0.0 else reserve.brake, 1e-3)
        self.pedal = min(max(pedal, -1.0), 1.0)

    def _rest(self) -> None:
        self.acceleration = self.pedal = self._missed = self._lacking = 0.0
        self._last_speed = None
