"""Motion against hand-worked paths: circles of the bicycle, stopping distances, falls, slopes, pushes, gaits."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carla_plugin.simulator import motion
from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.chassis import chassis_of, ordinary
from carla_plugin.simulator.driving import ROLL_M_S2
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.motion import step_walker, stride
from carla_plugin.simulator.obstacles import Obstacles
from carla_plugin.simulator.pose import angles, compose, wrap_deg
from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    BoundingBox,
    Location,
    Rotation,
    Transform,
    VehicleControl,
    WalkerControl,
)

CAR = ActorDescription(1, "vehicle.tesla.model3")
BOX = BoundingBox(Location(0.0, 0.0, 0.8), Location(2.0, 1.0, 0.8))


def flat(x: float, y: float) -> float:
    return 0.0


OPEN = Obstacles(empty(), flat)


def car(number=1, x=0.0, y=0.0, yaw=0.0, **values) -> Vehicle:
    return Vehicle(number, CAR, Transform(Location(x, y, 0.0), Rotation(yaw=yaw)), BOX, bytes([14]), **values)


def drive(*actors, ticks: int, step_s=0.05, ground=flat) -> list:
    return [blow for _ in range(ticks) for blow in motion.step(actors, step_s, ground, OPEN)]


def test_a_steady_wheel_drives_the_bicycles_circle():
    vehicle = car(wheelbase=2.5)
    vehicle.control = VehicleControl(steer=0.4)
    steer = math.radians(0.4 * 70.0 * 0.91)  # at 18 km/h the steering curve has fallen to 0.91
    radius = 2.5 / math.tan(steer)
    places = []
    for _ in range(400):
        cos, sin = (
            math.cos(math.radians(vehicle.place.rotation.yaw)),
            math.sin(math.radians(vehicle.place.rotation.yaw)),
        )
        vehicle.velocity = Location(5.0 * cos, 5.0 * sin, 0.0)
        drive(vehicle, ticks=1, step_s=0.02)
        places.append(vehicle.place.location)
    places = places[50:]
    spread = [math.hypot(a.x - b.x, a.y - b.y) for a in places[::20] for b in places[::20]]
    # the middle between the axles goes round a little outside of the rear axle's circle
    assert max(spread) / 2 == pytest.approx(math.hypot(radius, 1.25), rel=0.05)
    assert vehicle.angular_velocity.z > 0.0, "right is +y"


def test_at_speed_the_tyres_bound_the_turn():
    vehicle = car(velocity=Location(40.0, 0.0, 0.0), control=VehicleControl(steer=1.0))
    yaws = []
    for _ in range(20):
        drive(vehicle, ticks=1)
        yaws.append(vehicle.place.rotation.yaw)
    grip = chassis_of(vehicle).grip
    rates = [math.radians(wrap_deg(b - a)) / 0.05 for a, b in itertools.pairwise(yaws)]
    assert max(rates) <= grip / 36.0, "lateral acceleration stays within the grip"
    assert max(rates) > 0.5 * grip / 40.0, "and is used"


@pytest.mark.parametrize("speed", [5.0, 10.0, 20.0])
def test_brakes_stop_within_the_distance_of_constant_deceleration(speed):
    vehicle = car(velocity=Location(speed, 0.0, 0.0), control=VehicleControl(brake=1.0))
    body = chassis_of(vehicle)
    drive(vehicle, ticks=400, step_s=0.01)
    assert vehicle.velocity == Location()
    slowing = min(body.brake / body.mass, body.grip) + ROLL_M_S2
    assert vehicle.place.location.x == pytest.approx(speed**2 / 2 / slowing, rel=0.05)


def test_reverse_goes_back_and_manual_gears_bound_the_speed():
    vehicle = car(control=VehicleControl(throttle=0.5, reverse=True))
    drive(vehicle, ticks=40)
    assert vehicle.place.location.x < -1.0
    assert vehicle.gear == -1
    first = car(control=VehicleControl(throttle=1.0, manual_gear_shift=True, gear=1))
    neutral = car(control=VehicleControl(throttle=1.0, manual_gear_shift=True, gear=0))
    drive(first, ticks=400)
    drive(neutral, ticks=100)
    top = chassis_of(first).top / 4.25
    assert 0.8 * top < first.velocity.x < top
    assert first.gear == 1
    assert neutral.velocity == Location()


def test_the_hand_brake_holds_on_a_slope_and_without_it_a_car_rolls():
    def hill(x: float, y: float) -> float:
        return 0.1 * x

    held, free = car(1, control=VehicleControl(hand_brake=True)), car(2, y=30.0)
    drive(held, free, ticks=60, ground=hill)
    assert held.velocity == Location()
    assert free.velocity.x < -1.0
    assert held.place.rotation.pitch == pytest.approx(math.degrees(math.atan(0.1)), abs=0.1)
    assert held.place.location.z == pytest.approx(hill(*held.place.location[:2]), abs=0.01)
    pull = (9.81 * math.sin(math.atan(0.1)) - ROLL_M_S2) * 60 * 0.05
    assert -math.hypot(free.velocity.x, free.velocity.z) == pytest.approx(-pull, rel=0.05)


def test_a_side_slope_rolls_the_body():
    vehicle = car()
    drive(vehicle, ticks=40, ground=lambda x, y: 0.1 * y)
    assert vehicle.place.rotation.roll == pytest.approx(-math.degrees(math.atan(0.1)), abs=0.2)


def test_the_body_turns_about_its_right_axis_as_the_slope_begins():
    vehicle = car(yaw=90.0, velocity=Location(0.0, 10.0, 0.0))
    seen = []
    for _ in range(30):
        before = vehicle.place.rotation.pitch
        drive(vehicle, ticks=1, ground=lambda x, y: 0.1 * max(y - 5.0, 0.0))
        seen.append(vehicle.angular_velocity.x)
        assert seen[-1] == pytest.approx((vehicle.place.rotation.pitch - before) / 0.05, abs=1e-6)
    assert max(seen) > 5.0


def test_a_car_falls_and_lies_still_on_the_ground():
    vehicle = car()
    vehicle.place = Transform(Location(0.0, 0.0, 2.0), Rotation())
    drive(vehicle, ticks=60, step_s=0.01)
    assert vehicle.place.location.z == pytest.approx(2.0 - 9.81 * 0.6**2 / 2, abs=0.01)
    drive(vehicle, ticks=100, step_s=0.01)
    assert vehicle.place.location.z == 0.0
    assert vehicle.velocity == Location(0.0, 0.0, 0.0)
    floating = car(gravity=False)
    floating.place = Transform(Location(0.0, 0.0, 2.0), Rotation())
    drive(floating, ticks=20)
    assert floating.place.location.z == 2.0


def test_without_physics_nothing_moves():
    vehicle = car(physics=False, velocity=Location(9.0, 0.0, 0.0), control=VehicleControl(throttle=1.0))
    before = vehicle.place
    drive(vehicle, ticks=10)
    assert vehicle.place is before
    assert vehicle.velocity == Location()


def test_a_car_at_rest_stays_bit_for_bit_and_wakes_at_a_touch_of_the_pedal():
    vehicle = car(yaw=33.3)
    drive(vehicle, ticks=10)
    before = vehicle.place
    drive(vehicle, ticks=10)
    assert vehicle.place is before
    vehicle.control = VehicleControl(throttle=0.3)
    drive(vehicle, ticks=2)
    assert vehicle.place != before


def test_a_given_velocity_is_the_start_of_what_follows():
    vehicle = car(velocity=Location(10.0, 0.0, 0.0))
    drive(vehicle, ticks=1)
    assert vehicle.velocity.x == pytest.approx(10.0, abs=0.1)
    assert vehicle.place.location.x == pytest.approx(0.5, abs=0.01)
    aside = car(velocity=Location(0.0, 3.0, 0.0))
    drive(aside, ticks=1)
    assert 2.0 < aside.velocity.y < 3.0, "tyres take a sideways slide away, but not at once"
    drive(aside, ticks=40)
    assert aside.velocity == Location()


def test_a_constant_velocity_is_in_the_vehicles_own_axes():
    vehicle = car(yaw=90.0, constant_velocity=Location(4.0, 0.0, 0.0), control=VehicleControl(brake=1.0))
    drive(vehicle, ticks=20)
    assert vehicle.place.location == pytest.approx((0.0, 4.0, 0.0), abs=1e-6)


def test_a_force_accelerates_by_the_mass_during_one_tick():
    vehicle = car(gravity=False)
    vehicle.place = Transform(Location(0.0, 0.0, 5.0), Rotation())
    mass = chassis_of(vehicle).mass
    vehicle.force = Location(0.0, 0.0, 2.0 * mass)
    drive(vehicle, ticks=1)
    assert vehicle.velocity.z == pytest.approx(2.0 * 0.05)
    drive(vehicle, ticks=5)
    assert vehicle.velocity.z == pytest.approx(2.0 * 0.05)


def test_mass_top_speed_and_steering_follow_the_physics_control():
    plain, heavy, slow = car(1), car(2, y=20.0), car(3, y=40.0)
    heavy.physics_control = ordinary(heavy)
    heavy.physics_control[11] *= 3.0
    slow.physics_control = ordinary(slow)
    slow.physics_control[1] /= 4.0
    for vehicle in (plain, heavy, slow):
        vehicle.control = VehicleControl(throttle=1.0)
    drive(plain, heavy, slow, ticks=100)
    assert heavy.velocity.x < 0.5 * plain.velocity.x
    drive(plain, heavy, slow, ticks=1000)
    assert slow.velocity.x < 0.4 * plain.velocity.x
    narrow = ordinary(plain)
    for wheel in narrow[15]:
        wheel[2] = 10.0
    plain.physics_control = narrow
    assert chassis_of(plain).max_steer == pytest.approx(math.radians(10.0))


def test_a_friction_trigger_takes_the_grip_away():
    values = {"friction": "0.2", "extent_x": "2000.0", "extent_y": "2000.0", "extent_z": "500.0"}
    words = tuple(ActorAttributeValue(key, 3, value) for key, value in values.items())
    ice = SimActor(9, ActorDescription(4, "static.trigger.friction", words), Transform(Location(0.0, 100.0, 0.0)))
    dry, sliding = car(1, velocity=Location(8.0, 0.0, 0.0)), car(2, y=100.0, velocity=Location(8.0, 0.0, 0.0))
    for vehicle in (dry, sliding):
        vehicle.control = VehicleControl(brake=1.0)
    drive(dry, sliding, ice, ticks=20)
    assert dry.velocity == Location()
    assert sliding.velocity.x > 6.0


def test_without_friction_nothing_slows_a_car_but_the_air():
    vehicle = car(velocity=Location(10.0, 0.0, 0.0), control=VehicleControl(brake=1.0))
    vehicle.physics_control = ordinary(vehicle)
    vehicle.physics_control[12] = 0.0
    for wheel in vehicle.physics_control[15]:
        wheel[0] = 0.0
    drive(vehicle, ticks=100)
    assert vehicle.velocity.x == pytest.approx(10.0)


def test_a_control_that_does_not_stick_lasts_one_tick():
    vehicle = car(sticky=False, control=VehicleControl(throttle=1.0))
    drive(vehicle, ticks=2)
    assert vehicle.control == VehicleControl()


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


def test_many_vehicles_move_as_each_would_alone():
    def crowd() -> list[Vehicle]:
        dice = np.random.default_rng(4)
        return [
            car(
                n, x=50.0 * n, yaw=float(dice.uniform(-180, 180)), velocity=Location(*dice.uniform(-9, 9, 2), 0.0),
                control=VehicleControl(float(dice.uniform()), float(dice.uniform(-1, 1)), float(dice.uniform() < 0.3)),
            )
            for n in range(12)
        ]  # fmt: skip

    together, alone = crowd(), crowd()
    drive(*together, ticks=50)
    for vehicle in alone:
        drive(vehicle, ticks=50)
    assert [vehicle.place for vehicle in together] == [vehicle.place for vehicle in alone]
