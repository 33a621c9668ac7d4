"""The desk: each moment is dealt out once, in order, and again if whoever had it is lost."""

import msgspec
import pytest

from carla_plugin.desk import PLANS_KEPT, Desk, Task
from carla_plugin.layouts_file import Source
from carla_plugin.scenario import load_scenario


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(
        "seed: 1\ntown: Grid_07\nappearances: [noon, night]\nbundles: 2\n"
        "cameras: [{name: left, width: 64, height: 32}, {name: right, width: 64, height: 32}]\n"
    )
    scenario = load_scenario(str(file))
    return Source(scenario, scenario.seed)


def one_camera(source):
    return Source(msgspec.structs.replace(source.scenario, cameras=source.scenario.cameras[:1]), 1)


def test_all_moments_in_order(source):
    desk = Desk(source, 8)
    tasks = []
    while (task := desk.take()) is not None:
        tasks.append(task)
        desk.done(task)
    # two cameras: each moment has two bundles
    assert tasks == [Task(0, 0, (0, 1)), Task(0, 1, (2, 3)), Task(1, 0, (4, 5)), Task(1, 1, (6, 7))]
    assert desk.finished
    assert not desk.enough


def test_two_at_work_and_one_lost(source):
    desk = Desk(one_camera(source), 3)
    first, second = desk.take(), desk.take()
    assert (first.indices, second.indices) == ((0,), (1,))
    desk.back(first)
    again = desk.take()
    assert again == first
    for task in (second, again):
        desk.done(task)
    desk.done(desk.take())
    assert desk.take() is None


def test_what_the_trainer_asks_for(source):
    asked = []

    def wanted(in_hand, wait_s):
        asked.append(set(in_hand))
        if len(asked) == 2:
            raise TimeoutError
        return {1: 4, 3: 2}.get(len(asked))

    desk = Desk(one_camera(source), 10, wanted)
    assert desk.take().indices == (4,)
    assert desk.take().indices == (2,)
    assert desk.take() is None
    assert asked == [set(), {4}, {4}, {4, 2}]
    assert desk.enough


def test_nothing_beyond_the_last(source):
    desk = Desk(one_camera(source), 3, lambda in_hand, wait_s: 3)
    assert desk.take() is None
    assert not desk.enough


def test_who_asks_may_be_told_to_stop(source):
    def wanted(in_hand, wait_s):
        raise TimeoutError

    answers = iter([True, True, False])
    assert Desk(source, 3, wanted).take(lambda: next(answers)) is None


def test_the_first_plan_of_an_episode_is_kept(source):
    desk = Desk(source, 100)
    assert desk.plan(0) is None
    assert desk.keep_plan(0, b"one") == b"one"
    assert desk.keep_plan(0, b"other") == b"one"
    for episode in range(1, PLANS_KEPT + 1):
        desk.keep_plan(episode, b"")
    assert desk.plan(0) is None
