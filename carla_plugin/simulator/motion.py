"""Motion: one tick of all vehicles and walkers, what is in their way considered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator import driving
from carla_plugin.simulator.ackermann import Gains, Reserve
from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.chassis import GRAVITY_M_S2, GRIP_PER_FRICTION, Chassis, chassis_of
from carla_plugin.simulator.collisions import Collision, Crowd, met, resolve
from carla_plugin.simulator.driving import Bodies, Demands, GroundHeight
from carla_plugin.simulator.footprint import boxes_of, solid
from carla_plugin.simulator.obstacles import Obstacles
from carla_plugin.simulator.pose import heading, wrap_deg
from protocols.carla_rpc.types import Location, Rotation, Transform, VehicleControl

Floats = NDArray[np.float64]

WALKER_KG = 80.0
JUMP_M_S = 5.0  # upward, at the start
NOTHING = Location()
SECTOR = math.radians(15.0)
FRICTION_TRIGGER = "static.trigger.friction"
GRIP = Chassis._fields.index("grip")


def chassis(vehicle: Vehicle) -> Chassis:
    """Return what a vehicle is built like; worked out once, and again when a client changes it."""
    if vehicle.chassis is None:
        body = chassis_of(vehicle)
        vehicle.chassis = body, body.row()
    made: Chassis = vehicle.chassis[0]
    return made


def step(actors: Sequence[SimActor], seconds: float, ground: GroundHeight, obstacles: Obstacles) -> list[Collision]:
    """Move all vehicles and walkers by one tick, and return the blows of it.

    Args:
        actors: all, in the order of their birth.
        seconds: of the tick.
        ground: height in metres of the ground at (x, y).
        obstacles: what stands still.
    """
    driven: list[Vehicle] = []
    wishes: dict[int, Transform] = {}  # where those who move want to be
    slippery: list[tuple[Location, tuple[float, ...], float]] = []
    for actor in actors:
        if isinstance(actor, Vehicle):
            if not actor.physics:
                actor.stop()
            elif not actor.parent:
                if actor.ackermann is not None:
                    _steer_itself(actor, seconds)
                if not _rests(actor):
                    driven.append(actor)
        elif isinstance(actor, Walker):
            before = actor.place
            step_walker(actor, seconds, ground)
            if actor.place is not before:
                wishes[actor.id] = actor.place
                actor.place = before
        elif actor.description.id == FRICTION_TRIGGER:
            slippery.append(_slippery(actor))
    bodies = _bodies(driven, seconds)
    moved = bodies
    if driven:
        rows = np.array([vehicle.chassis[1] for vehicle in driven])
        for place, extent, friction in slippery:
            away = np.abs(bodies.place - place)
            rows[(away <= extent).all(axis=1), GRIP] = friction * GRIP_PER_FRICTION * GRAVITY_M_S2
        demands = _demands(driven)
        moved = driving.drive(bodies, rows, demands, seconds, ground)
        along = (moved.velocity[:, :2] * np.stack([np.cos(moved.turn[:, 1]), np.sin(moved.turn[:, 1])], axis=1)).sum(1)
        for vehicle, gear in zip(driven, driving.gears(along, demands.pedals, rows).tolist(), strict=True):
            vehicle.gear = gear
        angles = driving.degrees(moved).tolist()
        for vehicle, place, turn in zip(driven, moved.place.tolist(), angles, strict=True):
            wishes[vehicle.id] = Transform(Location(*place), Rotation(*turn))
    blows = _settle(actors, wishes, driven, moved, obstacles, seconds)
    for vehicle, (vx, vy, vz), spin in zip(driven, moved.velocity.tolist(), moved.spin.tolist(), strict=True):
        _arrive(vehicle, wishes[vehicle.id], Location(vx, vy, vz), math.degrees(spin), seconds)
    for actor in actors:
        if isinstance(actor, Walker) and actor.id in wishes:
            actor.place = wishes[actor.id]
        actor.seen = actor.place if solid(actor) else None
    return blows


def _steer_itself(vehicle: Vehicle, seconds: float) -> None:
    """Let a vehicle's Ackermann controller set its pedals and wheel."""
    body, row = chassis(vehicle), vehicle.chassis[1][None]
    along = speed_along(vehicle)
    most_steer = abs(float(driving.steer_angles(np.array([along]), np.array([1.0]), row)[0]))
    full = np.array([VehicleControl(throttle=1.0, reverse=vehicle.ackermann.reverse)], dtype=np.float64)
    push = abs(float(driving.pull(np.array([along]), full, row)[0]))
    resistance = driving.ROLL_M_S2 + body.drag * along * along / body.mass
    reserve = Reserve(push, min(body.brake / body.mass, body.grip), resistance)
    gains = Gains(*(vehicle.ackermann_settings or Gains()))
    vehicle.control = vehicle.ackermann.control(along, most_steer, reserve, gains, seconds)


def speed_along(vehicle: Vehicle) -> float:
    """Return a vehicle's speed along its own axis on the plan, m/s."""
    cos, sin = heading(vehicle.place.rotation.yaw)
    return vehicle.velocity.x * cos + vehicle.velocity.y * sin


def _slippery(trigger: SimActor) -> tuple[Location, tuple[float, ...], float]:
    """Return where a friction trigger lies, its half sizes in metres (its attributes: cm), and its friction."""

    def number(name: str, default: float) -> float:
        try:
            return max(float(trigger.attribute(name, str(default))), 0.0)
        except ValueError:
            return default

    extent = tuple(number(f"extent_{axis}", 100.0) / 100.0 for axis in "xyz")
    return trigger.place.location, extent, number("friction", 3.5)


def friction_under(vehicle: Vehicle, actors: Iterable[SimActor]) -> float | None:
    """Return the friction of the trigger that a vehicle stands in, None where it stands in none."""
    found = None
    for actor in actors:
        if actor.description.id == FRICTION_TRIGGER:
            place, extent, friction = _slippery(actor)
            if all(abs(a - b) <= half for a, b, half in zip(vehicle.place.location, place, extent, strict=True)):
                found = friction
    return found


def _rests(vehicle: Vehicle) -> bool:
    """Return whether nothing has changed since a tick that changed nothing."""
    if vehicle.rest is None:
        return False
    place, control, gravity = vehicle.rest
    if (
        place is vehicle.place and control == vehicle.control and gravity == vehicle.gravity
        and vehicle.velocity == NOTHING and vehicle.angular_velocity == NOTHING
        and vehicle.force == NOTHING and vehicle.torque == NOTHING and vehicle.constant_velocity is None
    ):  # fmt: skip
        vehicle.acceleration = NOTHING
        return True
    vehicle.rest = None
    return False


def _bodies(driven: Sequence[Vehicle], seconds: float) -> Bodies:
    """Return the state of vehicles, what pushed and turned them since the last tick included."""
    for vehicle in driven:
        body = chassis(vehicle)
        if vehicle.force != NOTHING:
            vehicle.velocity = _plus(vehicle.velocity, vehicle.force, seconds / body.mass)
        if vehicle.torque != NOTHING:
            vehicle.angular_velocity = _plus(vehicle.angular_velocity, vehicle.torque, seconds / body.inertia)
        vehicle.force = vehicle.torque = NOTHING
    rows = np.array(
        [(*v.place.location, *v.place.rotation, *v.velocity, v.angular_velocity.z) for v in driven], dtype=np.float64
    ).reshape(-1, 10)
    return Bodies(rows[:, :3], np.radians(rows[:, 3:6]), rows[:, 6:9], np.radians(rows[:, 9]))


def _plus(vector: Location, other: Location, factor: float) -> Location:
    return Location(*(here + there * factor for here, there in zip(vector, other, strict=True)))


def _demands(driven: Sequence[Vehicle]) -> Demands:
    nothing = (math.nan, math.nan)
    return Demands(
        np.array([vehicle.control for vehicle in driven], dtype=np.float64),
        np.array([vehicle.gravity for vehicle in driven]),
        np.array([nothing if v.constant_velocity is None else v.constant_velocity[:2] for v in driven]),
    )


def _settle(
    actors: Sequence[SimActor], wishes: dict[int, Transform], driven: Sequence[Vehicle], moved: Bodies,
    obstacles: Obstacles, seconds: float,
) -> list[Collision]:  # fmt: skip
    """Let everybody go where nothing is in the way: changes `wishes` and the speeds in `moved`."""
    crowded = [actor for actor in actors if solid(actor)]
    arrived = np.array([a.seen is not None and a.seen is not a.place and not a.parent for a in crowded], dtype=np.bool_)
    if not arrived.any() and not any(actor.id in wishes for actor in crowded):
        return []
    places = [actor.place for actor in crowded]
    now = boxes_of(crowded, places)
    then = boxes_of(crowded, [wishes.get(actor.id, actor.place) for actor in crowded])
    row = {vehicle.id: number for number, vehicle in enumerate(driven)}
    velocity, spin = np.zeros((len(crowded), 2)), np.zeros(len(crowded))
    lightness, nimbleness = np.zeros(len(crowded)), np.zeros(len(crowded))
    for number, actor in enumerate(crowded):
        if isinstance(actor, Vehicle) and actor.physics and not actor.parent:
            body = chassis(actor)
            lightness[number], nimbleness[number] = 1.0 / body.mass, 1.0 / body.inertia
            if actor.id in row:
                velocity[number] = moved.velocity[row[actor.id], :2]
                spin[number] = moved.spin[row[actor.id]]
        elif isinstance(actor, Walker):
            velocity[number] = (actor.velocity if actor.thrown == NOTHING else actor.thrown)[:2]
            lightness[number] = 1.0 / WALKER_KG
    walks = np.array([isinstance(actor, Walker) for actor in crowded])
    crowd = Crowd([actor.id for actor in crowded], now, then, velocity, spin, lightness, nimbleness, walks)
    put: list[Collision] = []
    if arrived.any():
        put = met(crowd, boxes_of(crowded, [actor.seen or actor.place for actor in crowded]), arrived)
    blows, changed = resolve(crowd, obstacles, seconds)
    blows = put + blows
    struck = {blow.actor for blow in blows}
    for number in np.flatnonzero(changed).tolist():
        actor = crowded[number]
        old, new = actor.place, wishes.get(actor.id, actor.place)
        x, y = (float(step) for step in crowd.then[number, :2] - now[number, :2])
        here = Location(old.location.x + x, old.location.y + y, new.location.z)
        turned = crowd.then[number, 2] != now[number, 2] or crowd.then[number, 3] != now[number, 3]
        yaw = new.rotation.yaw if turned else old.rotation.yaw
        wishes[actor.id] = Transform(here, Rotation(new.rotation.pitch, yaw, new.rotation.roll))
        if isinstance(actor, Walker):
            actor.velocity = Location(x / seconds, y / seconds, 0.0)
    for number, actor in enumerate(crowded):
        pushed = actor.id in struck or bool(changed[number])
        if isinstance(actor, Walker):
            vx, vy = crowd.velocity[number].tolist()
            actor.thrown = Location(vx, vy, 0.0) if pushed else NOTHING
        if not pushed:
            continue
        if actor.id in row:
            moved.velocity[row[actor.id], :2] = crowd.velocity[number]
            moved.spin[row[actor.id]] = crowd.spin[number]
        elif isinstance(actor, Vehicle) and actor.physics:  # it stood at rest until now
            vx, vy = crowd.velocity[number].tolist()
            actor.velocity = Location(vx, vy, 0.0)
            actor.angular_velocity = Location(0.0, 0.0, math.degrees(crowd.spin[number]))
    return blows


def _arrive(vehicle: Vehicle, place: Transform, velocity: Location, spin_deg: float, seconds: float) -> None:
    """Write down where a vehicle is now, how fast it goes, and whether the next tick can leave it alone."""
    before, control = vehicle.velocity, vehicle.control
    stays = place == vehicle.place
    vehicle.velocity, vehicle.angular_velocity = velocity, Location(0.0, 0.0, spin_deg)
    if not stays:
        vehicle.angular_velocity = _turning(vehicle.place.rotation, place.rotation, spin_deg, seconds)
        vehicle.place = place
    vehicle.acceleration = Location(*((now - then) / seconds for now, then in zip(velocity, before, strict=True)))
    stands = velocity == NOTHING and spin_deg == 0.0 and control.throttle == 0.0
    vehicle.rest = (vehicle.place, control, vehicle.gravity) if stays and stands else None
    if not vehicle.sticky:
        vehicle.control = VehicleControl()


def _turning(before: Rotation, after: Rotation, spin_deg: float, seconds: float) -> Location:
    """Return degrees a second about the world's axes: nose up turns against the right axis, a right lean against x."""
    nose = wrap_deg(after.pitch - before.pitch) / seconds
    lean = wrap_deg(after.roll - before.roll) / seconds
    if nose == 0.0 and lean == 0.0:
        return Location(0.0, 0.0, spin_deg)
    cos, sin = heading(after.yaw)
    return Location(-lean * cos + nose * sin, -lean * sin - nose * cos, spin_deg)


def step_walker(walker: Walker, seconds: float, ground: GroundHeight) -> None:
    """Move a person by one tick along the direction of the control, feet on the ground."""
    before = walker.velocity
    if walker.led is not None:  # placed already; whom nobody leads any more stands still
        moving, walker.led = walker.led, None
        walker.velocity, walker.acceleration = moving, _change(before, moving, seconds)
        walker.was_led = True
        return
    if walker.was_led:
        walker.control, walker.was_led = walker.control._replace(speed=0.0), False
    if not walker.physics:
        walker.stop()
        return
    dx, dy, _ = walker.control.direction
    length = math.hypot(dx, dy)
    speed = walker.control.speed if length > 1e-6 else 0.0
    x, y, z = walker.place.location
    rotation = walker.place.rotation
    if speed > 0.0:
        dx, dy = dx / length, dy / length
        x, y = x + dx * speed * seconds, y + dy * speed * seconds
        rotation = Rotation(0.0, math.degrees(math.atan2(dy, dx)), 0.0)
    floor = ground(x, y) + walker.half_height
    z, rising = _leap(walker, z, floor, seconds)
    walker.velocity = Location(dx * speed, dy * speed, rising) if speed > 0.0 else Location(0.0, 0.0, rising)
    walker.place = Transform(Location(x, y, z), rotation)
    walker.acceleration = _change(before, walker.velocity, seconds)


def _change(before: Location, after: Location, seconds: float) -> Location:
    return Location(*((now - then) / seconds for now, then in zip(after, before, strict=True)))


def _leap(walker: Walker, z: float, floor: float, seconds: float) -> tuple[float, float]:
    """Return height and upward speed of a person: those of the ground but for who has jumped and is in the air."""
    if walker.rising is None and walker.control.jump:
        walker.rising = JUMP_M_S
        z = floor
    if walker.rising is None:
        return floor, 0.0
    z += walker.rising * seconds - 0.5 * GRAVITY_M_S2 * seconds * seconds
    walker.rising -= GRAVITY_M_S2 * seconds
    if z <= floor:
        walker.rising = None
        return floor, 0.0
    return z, walker.rising


def stride(walker: Walker, cycle_m: float) -> float:
    """Return the phase 0..1 of a person's gait, or -1 for standing.

    It follows from place and control alone, so that a person who is put back mid-stride keeps the stride.

    Args:
        walker: the person.
        cycle_m: metres of one cycle, two steps.
    """
    dx, dy, _ = walker.control.direction
    if walker.control.speed < 0.05 or math.hypot(dx, dy) < 1e-6:
        return -1.0
    # Who turns a little keeps the stride: far from the origin a degree would make metres.
    way = round(math.atan2(dy, dx) / SECTOR) * SECTOR
    x, y, _ = walker.place.location
    return ((x * math.cos(way) + y * math.sin(way)) / cycle_m) % 1.0
