"""Motion of vehicles through the wheel: pushes, velocities, gears, Ackermann, physics control, gravity."""

import math

import carla
import numpy as np
import pytest

STEP_S = 0.05


def ticks(stage, count):
    for _ in range(count):
        stage.world.tick()


def forward(car):
    return np.array([car.get_transform().get_forward_vector().x, car.get_transform().get_forward_vector().y])


def speed(car):
    velocity = car.get_velocity()
    return float(np.dot([velocity.x, velocity.y], forward(car)))


def settled(stage, number=0, blueprint="vehicle.tesla.model3"):
    car = stage.car(number, blueprint)
    ticks(stage, 20)
    return car


@pytest.mark.source("CARLA docs: python_api#carla.Actor.set_target_velocity")
def test_a_target_velocity_is_had_at_the_next_tick(stage):
    car = settled(stage)
    ahead = car.get_transform().get_forward_vector()
    start = car.get_location()
    car.set_target_velocity(ahead * 10.0)
    stage.world.tick()
    assert speed(car) == pytest.approx(10.0, abs=0.5)
    assert car.get_location().distance(start) == pytest.approx(10.0 * STEP_S, abs=0.1)
    ticks(stage, 20)
    assert 5.0 < speed(car) < 10.0, "it rolls on, and slows"


@pytest.mark.source("CARLA docs: python_api#carla.Actor.set_target_angular_velocity")
def test_a_target_angular_velocity_turns(stage):
    car = settled(stage)
    before = car.get_transform().rotation.yaw
    car.set_target_angular_velocity(carla.Vector3D(0.0, 0.0, 60.0))
    stage.world.tick()
    assert 0.5 < (car.get_transform().rotation.yaw - before + 180.0) % 360.0 - 180.0 <= 3.5


@pytest.mark.source("CARLA docs: python_api#carla.Actor.enable_constant_velocity")
def test_a_constant_velocity_is_kept_in_the_cars_own_axes(stage):
    car = settled(stage)
    car.enable_constant_velocity(carla.Vector3D(6.0, 0.0, 0.0))
    for _ in range(10):
        stage.world.tick()
        assert speed(car) == pytest.approx(6.0, abs=0.2)
    car.disable_constant_velocity()
    car.apply_control(carla.VehicleControl(brake=1.0))
    ticks(stage, 60)
    assert speed(car) == pytest.approx(0.0, abs=0.05)


@pytest.mark.source("CARLA docs: python_api#carla.Actor.add_impulse")
@pytest.mark.parametrize("blueprint", ["vehicle.tesla.model3", "vehicle.carlamotors.carlacola"])
def test_an_impulse_changes_the_velocity_by_the_mass(stage, blueprint):
    car = settled(stage, 1, blueprint)
    mass = car.get_physics_control().mass
    ahead = car.get_transform().get_forward_vector()
    car.add_impulse(ahead * mass * 5.0)
    stage.world.tick()
    assert speed(car) == pytest.approx(5.0, abs=0.7)


@pytest.mark.source("CARLA docs: python_api#carla.Actor.add_force")
def test_a_force_acts_for_a_tick(stage):
    car = settled(stage, 1)
    mass = car.get_physics_control().mass
    ahead = car.get_transform().get_forward_vector()
    for _ in range(10):
        car.add_force(ahead * mass * 6.0)
        stage.world.tick()
    assert 1.5 < speed(car) < 6.0 * 10 * STEP_S + 0.1
    before = speed(car)
    stage.world.tick()
    assert speed(car) <= before


@pytest.mark.source("CARLA docs: python_api#carla.command.ApplyImpulse")
def test_pushes_come_in_batches_too(stage):
    car = settled(stage, 1)
    mass = car.get_physics_control().mass
    ahead = car.get_transform().get_forward_vector()
    command = carla.command
    answers = stage.client.apply_batch_sync(
        [
            command.ApplyImpulse(car.id, ahead * mass * 4.0),
            command.ApplyForce(car.id, ahead * mass),
            command.ApplyAngularImpulse(car.id, carla.Vector3D(0.0, 0.0, 1.0)),
            command.ApplyTorque(car.id, carla.Vector3D(0.0, 0.0, 1.0)),
        ],
        True,
    )
    assert [answer.error for answer in answers] == [""] * 4
    assert speed(car) == pytest.approx(4.0, abs=0.7)


@pytest.mark.source("CARLA docs: python_api#carla.VehicleControl")
def test_gears_are_told_and_obeyed(stage):
    car = settled(stage, 2)
    car.apply_control(carla.VehicleControl(throttle=0.4, reverse=True))
    ticks(stage, 30)
    assert speed(car) < -0.5
    assert car.get_control().gear == -1
    assert car.get_control().reverse
    car.apply_control(carla.VehicleControl(brake=1.0))
    ticks(stage, 40)
    car.apply_control(carla.VehicleControl(throttle=1.0, manual_gear_shift=True, gear=1))
    ticks(stage, 30)
    assert speed(car) > 1.0
    assert car.get_control().gear == 1
    car.apply_control(carla.VehicleControl(hand_brake=True))
    ticks(stage, 80)
    assert speed(car) == pytest.approx(0.0, abs=0.05)


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle.apply_ackermann_control")
def test_ackermann_control_follows_speed_and_steering(stage):
    car = settled(stage, 3)
    settings = car.get_ackermann_controller_settings()
    settings.speed_kp = 0.2
    car.apply_ackermann_controller_settings(settings)
    assert car.get_ackermann_controller_settings().speed_kp == pytest.approx(0.2)
    assert car.get_ackermann_controller_settings().speed_kd == pytest.approx(0.25)
    car.apply_ackermann_control(carla.VehicleAckermannControl(speed=3.0, acceleration=2.0))
    ticks(stage, 160)
    assert speed(car) == pytest.approx(3.0, abs=0.4)
    before = car.get_transform().rotation.yaw
    car.apply_ackermann_control(carla.VehicleAckermannControl(speed=3.0, steer=0.2))
    ticks(stage, 20)
    assert (car.get_transform().rotation.yaw - before + 180.0) % 360.0 - 180.0 > 3.0
    assert car.get_control().steer > 0.0
    car.apply_control(carla.VehicleControl(brake=1.0))
    ticks(stage, 40)
    assert speed(car) == pytest.approx(0.0, abs=0.05)


@pytest.mark.source("CARLA docs: python_api#carla.VehiclePhysicsControl")
def test_physics_control_is_told_kept_and_obeyed(stage):
    light, heavy = settled(stage, 4), settled(stage, 5)
    control = heavy.get_physics_control()
    assert 1000.0 < control.mass < 3000.0
    assert len(control.wheels) == 4
    assert len(control.forward_gears) >= 3
    assert control.wheels[0].max_steer_angle > 20.0
    assert control.wheels[2].max_steer_angle == 0.0
    here = heavy.get_location()
    assert math.hypot(control.wheels[0].position.x / 100 - here.x, control.wheels[0].position.y / 100 - here.y) < 3.0
    control.mass *= 4.0
    control.drag_coefficient = 0.5
    heavy.apply_physics_control(control)
    stage.world.tick()
    assert heavy.get_physics_control().mass == pytest.approx(control.mass)
    assert heavy.get_physics_control().drag_coefficient == pytest.approx(0.5)
    for car in (light, heavy):
        car.apply_control(carla.VehicleControl(throttle=0.6))
    ticks(stage, 30)
    assert speed(heavy) < 0.6 * speed(light)


@pytest.mark.source("CARLA source: PythonAPI/test/smoke/test_vehicle_physics.py")
def test_a_friction_trigger_changes_the_tyres_of_who_is_in_it(stage):
    car = settled(stage, 4)
    usual = car.get_physics_control().wheels[0].tire_friction
    entry = stage.library.find("static.trigger.friction")
    entry.set_attribute("friction", "0.0")
    for axis in "xyz":
        entry.set_attribute(f"extent_{axis}", "50000.0")
    ice = stage.world.spawn_actor(entry, carla.Transform(car.get_location()))
    try:
        stage.world.tick()
        assert {wheel.tire_friction for wheel in car.get_physics_control().wheels} == {0.0}
        car.set_target_velocity(car.get_transform().get_forward_vector() * 5.0)
        car.apply_control(carla.VehicleControl(brake=1.0))
        ticks(stage, 10)
        assert speed(car) > 4.9
    finally:
        ice.destroy()
    ticks(stage, 30)
    assert {wheel.tire_friction for wheel in car.get_physics_control().wheels} == {usual}
    assert speed(car) < 0.1


@pytest.mark.source("CARLA docs: python_api#carla.Vehicle.get_wheel_steer_angle")
def test_wheels_turn_with_the_steering(stage):
    car = settled(stage, 6)
    car.apply_control(carla.VehicleControl(steer=0.5))
    ticks(stage, 20)
    front = car.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel)
    assert 5.0 < front <= car.get_physics_control().wheels[0].max_steer_angle
    assert car.get_wheel_steer_angle(carla.VehicleWheelLocation.BL_Wheel) == pytest.approx(0.0, abs=0.1)


@pytest.mark.source("CARLA docs: python_api#carla.VehicleTelemetryData")
def test_telemetry_agrees_with_what_is_seen(stage):
    car = settled(stage, 6)
    car.apply_control(carla.VehicleControl(throttle=0.5))
    ticks(stage, 30)
    told = car.get_telemetry_data()
    assert told.speed == pytest.approx(speed(car), abs=0.2)
    assert told.throttle == pytest.approx(0.5, abs=0.01)
    assert told.engine_rpm > 100.0
    assert len(told.wheels) == 4
    assert told.wheels[0].omega * car.get_physics_control().wheels[0].radius / 100 == pytest.approx(told.speed, rel=0.1)


@pytest.mark.source("CARLA docs: python_api#carla.Actor.set_enable_gravity")
def test_without_gravity_a_car_stays_in_the_air(stage):
    car = stage.car(7)
    place = car.get_transform()
    place.location.z += 3.0
    car.set_enable_gravity(False)
    car.set_transform(place)
    car.set_target_velocity(carla.Vector3D())
    ticks(stage, 20)
    assert car.get_location().z == pytest.approx(place.location.z, abs=0.1)
    car.set_enable_gravity(True)
    ticks(stage, 60)
    assert car.get_location().z < place.location.z - 2.5


@pytest.mark.source("CARLA docs: python_api#carla.Actor.get_acceleration")
def test_velocity_and_acceleration_are_the_change_of_place_and_velocity(stage):
    car = settled(stage, 8)
    car.apply_control(carla.VehicleControl(throttle=0.7))
    ticks(stage, 10)
    place, before = car.get_location(), car.get_velocity()
    stage.world.tick()
    moved, now = car.get_location() - place, car.get_velocity()
    for axis in "xy":
        assert getattr(now, axis) == pytest.approx(getattr(moved, axis) / STEP_S, abs=0.3)
        change = (getattr(now, axis) - getattr(before, axis)) / STEP_S
        assert getattr(car.get_acceleration(), axis) == pytest.approx(change, abs=0.5)


@pytest.mark.source("CARLA docs: core_actors#vehicles")
@pytest.mark.parametrize("blueprint", ["vehicle.kawasaki.ninja", "vehicle.bh.crossbike"])
def test_two_wheelers_drive(stage, blueprint):
    bike = settled(stage, 9, blueprint)
    bike.apply_control(carla.VehicleControl(throttle=1.0))
    ticks(stage, 40)
    assert speed(bike) > 1.5
    bike.apply_control(carla.VehicleControl(brake=1.0))
    ticks(stage, 60)
    assert speed(bike) == pytest.approx(0.0, abs=0.05)
    assert abs(bike.get_transform().rotation.roll) < 10.0
