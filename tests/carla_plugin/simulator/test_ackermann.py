"""Ackermann control: a vehicle follows speed, acceleration, steering and its rate, forward and back."""

import math
from itertools import pairwise

import pytest

from carla_plugin.simulator import motion
from carla_plugin.simulator.ackermann import AckermannControl, AckermannController, Gains, Reserve
from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.obstacles import Obstacles
from protocols.carla_rpc.types import ActorDescription, Location, Transform

OPEN = Obstacles(empty(), lambda x, y: 0.0)
EASY = Reserve(5.0, 9.0, 0.25)


def drive(vehicle, seconds, step_s=0.05):
    speeds = []
    for _ in range(round(seconds / step_s)):
        motion.step([vehicle], step_s, lambda x, y: 0.0, OPEN)
        speeds.append(vehicle.velocity.x)
    return speeds


def car(**wanted):
    vehicle = Vehicle(1, ActorDescription(1, "vehicle.tesla.model3"), Transform())
    vehicle.ackermann = AckermannController(AckermannControl(**wanted))
    return vehicle


@pytest.mark.parametrize("step_s", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("speed", [3.0, 12.0, -2.0])
def test_a_speed_is_reached_without_swinging(speed, step_s):
    speeds = drive(car(speed=speed), 20.0, step_s)
    assert speeds[-1] == pytest.approx(speed, rel=0.05)
    assert max(abs(value) for value in speeds) < 1.1 * abs(speed)


def test_the_acceleration_asked_for_bounds_the_change():
    speeds = drive(car(speed=20.0, acceleration=1.0), 5.0)
    assert speeds[-1] == pytest.approx(5.0, rel=0.15)


def test_it_stops_before_it_turns_back():
    vehicle = car(speed=-3.0)
    vehicle.velocity = Location(6.0, 0.0, 0.0)
    speeds = drive(vehicle, 12.0)
    assert speeds[-1] == pytest.approx(-3.0, rel=0.1)
    assert not any(later > earlier + 1e-6 for earlier, later in pairwise(speeds[:60]))
    vehicle.ackermann.wanted = AckermannControl()
    drive(vehicle, 8.0)
    assert vehicle.velocity == Location()
    assert vehicle.control.brake == 1.0


def test_the_wheel_turns_at_its_rate_and_no_farther_than_it_can():
    controller = AckermannController(AckermannControl(steer=0.5, steer_speed=1.0))
    wheels = [controller.control(5.0, 1.0, EASY, Gains(), 0.1).steer for _ in range(8)]
    assert wheels == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5])
    controller.wanted = AckermannControl(steer=-9.0)
    assert controller.control(5.0, 0.8, EASY, Gains(), 0.1).steer == pytest.approx(-1.0)
    assert AckermannController(AckermannControl(steer=1.0)).control(0.0, 0.0, EASY, Gains(), 0.1).steer == 0.0


def test_a_larger_gain_hurries():
    slow = drive(car(speed=10.0), 4.0)
    quick = car(speed=10.0)
    quick.ackermann_settings = Gains(speed_kp=0.4)
    assert drive(quick, 4.0)[-1] > slow[-1] + 0.3
    assert math.isfinite(slow[-1])
