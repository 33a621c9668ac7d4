"""Bodies: bones that lead back to where they are, skin that follows them, poses between others, the dead."""

import numpy as np
import pytest

from carla_plugin.simulator.actors import Vehicle, Walker
from carla_plugin.simulator.assets.walkers import PHASES, dressed, figure, walker_height
from carla_plugin.simulator.body.figures import Posture, drawn, feet_of, gait_pose, shown_pose, taken
from carla_plugin.simulator.body.pose import blended, transforms, with_bones, within_one, within_parents
from carla_plugin.simulator.body.skeleton import BONES, NUMBER, PARENTS, frames_of
from carla_plugin.simulator.body.skin import weights
from carla_plugin.simulator.collisions import Collision
from carla_plugin.simulator.death import LIES_S, mourn
from carla_plugin.simulator.motion import step_walker
from carla_plugin.simulator.pose import angles
from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    Location,
    Rotation,
    Transform,
    WalkerControl,
)

NAME = "walker.pedestrian.0007"


def person(speed=0.0, number=3, *attributes):
    description = ActorDescription(0, NAME, tuple(ActorAttributeValue(*row) for row in attributes))
    place = Transform(Location(3.0, 4.0, 0.9), Rotation(0.0, 30.0, 0.0))
    return Walker(number, description, place, half_height=0.85, control=WalkerControl(Location(1.0, 0.5, 0.0), speed))


def test_parents_come_first_and_every_bone_has_one_name():
    assert len(set(BONES)) == len(BONES) == 66
    assert all(parent < number for number, parent in enumerate(PARENTS))


@pytest.mark.parametrize("step", [-1, 0, 5, PHASES - 1])
def test_bones_within_their_parents_lead_back_to_the_whole(step):
    joints, lift, _ = figure(NAME, step)
    frames = frames_of(joints, lift)
    assert np.allclose(frames.turn @ frames.turn.transpose(0, 2, 1), np.eye(3))
    assert np.linalg.det(frames.turn) == pytest.approx(1.0)
    again = within_one(within_parents(frames))
    assert np.allclose(again.turn, frames.turn)
    assert np.allclose(again.place, frames.place)


@pytest.mark.parametrize("name", [NAME, "walker.pedestrian.0011", "walker.pedestrian.0004"])
def test_every_point_of_the_skin_follows_bones_by_whole_shares(name):
    joints, _, mesh = figure(name, -1)
    shares = weights(dressed(name, joints), frames_of(joints, 0.0), walker_height(name))
    assert shares.shape == (len(mesh.vertices), len(BONES))
    assert shares.min() >= 0.0
    assert shares.sum(axis=1) == pytest.approx(1.0)


def test_the_pose_of_the_gait_draws_the_gait_itself():
    walker = person(1.4)
    plain = drawn(walker)
    walker.posture, walker.blend = taken(walker), 1.0
    assert drawn(walker) is plain
    rounded = [Transform(Location(*map(np.float32, place)), Rotation(*map(np.float32, turn)))
               for place, turn in transforms(shown_pose(walker))]  # fmt: skip
    walker.posture = Posture(with_bones(walker.posture.pose, list(enumerate(rounded))), walker.posture.step)
    assert drawn(walker) is plain, "what the wire rounds off moves nobody"


def test_skin_follows_the_bone_that_moves_and_no_other():
    walker = person()
    before = drawn(walker).vertices
    pose = taken(walker).pose
    arm = NUMBER["crl_arm__R"]
    walker.posture = Posture(with_bones(pose, [(arm, Transform(Location(*pose.place[arm]), Rotation(0, 0, -90)))]), -1)
    walker.blend = 1.0
    after = drawn(walker).vertices
    assert drawn(walker) is drawn(walker), "the same pose is the same mesh"
    moved = np.abs(after - before).max(axis=1) > 1e-6
    assert 0.08 < moved.mean() < 0.3
    assert (before[moved, 1] > 0.05).all(), "only the right arm"
    assert after[:, 1].max() > before[:, 1].max() + 0.25


def test_a_pose_between_two_is_between_them_and_at_its_ends_is_them():
    one, two = gait_pose(NAME, 2), gait_pose(NAME, 10)
    assert blended(one, two, 0.0) is one
    assert blended(one, two, 1.0) is two
    half = blended(one, two, 0.5)
    assert np.allclose(half.turn @ half.turn.transpose(0, 2, 1), np.eye(3))
    thigh = NUMBER["crl_thigh__L"]
    pitches = [angles(pose.turn[thigh]).pitch for pose in (one, half, two)]
    assert pitches[1] == pytest.approx((pitches[0] + pitches[2]) / 2, abs=0.5)


@pytest.mark.parametrize("pitch", [90.0, -90.0, 89.9999])
@pytest.mark.parametrize("yaw", [0.0, 33.0, -120.0])
def test_angles_at_the_pole_keep_the_turn(pitch, yaw):
    frame = axes(Rotation(pitch, yaw, 40.0))
    assert np.allclose(axes(angles(frame)), frame, atol=2e-6)


def test_who_is_not_invincible_dies_by_a_car_and_lies_for_a_while():
    mortal = person(1.4, 3, ("is_invincible", 1, "false"))
    hard = person(1.4, 4, ("is_invincible", 1, "true"))
    car = Vehicle(9, ActorDescription(0, "vehicle.tesla.model3"), Transform())
    actors = {actor.id: actor for actor in (mortal, hard, car)}
    blows = [Collision(number, 9, 0, -1, Location(), Location()) for number in (3, 4)]
    assert mourn(actors, blows, 5.0) == []
    assert mourn(actors, [Collision(4, 3, 0, -1, Location(), Location())], 5.05) == []
    assert (mortal.died_s, hard.died_s) == (5.0, None)
    lying = drawn(mortal).vertices.astype(np.float64) @ axes(feet_of(mortal).rotation) + feet_of(mortal).location
    ground = mortal.place.location.z - mortal.half_height
    assert lying[:, 2].min() == pytest.approx(ground, abs=0.02)
    assert lying[:, 2].max() < ground + 0.6
    assert np.abs(lying[:, :2].mean(axis=0) - mortal.place.location[:2]).max() < 0.3
    assert mourn(actors, [], 5.0 + LIES_S - 0.05) == []
    assert mourn(actors, [], 5.0 + LIES_S) == [3]


def test_who_was_led_stands_when_nobody_leads():
    walker = person(1.4)
    walker.physics, walker.led = False, Location(1.0, 0.5, 0.0)
    step_walker(walker, 0.05, lambda x, y: 0.0)
    assert walker.velocity == Location(1.0, 0.5, 0.0)
    step_walker(walker, 0.05, lambda x, y: 0.0)
    assert walker.velocity == Location()
    assert walker.control.speed == 0.0


def test_a_jump_rises_and_falls_by_gravity():
    walker = person()
    walker.control = WalkerControl(Location(1.0, 0.0, 0.0), 0.0, True)
    heights = []
    for _ in range(110):
        step_walker(walker, 0.01, lambda x, y: 0.2)
        heights.append(walker.place.location.z - 0.2 - walker.half_height)
        walker.control = walker.control._replace(jump=False)
    assert max(heights) == pytest.approx(5.0**2 / (2 * 9.81), abs=0.01)
    assert heights[-1] == pytest.approx(0.0, abs=1e-9)
