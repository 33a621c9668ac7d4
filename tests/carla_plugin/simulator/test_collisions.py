"""Collisions: momentum by hand, who is held back, what stands still, and boxes against a sampled second opinion."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carla_plugin.simulator import contact, motion
from carla_plugin.simulator.actors import Prop, Vehicle, Walker
from carla_plugin.simulator.assets.shapes import Finish, as_one, box
from carla_plugin.simulator.chassis import chassis_of, ordinary
from carla_plugin.simulator.collisions import BOUNCE
from carla_plugin.simulator.footprint import MARGIN_M, Footprints, boxes_of
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.obstacles import Obstacles
from protocols.carla_rpc.types import (
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
WALL, POLE = 4, 6


def flat(x: float, y: float) -> float:
    return 0.0


OPEN = Obstacles(empty(), flat)


def car(number=1, x=0.0, y=0.0, yaw=0.0, speed=0.0, **values) -> Vehicle:
    aim = math.radians(yaw)
    return Vehicle(
        number, CAR, Transform(Location(x, y, 0.0), Rotation(yaw=yaw)), BOX, bytes([14]),
        velocity=Location(speed * math.cos(aim), speed * math.sin(aim), 0.0), **values,
    )  # fmt: skip


def standing(middle, size, tag) -> Obstacles:
    """Return a town of one block: its middle (x, y, z) and its size in metres."""
    return Obstacles(as_one([box(middle, size, Finish(Material.CONCRETE, tag, (100, 100, 100)))]), flat)


def run(actors, ticks, obstacles=OPEN, step_s=0.05):
    return [blow for _ in range(ticks) for blow in motion.step(actors, step_s, flat, obstacles)]


def test_a_blow_from_behind_shares_the_momentum_by_mass():
    behind, ahead = car(1, speed=15.0), car(2, x=6.0)
    ahead.physics_control = ordinary(ahead)
    ahead.physics_control[11] *= 2.0
    masses = chassis_of(behind).mass, chassis_of(ahead).mass
    blows = []
    for _ in range(20):
        before = behind.velocity.x
        blows = motion.step([behind, ahead], 0.05, flat, OPEN)
        if blows:
            break
    assert [(blow.actor, blow.other) for blow in blows] == [(1, 2), (2, 1)]
    shared = masses[0] * masses[1] / sum(masses)
    assert blows[0].impulse.x == pytest.approx(-(1 + BOUNCE) * shared * before, rel=0.05)
    assert blows[1].impulse.x == -blows[0].impulse.x
    assert 0.0 < ahead.velocity.x < 15.0
    gap = ahead.place.location.x - behind.place.location.x - 4.0
    assert 0.0 <= gap < 1.0
    assert blows[0].place.x == pytest.approx(4.0, abs=1.0)


def test_a_blow_off_the_middle_turns_both():
    one, other = car(1, speed=10.0), car(2, x=6.0, y=1.5)
    run([one, other], 12)
    assert abs(one.angular_velocity.z) > 1.0 or abs(one.place.rotation.yaw) > 0.5
    assert abs(other.place.rotation.yaw) > 0.5


@settings(deadline=None)  # the first call may compile
@given(x=st.floats(-9, 9), y=st.floats(-9, 9), first=st.floats(-180, 180), second=st.floats(-180, 180))
def test_no_two_who_stood_apart_ever_overlap(x, y, first, second):
    one, other = car(1, yaw=first, speed=12.0), car(2, x, y, second, speed=9.0)
    boxes = boxes_of([one, other], [one.place, other.place])
    if contact.overlaps(boxes[0], boxes[1]):
        return
    for _ in range(15):
        run([one, other], 1)
        boxes = boxes_of([one, other], [one.place, other.place])
        assert not contact.overlaps(boxes[0], boxes[1])


def test_who_stands_in_another_may_leave():
    inside, other = car(1, x=1.0), car(2)
    inside.control = VehicleControl(throttle=1.0)
    assert run([inside, other], 60) == []
    assert inside.place.location.x > 6.0


def test_who_is_put_into_another_is_felt_once():
    one, other = car(1), car(2, x=30.0)
    assert run([one, other], 2) == []
    one.place = Transform(Location(27.0, 0.5, 0.0), Rotation())
    first = run([one, other], 1)
    assert {(blow.actor, blow.other) for blow in first} == {(1, 2), (2, 1)}
    assert run([one, other], 5) == []
    held, still = car(3, x=100.0, physics=False), car(4, x=130.0, physics=False)
    run([held, still], 2)
    held.place = still.place
    assert run([held, still], 2) == [], "nothing is felt where nothing can move"


def test_a_car_without_collisions_passes():
    ghost, other = car(1, speed=10.0, collides=False), car(2, x=6.0)
    assert run([ghost, other], 20) == []
    assert ghost.place.location.x > 8.0


@pytest.mark.parametrize("yaw", [0.0, 25.0])
def test_a_wall_stops_and_reports(yaw):
    wall = standing((10.0, 0.0, 1.5), (1.0, 40.0, 3.0), WALL)
    vehicle = car(yaw=yaw, speed=10.0)
    blows = run([vehicle], 60, wall)
    assert blows[0].actor == 1
    assert (blows[0].other, blows[0].tag, blows[0].part) == (0, WALL, 0)
    assert blows[0].impulse.x < 0.0
    assert abs(blows[0].impulse.y) < 0.1 * abs(blows[0].impulse.x), "a wall pushes along its normal"
    outline = boxes_of([vehicle], [vehicle.place])
    assert not wall.hit(outline, np.ones(1, bool))[0]
    mass = chassis_of(vehicle).mass
    share = abs(blows[0].impulse.x) / (mass * 10.0 * math.cos(math.radians(yaw)))
    assert share == pytest.approx(1.0 + BOUNCE, abs=0.1) if yaw == 0.0 else share < 1.0 + BOUNCE


def test_a_post_in_the_middle_stops_and_at_the_flank_is_scraped_past():
    def post(y):
        return standing((8.0, y, 1.5), (0.2, 0.2, 3.0), POLE)

    head_on, flank = car(1, speed=8.0), car(2, speed=8.0)
    assert run([head_on], 40, post(0.0))[0].tag == POLE
    assert head_on.place.location.x < 6.0
    run([flank], 60, post(1.0))
    assert flank.place.location.x > 8.0


def test_kerbs_and_what_hangs_above_do_not_stop():
    low = standing((8.0, 0.0, 0.1), (1.0, 9.0, 0.2), WALL)
    high = standing((8.0, 0.0, 4.0), (1.0, 9.0, 2.0), WALL)
    for town in (low, high):
        vehicle = car(speed=10.0)
        assert run([vehicle], 40, town) == []
        assert vehicle.place.location.x > 10.0


def test_who_flies_high_above_meets_nothing():
    wall = standing((8.0, 0.0, 1.5), (1.0, 9.0, 3.0), WALL)
    vehicle = car(speed=10.0, gravity=False)
    vehicle.place = Transform(Location(0.0, 0.0, 30.0), Rotation())
    assert run([vehicle], 40, wall) == []
    assert vehicle.place.location.x > 10.0


def test_a_walker_is_pushed_by_a_car_and_stopped_by_a_standing_one():
    def person(x, y, direction=Location(1.0, 0.0, 0.0), speed=0.0):
        box = BoundingBox(Location(), Location(0.3, 0.3, 0.9))
        place = Transform(Location(x, y, 0.9), Rotation())
        control = WalkerControl(direction, speed)
        return Walker(7, ActorDescription(2, "walker.pedestrian.0001"), place, box, control=control)

    moving, victim = car(speed=8.0), person(5.0, 0.0)
    blows = run([moving, victim], 20)
    assert {(blow.actor, blow.other) for blow in blows} == {(1, 7), (7, 1)}
    assert moving.velocity.x > 6.0
    assert victim.place.location.x > moving.place.location.x + 2.0
    parked, walking = car(), person(-4.0, 0.0, speed=1.5)
    run([parked, walking], 60)
    assert walking.place.location.x == pytest.approx(-2.4, abs=0.2)
    assert walking.velocity == Location()


def test_props_stand_in_the_way():
    barrel = Prop(3, ActorDescription(3, "static.prop.barrel"), Transform(Location(8.0, 0.0, 0.0), Rotation()),
                  BoundingBox(Location(0.0, 0.0, 0.5), Location(0.4, 0.4, 0.5)))  # fmt: skip
    vehicle = car(speed=8.0)
    blows = run([vehicle, barrel], 40)
    assert blows[0].other == 3
    assert vehicle.place.location.x < 6.0


def test_a_town_is_cut_where_its_blocks_stand():
    town = standing((3.0, 4.0, 1.0), (2.0, 6.0, 2.0), WALL)
    corners = {(round(x, 4), round(y, 4)) for x, y in town.segments.reshape(-1, 2).tolist()}
    assert {(2.0, 1.0), (4.0, 1.0), (2.0, 7.0), (4.0, 7.0)} <= corners
    lengths = np.hypot(*(town.segments[:, 2:] - town.segments[:, :2]).T)
    assert lengths.sum() == pytest.approx(3 * 16.0), "three cuts around the block"
    empty_town = Obstacles(empty(), flat)
    assert not empty_town.hit(np.array([[0.0, 0, 1, 0, 2, 1, 0, 1]]), np.ones(1, bool)).any()


@settings(deadline=None)  # the first call may compile
@given(
    x=st.floats(-6, 6), y=st.floats(-6, 6), yaw=st.floats(-180, 180),
    ends=st.tuples(st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6)),
)  # fmt: skip
def test_segments_touch_boxes_as_sampled_points_say(x, y, yaw, ends):
    vehicle = car(1, x, y, yaw)
    outline = boxes_of([vehicle], [vehicle.place])[0]
    start, end = contact.clipped(outline, np.array(ends))
    share = np.linspace(0.0, 1.0, 2001)[:, None]
    points = np.array(ends[:2]) * (1 - share) + np.array(ends[2:]) * share - outline[:2]
    along, across = points @ outline[2:4], points @ np.array([-outline[3], outline[2]])
    inside = (np.abs(along) < outline[4] - 1e-6) & (np.abs(across) < outline[5] - 1e-6)
    if inside.any():
        assert start <= end
        assert start <= share[inside].min() + 1e-9
        assert end >= share[inside].max() - 1e-9
    beyond = (np.abs(along) > outline[4] + 0.02) | (np.abs(across) > outline[5] + 0.02)
    if beyond.all():
        assert start > end


@settings(deadline=None)  # the first call may compile
@given(x=st.floats(-6, 6), y=st.floats(-6, 6), first=st.floats(-180, 180), second=st.floats(-180, 180))
def test_footprints_overlap_as_sampled_points_say(x, y, first, second):
    one, other = car(1, 0.0, 0.0, first), car(2, x, y, second)
    found = bool(Footprints([other]).overlapping(one, one.place))
    a, b = boxes_of([one, other], [one.place, other.place])
    steps = np.linspace(-1.0, 1.0, 21)
    grid = np.stack(np.meshgrid(steps * b[4], steps * b[5]), axis=-1).reshape(-1, 2)
    points = grid @ np.array([[b[2], b[3]], [-b[3], b[2]]]) + b[:2] - a[:2]
    inside = (np.abs(points @ a[2:4]) <= a[4] - 1e-9) & (np.abs(points @ np.array([-a[3], a[2]])) <= a[5] - 1e-9)
    if inside.any():
        assert found
    if found:
        assert math.hypot(x, y) <= 2 * math.hypot(2.0 + MARGIN_M, 1.0 + MARGIN_M) + 1e-6
    else:
        apart, axis_x, axis_y = contact.gap(a, b)
        assert apart >= 0.0
        assert math.hypot(axis_x, axis_y) == pytest.approx(1.0)
        assert axis_x * (a[0] - b[0]) + axis_y * (a[1] - b[1]) >= 0.0


def test_pairs_are_those_that_two_loops_find():
    dice = np.random.default_rng(2)
    many = [car(n, *dice.uniform(-30, 30, 2), dice.uniform(-180, 180)) for n in range(60)]
    boxes = boxes_of(many, [vehicle.place for vehicle in many])
    moved = dice.uniform(size=60) < 0.5
    expected = [
        [i, j] for i in range(60) for j in range(i + 1, 60)
        if (moved[i] or moved[j]) and contact.gap(boxes[i], boxes[j])[0] < 0.0
    ]  # fmt: skip
    assert contact.pairs(boxes, moved).tolist() == expected
    assert expected
