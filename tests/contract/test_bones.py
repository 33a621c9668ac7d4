"""Bones through the wheel: CARLA's names, three systems of axes that agree, and pictures that follow what is set."""

import carla
import numpy as np
import pytest

MASK = 2  # red of BGRA
PERSON = 12
NAMES = (
    "crl_root", "crl_hips__C", "crl_spine__C", "crl_spine01__C", "crl_neck__C", "crl_Head__C", "crl_eye__L",
    "crl_eye__R", *(f"crl_{part}__{side}" for side in "LR"
                    for part in ("shoulder", "arm", "foreArm", "hand", "thigh", "leg", "foot", "toe", "toeEnd")),
    *(f"crl_hand{finger}{end}__{side}" for side in "LR" for finger in ("Thumb", "Index", "Middle", "Ring", "Pinky")
      for end in ("", "01", "02", "End")),
)  # fmt: skip


@pytest.fixture
def person(stage):
    place = stage.map.get_spawn_points()[0]
    place.location.z += 0.5
    made = stage.spawn("walker.pedestrian.0007", place)
    stage.world.tick()
    return made


@pytest.fixture
def eye(stage, person):
    ahead = person.get_transform()
    forward = ahead.get_forward_vector()
    place = carla.Transform(ahead.location + carla.Location(3 * forward.x, 3 * forward.y, 0.1), ahead.rotation)
    place.rotation.yaw += 180.0
    eye = stage.eye("semantic_segmentation", place, size=(160, 160), fov=60.0)
    stage.world.tick()
    return eye


def mask(stage, eye):
    return eye.at(stage.world.tick())[..., MASK] == PERSON


def bones(person):
    return {bone.name: bone for bone in person.get_bones().bone_transforms}


def put(person, **turns):
    """Turn bones about the forward axis, degrees; where they begin stays."""
    told, rows = bones(person), []
    for name, roll in turns.items():
        place = told[name].relative
        place.rotation = carla.Rotation(roll=roll)
        rows.append((name, place))
    control = carla.WalkerBoneControlIn()
    control.bone_transforms = rows
    person.set_bones(control)


def give_back(person):
    control = carla.WalkerBoneControlIn()
    control.bone_transforms = [(bone.name, bone.relative) for bone in person.get_bones().bone_transforms]
    person.set_bones(control)


@pytest.mark.source("CARLA docs: tuto_G_control_walker_skeletons")
def test_a_person_has_the_bones_that_carla_names(person):
    assert set(NAMES) <= set(bones(person))


@pytest.mark.source("CARLA docs: python_api#carla.WalkerBoneControlOut")
def test_places_of_bones_agree_with_the_place_of_the_person(person):
    place, told = person.get_transform(), bones(person)
    box = person.bounding_box
    for bone in told.values():
        away = bone.world.location - place.location
        assert max(abs(away.x), abs(away.y)) < 1.0, bone.name
        assert abs(away.z) < 1.3, bone.name
    assert told["crl_Head__C"].world.location.z > told["crl_hips__C"].world.location.z > place.location.z - box.extent.z
    assert told["crl_toe__L"].world.location.z < place.location.z - 0.5 * box.extent.z
    right = place.get_right_vector()
    for part in ("arm", "hand", "thigh", "foot"):
        across = told[f"crl_{part}__R"].world.location - told[f"crl_{part}__L"].world.location
        assert across.x * right.x + across.y * right.y > 0.05, part


@pytest.mark.source("CARLA source: WalkerController::GetBonesTransform")
def test_a_bone_within_its_parent_leads_to_the_bone_in_the_world(person):
    told = bones(person)
    pairs = {"crl_hand__L": "crl_foreArm__L", "crl_foot__R": "crl_leg__R", "crl_leg__L": "crl_thigh__L",
             "crl_Head__C": "crl_neck__C", "crl_arm__R": "crl_shoulder__R"}  # fmt: skip
    for child, parent in pairs.items():
        point = carla.Location(told[child].relative.location)
        told[parent].world.transform(point)
        assert point.distance(told[child].world.location) < 1e-3, child


@pytest.mark.source("CARLA docs: python_api#carla.Walker.get_bones")
@pytest.mark.parametrize("speed", [0.0, 1.4])
def test_bones_given_back_as_they_were_draw_the_same_picture(stage, person, eye, speed):
    forward = person.get_transform().get_forward_vector()
    person.apply_control(carla.WalkerControl(forward, speed))
    for _ in range(4):
        stage.world.tick()
    person.set_simulate_physics(False)
    before = mask(stage, eye)
    assert before.sum() > 200
    person.get_pose_from_animation()
    give_back(person)
    person.show_pose()
    assert np.array_equal(mask(stage, eye), before)
    give_back(person)
    assert np.array_equal(mask(stage, eye), before)


@pytest.mark.source("CARLA docs: python_api#carla.Walker.blend_pose")
def test_the_picture_follows_the_bones_as_far_as_they_are_blended_in(stage, person, eye):
    before = mask(stage, eye)
    put(person, crl_arm__R=-85.0, crl_arm__L=85.0)
    assert np.array_equal(mask(stage, eye), before), "nothing is shown before it is blended in"
    person.blend_pose(0.5)
    half = mask(stage, eye)
    person.show_pose()
    whole = mask(stage, eye)
    widths = [np.flatnonzero(picture.any(axis=0)) for picture in (before, half, whole)]
    spans = [columns[-1] - columns[0] for columns in widths]
    assert spans[0] + 8 < spans[1] < spans[2] - 2
    person.hide_pose()
    assert np.array_equal(mask(stage, eye), before)


@pytest.mark.source("CARLA source: WalkerController::SetBonesTransform")
def test_bones_that_are_not_given_stay_and_unknown_ones_are_passed_over(stage, person):
    put(person, crl_foreArm__R=-40.0)
    put(person, crl_Head__C=20.0)
    control = carla.WalkerBoneControlIn()
    control.bone_transforms = [("no_such_bone", carla.Transform())]
    person.set_bones(control)
    person.show_pose()
    stage.world.tick()
    told = bones(person)
    assert told["crl_foreArm__R"].relative.rotation.roll == pytest.approx(-40.0, abs=0.01)
    assert told["crl_Head__C"].relative.rotation.roll == pytest.approx(20.0, abs=0.01)


@pytest.mark.source("CARLA docs: tuto_G_control_walker_skeletons")
def test_what_hangs_on_a_bone_moves_with_it(stage, person):
    before = bones(person)
    put(person, crl_arm__L=60.0)
    person.show_pose()
    stage.world.tick()
    after = bones(person)
    for name in ("crl_foreArm__L", "crl_hand__L", "crl_handIndexEnd__L"):
        assert after[name].world.location.distance(before[name].world.location) > 0.15, name
        assert after[name].relative.location.distance(before[name].relative.location) < 1e-3, name
    for name in ("crl_arm__L", "crl_hand__R", "crl_toe__L"):
        assert after[name].world.location.distance(before[name].world.location) < 1e-3, name


@pytest.mark.source("CARLA source: WalkerController::GetPoseFromAnimation")
def test_a_pose_taken_from_the_gait_stays_while_the_person_walks_on(stage, person):
    forward = person.get_transform().get_forward_vector()
    person.apply_control(carla.WalkerControl(forward, 1.4))
    for _ in range(5):
        stage.world.tick()
    person.get_pose_from_animation()
    person.show_pose()
    stage.world.tick()
    taken = {name: bone.relative for name, bone in bones(person).items()}
    for _ in range(7):
        stage.world.tick()
        assert {name: bone.relative for name, bone in bones(person).items()} == taken
    person.hide_pose()
    stage.world.tick()
    assert bones(person)["crl_thigh__L"].relative != taken["crl_thigh__L"]


@pytest.mark.source("ours")
def test_bones_of_a_car_are_refused(stage, ask):
    car = stage.car(1)
    assert ask("get_bones_transform", car.id)[1][0][0] == 0
    assert ask("blend_pose", car.id, 1.0)[1][0][0] is True


@pytest.mark.source("CARLA docs: python_api#carla.Actor.get_bone_names")
def test_bones_of_an_actor_are_those_of_the_person(person):
    told = bones(person)
    names, places = person.get_bone_names(), person.get_bone_world_transforms()
    assert set(names) == set(told)
    for name, place in zip(names, places, strict=True):
        assert place.location.distance(told[name].world.location) < 1e-3, name


@pytest.mark.source("CARLA docs: bp_library walker use_wheelchair")
def test_who_uses_a_wheelchair_sits(stage, person, eye):
    upright = np.flatnonzero(mask(stage, eye).any(axis=1)).size
    knees = bones(person)["crl_leg__L"].world.location.z - bones(person)["crl_thigh__L"].world.location.z
    place = person.get_transform()
    person.destroy()
    stage.actors.remove(person)
    sitter = stage.spawn("walker.pedestrian.0007", place, use_wheelchair="true")
    stage.world.tick()
    picture = mask(stage, eye)
    assert 0.6 * upright < np.flatnonzero(picture.any(axis=1)).size < 0.95 * upright
    lap = bones(sitter)["crl_leg__L"].world.location.z - bones(sitter)["crl_thigh__L"].world.location.z
    assert lap > 0.5 * knees, "thighs lie rather than hang"
    give_back(sitter)
    sitter.show_pose()
    assert np.array_equal(mask(stage, eye), picture)
