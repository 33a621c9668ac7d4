"""Motion: vehicles as bicycles that obey their pedals, walkers that go where they look, all of it on the ground."""

from __future__ import annotations

import math
from collections.abc import Callable

from carla_plugin.simulator.actors import Vehicle, Walker
from carla_plugin.simulator.footprint import Footprints
from carla_plugin.simulator.pose import heading, wrap_deg
from protocols.carla_rpc.types import Location, Rotation, Transform

GroundHeight = Callable[[float, float], float]

ENGINE_M_S2 = 5.0  # at full throttle from standing, falling to nothing at top speed
TOP_SPEED_M_S = 50.0
TOP_REVERSE_M_S = 8.0
BRAKE_M_S2 = 9.0
ROLL_M_S2 = 0.25
DRAG_PER_M = 0.0008
GRAVITY_M_S2 = 9.81


def step_vehicle(vehicle: Vehicle, seconds: float, ground: GroundHeight, others: Footprints) -> None:
    """Move a vehicle by one tick; where its place would overlap another's it stops instead."""
    if not vehicle.physics:
        vehicle.stop()
        vehicle.speed = 0.0
        return
    before = vehicle.velocity
    place, turned_deg = _driven(vehicle, seconds)
    place = _dropped(vehicle, place, seconds, ground)
    if vehicle.collides and _differs(place, vehicle.place) and others.blocked(vehicle, vehicle.place, place):
        vehicle.speed = 0.0
        place, turned_deg = _dropped(vehicle, vehicle.place, seconds, ground), 0.0
    cos, sin = heading(place.rotation.yaw)
    vehicle.place = place
    vehicle.velocity = (
        Location(vehicle.speed * cos, vehicle.speed * sin, -vehicle.fall)
        if vehicle.constant_velocity is None
        else _level(vehicle.constant_velocity, place.rotation.yaw)
    )
    vehicle.angular_velocity = Location(0.0, 0.0, turned_deg / seconds)
    vehicle.acceleration = Location(
        *((now - then) / seconds for now, then in zip(vehicle.velocity, before, strict=True))
    )


def _driven(vehicle: Vehicle, seconds: float) -> tuple[Transform, float]:
    """Return where the pedals and the wheel take a vehicle, and by how many degrees it turns."""
    (x, y, z), (pitch, yaw, roll) = vehicle.place
    if vehicle.constant_velocity is not None:
        vx, vy, _ = _level(vehicle.constant_velocity, yaw)
        vehicle.speed = vehicle.constant_velocity.x
        return Transform(Location(x + vx * seconds, y + vy * seconds, z), Rotation(pitch, yaw, roll)), 0.0
    vehicle.speed = _speed(vehicle, seconds)
    steer = math.radians(vehicle.control.steer * vehicle.max_steer_deg)
    distance = vehicle.speed * seconds
    turn = distance * math.tan(steer) / vehicle.wheelbase
    middle = math.radians(yaw) + turn / 2.0
    # the origin lies between the axles: it slips sideways by half of what the front wheels are turned
    slip = math.atan(0.5 * math.tan(steer))
    place = Location(x + distance * math.cos(middle + slip), y + distance * math.sin(middle + slip), z)
    turned = math.degrees(turn)
    return Transform(place, Rotation(0.0, wrap_deg(yaw + turned), 0.0)), turned


def _speed(vehicle: Vehicle, seconds: float) -> float:
    """Return the speed after one tick of the pedals."""
    control, speed = vehicle.control, vehicle.speed
    top = TOP_REVERSE_M_S if control.reverse else TOP_SPEED_M_S
    push = control.throttle * ENGINE_M_S2 * max(0.0, 1.0 - abs(speed) / top)
    speed += (-push if control.reverse else push) * seconds
    brake = BRAKE_M_S2 * (1.0 if control.hand_brake else control.brake)
    slow = (brake + (ROLL_M_S2 if push == 0.0 else 0.0) + DRAG_PER_M * speed * speed) * seconds
    return math.copysign(max(0.0, abs(speed) - slow), speed)


def _dropped(vehicle: Vehicle, place: Transform, seconds: float, ground: GroundHeight) -> Transform:
    """Return the place after gravity: on the ground, or nearer to it."""
    if not vehicle.gravity:
        vehicle.fall = 0.0
        return place
    x, y, z = place.location
    floor = ground(x, y)
    fall = vehicle.fall + GRAVITY_M_S2 * seconds
    z -= fall * seconds
    vehicle.fall = fall
    if z <= floor:
        z, vehicle.fall = floor, 0.0
    return Transform(Location(x, y, z), place.rotation)


def _level(velocity: Location, yaw_deg: float) -> Location:
    """Return a vehicle's own velocity in the world's axes."""
    cos, sin = heading(yaw_deg)
    return Location(velocity.x * cos - velocity.y * sin, velocity.x * sin + velocity.y * cos, 0.0)


def _differs(a: Transform, b: Transform) -> bool:
    return a.location[:2] != b.location[:2] or a.rotation.yaw != b.rotation.yaw


def step_walker(walker: Walker, seconds: float, ground: GroundHeight) -> None:
    """Move a person by one tick along the direction of the control, feet on the ground."""
    if not walker.physics:
        walker.stop()
        return
    before = walker.velocity
    dx, dy, _ = walker.control.direction
    length = math.hypot(dx, dy)
    speed = walker.control.speed if length > 1e-6 else 0.0
    x, y, _ = walker.place.location
    rotation = walker.place.rotation
    if speed > 0.0:
        dx, dy = dx / length, dy / length
        x, y = x + dx * speed * seconds, y + dy * speed * seconds
        rotation = Rotation(0.0, math.degrees(math.atan2(dy, dx)), 0.0)
    walker.velocity = Location(dx * speed, dy * speed, 0.0) if speed > 0.0 else Location()
    walker.place = Transform(Location(x, y, ground(x, y) + walker.half_height), rotation)
    walker.acceleration = Location(*((now - then) / seconds for now, then in zip(walker.velocity, before, strict=True)))


def stride(walker: Walker, cycle_m: float) -> float:
    """Return the phase 0..1 of a person's gait, or -1 for standing.

    It follows from place and control alone, so that a person who is put back mid-stride keeps the stride.

    Args:
        walker: the person.
        cycle_m: metres of one cycle, two steps.
    """
    dx, dy, _ = walker.control.direction
    length = math.hypot(dx, dy)
    if walker.control.speed < 0.05 or length < 1e-6:
        return -1.0
    x, y, _ = walker.place.location
    return ((x * dx + y * dy) / length / cycle_m) % 1.0
