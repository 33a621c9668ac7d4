"""Planning and staging on a server: where moments are, that they can be placed again, and that nothing is left."""

import math
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from carla_plugin.layouts import Layouts
from carla_plugin.replay import plan_episode, staged
from carla_plugin.scenario import Scenario, parse_scenario
from carla_plugin.world.connection import ServerError, World
from carla_plugin.world.streets import Streets

TEXT = """
seed: 11
town: Grid_07
appearances: [noon]
bundles: 5
traffic: {cars: 5, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 1, parked: 2, pedestrians: 12, radius_m: 80,
          warm_up_ticks: 40}
"""


def scenario(extra: str = "camera: {width: 64, height: 32}\n") -> Scenario:
    return parse_scenario(TEXT + extra, "x.yaml")


@pytest.fixture(scope="module")
def world(simulator) -> Iterator[World]:
    with World.connect("127.0.0.1", simulator.port, "Grid_07", 0.05) as opened:
        yield opened


@pytest.fixture(scope="module")
def streets(world) -> Streets:
    return Streets.read(world)


@pytest.fixture(scope="module")
def plan(world, streets) -> Layouts:
    return plan_episode(world, streets, scenario(), 11, 0)


def actors(world: World) -> list[tuple[int, str]]:
    world.tick()
    return sorted((actor.id, actor.type_id) for actor in world.world.get_actors())


def flat(transform) -> tuple[float, float]:
    return transform.location.x, transform.location.y


def test_a_plan_can_be_placed_and_leaves_nobody(world, streets, plan):
    before = actors(world)
    again = plan_episode(world, streets, scenario(), 11, 0)
    assert again == plan
    assert actors(world) == before
    assert list(plan.faults()) == []
    kinds = [actor.kind for actor in plan.actors]
    assert {"cars", "trucks", "motorcycles", "bicycles", "pedestrians"} <= set(kinds)
    assert len(plan.moments) == 5
    with staged(world, plan, scenario()):
        assert len(actors(world)) == len(before) + len(kinds) + 2
    assert actors(world) == before


def test_another_episode_is_another_plan(world, streets, plan):
    other = plan_episode(world, streets, scenario(), 11, 1)
    assert other.moments[0].cameras != plan.moments[0].cameras
    assert [actor.blueprint for actor in other.actors] != [actor.blueprint for actor in plan.actors]


def test_who_is_near_the_lens_strides(plan):
    shown = {pose for moment in plan.moments for pose in moment.poses if pose >= 0}
    assert shown == set(range(len(plan.poses)))
    assert len(plan.poses) > 1  # not all in one pose
    assert all(len(names) == 66 for names in plan.skeletons)  # CARLA's people have so many bones


def test_moments_in_any_order_stand_as_before(world, plan):
    def state_of(stage, number: int) -> bytes:
        stage.place(plan.moments[number])
        stage.tick()
        return stage.state()

    with staged(world, plan, scenario()) as stage:
        first = [state_of(stage, number) for number in range(5)]
        assert [state_of(stage, number) for number in (4, 2, 0, 3, 1)] == [first[n] for n in (4, 2, 0, 3, 1)]
    assert len(set(first)) == 5
    with staged(world, plan, scenario()) as stage:  # other actors, with other numbers
        assert state_of(stage, 3) == first[3]


def test_actors_stand_where_the_plan_has_them(world, plan):
    moment = plan.moments[2]
    with staged(world, plan, scenario()) as stage:
        stage.place(moment)
        for _ in range(5):
            stage.tick()
        seen = world.world.get_snapshot()
        for number, (actor, place) in enumerate(zip(stage._cast.ids, moment.places, strict=True)):
            there = seen.find(actor).get_transform().location
            assert (there.x, there.y) == pytest.approx(flat(place), abs=1e-4)
            assert place.location.z - there.z == pytest.approx(30.0 if number == moment.hidden else 0.0, abs=1e-4)


def test_a_drive_by_metres(world, streets):
    plan = plan_episode(world, streets, scenario("capture: {where: drive, every_m: 1.5}\n"), 11, 0)
    drivers = {moment.hidden for moment in plan.moments}
    assert len(drivers) == 1
    driver = drivers.pop()
    assert plan.actors[driver].kind == "cars"
    path = [flat(moment.places[driver]) for moment in plan.moments]
    assert [flat(moment.cameras[0]) for moment in plan.moments] == [pytest.approx(place) for place in path]
    steps = [math.dist(one, other) for one, other in pairwise(path)]
    assert all(1.4 < step < 3.5 for step in steps)  # a tick of a fast car more than asked for


def test_a_drive_by_ticks(world, streets):
    plan = plan_episode(world, streets, scenario("capture: {where: drive, every_ticks: 7}\n"), 11, 0)
    assert [moment.tick for moment in plan.moments] == [40, 47, 54, 61, 68]


def test_spawn_points(world, streets):
    plan = plan_episode(world, streets, scenario("capture: {where: spawn_points, every_ticks: 1}\n"), 11, 0)
    points = [flat(point) for point in streets.spawn_points]
    nearest = [min(range(len(points)), key=lambda n: math.dist(points[n], flat(m.cameras[0]))) for m in plan.moments]
    assert len(set(nearest)) == 5
    for moment, number in zip(plan.moments, nearest, strict=True):
        assert math.dist(points[number], flat(moment.cameras[0])) < 0.5
        assert moment.cameras[0].location.z - streets.spawn_points[number].location.z == pytest.approx(1.6, abs=0.7)
        assert moment.hidden == -1


def test_several_cameras_ride_on_one_place(world, streets):
    cameras = "cameras: [{mount: {x_m: 1}}, {mount: {yaw_deg: 90, z_m: 3}}]\n"
    plan = plan_episode(world, streets, scenario(cameras), 11, 0)
    for moment in plan.moments:
        ahead, right = moment.cameras
        assert (right.rotation.yaw - ahead.rotation.yaw) % 360.0 == pytest.approx(90.0)
        assert right.location.z - ahead.location.z == pytest.approx(1.4)
        assert math.dist(flat(ahead), flat(right)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"town": "Grid_08"}, "expected the map Grid_08, got Grid_07"),
        ({"signals": ("none",)}, "expected Grid_07 with the 1 traffic lights of the layouts"),
    ],
)
def test_a_plan_that_does_not_fit_the_server(world, plan, change, words):
    before = actors(world)
    with pytest.raises(ServerError, match=words), staged(world, msgspec.structs.replace(plan, **change), scenario()):
        pass
    assert actors(world) == before


def test_a_blueprint_that_the_server_lacks(world, plan):
    before = actors(world)
    strange = (msgspec.structs.replace(plan.actors[0], blueprint="vehicle.no.such"), *plan.actors[1:])
    other = msgspec.structs.replace(plan, actors=strange)
    with (
        pytest.raises(ServerError, match=r"expected the blueprint vehicle\.no\.such"),
        staged(world, other, scenario()),
    ):
        pass
    assert actors(world) == before
