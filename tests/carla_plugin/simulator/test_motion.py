"""Motion against hand-worked paths: circles of the bicycle, stopping distances, falls, footprints."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carla_plugin.simulator.actors import Vehicle, Walker
from carla_plugin.simulator.footprint import Footprints
from carla_plugin.simulator.motion import BRAKE_M_S2, step_vehicle, step_walker, stride
from carla_plugin.simulator.pose import angles, compose, wrap_deg
from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import (
    ActorDescription,
    BoundingBox,
    Location,
    Rotation,
    Transform,
    VehicleControl,
    WalkerControl,
)

ALONE = Footprints([])
CAR = ActorDescription(1, "vehicle.tesla.model3")


def flat(x: float, y: float) -> float:
    return 0.0


def car(number=1, x=0.0, y=0.0, yaw=0.0, **values) -> Vehicle:
    return Vehicle(number, CAR, Transform(Location(x, y, 0.0), Rotation(yaw=yaw)), **values)


def drive(vehicle: Vehicle, ticks: int, step_s=0.05, others=ALONE) -> None:
    for _ in range(ticks):
        step_vehicle(vehicle, step_s, flat, others)


def test_a_steady_wheel_drives_the_bicycles_circle():
    vehicle = car(wheelbase=2.5)
    steer = 0.5
    vehicle.control = VehicleControl(steer=steer)
    radius = 2.5 / math.tan(math.radians(steer * vehicle.max_steer_deg))
    places = []
    for _ in range(400):
        vehicle.speed = 5.0
        drive(vehicle, 1, 0.02)
        places.append(vehicle.place.location)
    spread = [math.hypot(a.x - b.x, a.y - b.y) for a in places[::20] for b in places[::20]]
    # the middle between the axles goes round a little outside of the rear axle's circle
    assert max(spread) / 2 == pytest.approx(math.hypot(radius, 1.25), rel=0.03)
    assert vehicle.place.location.y >= -0.1, "right is +y"


def test_brakes_stop_within_the_distance_of_constant_deceleration():
    vehicle = car(speed=10.0)
    vehicle.control = VehicleControl(brake=1.0)
    drive(vehicle, 200, 0.01)
    assert vehicle.speed == 0.0
    assert vehicle.place.location.x == pytest.approx(10.0**2 / 2 / BRAKE_M_S2, rel=0.05)


def test_reverse_goes_back():
    vehicle = car()
    vehicle.control = VehicleControl(throttle=0.5, reverse=True)
    drive(vehicle, 40)
    assert vehicle.place.location.x < -1.0


def test_a_car_falls_and_lies_still_on_the_ground():
    vehicle = car()
    vehicle.place = Transform(Location(0.0, 0.0, 2.0), Rotation())
    drive(vehicle, 60, 0.01)
    assert vehicle.place.location.z == pytest.approx(2.0 - 9.81 * 0.6**2 / 2, abs=0.06)
    drive(vehicle, 100, 0.01)
    assert vehicle.place.location.z == 0.0
    assert vehicle.velocity == Location(0.0, 0.0, 0.0)


def test_without_physics_nothing_moves():
    vehicle = car(physics=False, speed=9.0, control=VehicleControl(throttle=1.0))
    before = vehicle.place
    drive(vehicle, 10)
    assert vehicle.place is before
    assert vehicle.velocity == Location()


def test_cars_stop_before_they_touch_and_may_drive_apart():
    behind, ahead = car(1, 0.0), car(2, 12.0)
    behind.speed = 15.0
    behind.control = VehicleControl(throttle=1.0)
    everybody = Footprints([behind, ahead])
    for _ in range(60):
        step_vehicle(behind, 0.05, flat, everybody)
        everybody.moved(behind)
    gap = ahead.place.location.x - behind.place.location.x - behind.extent[0] - ahead.extent[0]
    assert 0.0 <= gap < 1.5
    assert behind.speed == 0.0
    behind.place = Transform(Location(11.0, 0.0, 0.0), Rotation())  # put inside the other: it may leave
    everybody.moved(behind)
    behind.control = VehicleControl(throttle=1.0, reverse=True)
    for _ in range(200):
        step_vehicle(behind, 0.05, flat, everybody)
        everybody.moved(behind)
    assert behind.place.location.x < 7.0


@given(x=st.floats(-6, 6), y=st.floats(-6, 6), first=st.floats(-180, 180), second=st.floats(-180, 180))
def test_footprints_overlap_as_sampled_points_say(x, y, first, second):
    one, other = car(1, 0.0, 0.0, first), car(2, x, y, second)
    found = bool(Footprints([other]).overlapping(one, one.place))

    def inside(vehicle, px, py, margin):
        yaw = math.radians(vehicle.place.rotation.yaw)
        dx, dy = px - vehicle.place.location.x, py - vehicle.place.location.y
        along, across = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
        return abs(along) <= vehicle.extent[0] + margin and abs(across) <= vehicle.extent[1] + margin

    yaw = math.radians(second)
    steps = [i / 10 for i in range(-10, 11)]
    touching = any(
        inside(
            one,
            x + a * 2.0 * math.cos(yaw) - b * 1.0 * math.sin(yaw),
            y + a * 2.0 * math.sin(yaw) + b * 1.0 * math.cos(yaw),
            0.0,
        )
        for a in steps
        for b in steps
    )
    if touching:
        assert found
    if found:
        reach = math.hypot(x, y)
        assert reach <= 2 * math.hypot(2.05, 1.05) + 1e-6


def walker(speed: float, direction=Location(0.0, 2.0, 0.0)) -> Walker:
    place = Transform(Location(3.0, 4.0, 0.9), Rotation())
    box = BoundingBox(Location(), Location(0.3, 0.3, 0.9))
    return Walker(5, ActorDescription(2, "walker.pedestrian.0001"), place, box, control=WalkerControl(direction, speed))


def test_walkers_go_along_their_direction_with_feet_on_the_ground():
    person = walker(1.5)
    for _ in range(20):
        step_walker(person, 0.05, lambda x, y: 0.15)
    assert person.place.location == pytest.approx((3.0, 5.5, 1.05))
    assert person.place.rotation.yaw == pytest.approx(90.0)


def test_gait_follows_from_place_alone():
    person = walker(1.4)
    phases = []
    for _ in range(30):
        step_walker(person, 0.05, flat)
        phases.append(stride(person, 1.4))
    steps = {round((later - earlier) % 1.0, 6) for earlier, later in itertools.pairwise(phases)}
    assert steps == {0.05}
    again = walker(1.4)
    again.place, again.physics = person.place, False
    assert stride(again, 1.4) == phases[-1]
    assert stride(walker(0.0), 1.4) == -1.0


ANGLE = st.floats(-179, 179)


@given(pitch=st.floats(-85, 85), yaw=ANGLE, roll=ANGLE)
def test_angles_undo_axes(pitch, yaw, roll):
    assert angles(axes(Rotation(pitch, yaw, roll))) == pytest.approx((pitch, yaw, roll), abs=1e-6)


def test_compose_by_hand():
    parent = Transform(Location(10.0, 20.0, 1.0), Rotation(yaw=90.0))
    child = compose(parent, Transform(Location(2.0, 1.0, 0.5), Rotation(pitch=-10.0, yaw=15.0)))
    assert child.location == pytest.approx((9.0, 22.0, 1.5))
    assert child.rotation == pytest.approx((-10.0, 105.0, 0.0))


@given(angle=st.floats(-10_000, 10_000))
def test_wrapped_angles_are_the_same_angle(angle):
    wrapped = wrap_deg(angle)
    assert -180.0 <= wrapped <= 180.0
    assert math.cos(math.radians(wrapped - angle)) == pytest.approx(1.0)
