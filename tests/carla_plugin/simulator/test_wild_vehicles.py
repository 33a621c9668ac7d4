"""Wild numbers in vehicles: whatever a client sets, what the world says of it can be sent."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carla_plugin.simulator import motion
from carla_plugin.simulator.ackermann import AckermannControl, AckermannController
from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.chassis import ordinary
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.obstacles import Obstacles
from carla_plugin.simulator.telemetry import telemetry
from protocols.carla_rpc.types import ActorDescription, BoundingBox, Location, Rotation, Transform, VehicleControl

OPEN = Obstacles(empty(), lambda x, y: 0.0)
BOX = BoundingBox(Location(0.0, 0.0, 0.8), Location(2.0, 1.0, 0.8))
NUMBER = st.sampled_from([0.0, 1.0, -1.0, 0.5, 100.0, 1e-30, 1e7, -1e7, 1e30, 3e38, -3e38])
METRES = st.sampled_from([0.0, 1.0, -1.0, 50.0, 1e7, -1e7])
VECTOR = st.builds(Location, METRES, METRES, METRES)


@st.composite
def vehicles(draw):
    place = Transform(draw(VECTOR), Rotation(draw(NUMBER), draw(NUMBER), draw(NUMBER)))
    vehicle = Vehicle(1, ActorDescription(1, "vehicle.tesla.model3"), place, BOX)
    control = ordinary(vehicle)
    for index in (1, 2, 3, 7, 8, 9, 11, 12):
        control[index] = draw(NUMBER)
    control[0] = draw(st.lists(st.lists(NUMBER, min_size=2, max_size=2), max_size=3))
    control[10] = draw(st.lists(st.lists(NUMBER, min_size=3, max_size=3), max_size=10))
    control[14] = draw(st.lists(st.lists(NUMBER, min_size=2, max_size=2), max_size=3))
    control[15][0] = [*(draw(NUMBER) for _ in range(9)), control[15][0][9]]
    vehicle.physics_control = control
    vehicle.velocity, vehicle.force, vehicle.torque = draw(VECTOR), draw(VECTOR), draw(VECTOR)
    vehicle.angular_velocity = draw(VECTOR)
    vehicle.constant_velocity = draw(st.none() | VECTOR)
    vehicle.control = VehicleControl(1.0, draw(st.floats(-1, 1)), 0.3, *draw(st.tuples(*[st.booleans()] * 3)), 1 << 30)
    if draw(st.booleans()):
        vehicle.ackermann = AckermannController(AckermannControl(*(draw(NUMBER) for _ in range(5))))
        vehicle.ackermann_settings = tuple(draw(NUMBER) for _ in range(6))
    return vehicle


@settings(deadline=None)
@given(vehicle=vehicles(), seconds=st.sampled_from([0.001, 0.05, 10.0]))
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_nothing_a_client_sets_makes_a_number_that_cannot_be_sent(vehicle, seconds):
    for _ in range(4):
        motion.step([vehicle], seconds, lambda x, y: 0.0, OPEN)
        told = [
            *vehicle.place.location, *vehicle.place.rotation, *vehicle.velocity, *vehicle.angular_velocity,
            *vehicle.acceleration, *telemetry(vehicle)[:7], *np.ravel(telemetry(vehicle)[7]),
        ]  # fmt: skip
        assert all(map(math.isfinite, told))
        struct.pack(f"<{len(told)}f", *told)
