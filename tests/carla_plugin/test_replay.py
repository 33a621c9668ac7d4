"""Replay: a scenario gives the same bundles in fresh processes, a layouts file anywhere and in any order."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from carla_plugin.cli import main
from carla_plugin.layouts_file import open_layouts

TEXT = """
seed: 5
town: Grid_07
appearances: [noon, {{name: haze, fog_density: [10, 60]}}]
episodes: {episodes}
bundles: {bundles}
traffic: {{cars: 4, vans: 0, trucks: 1, buses: 0, motorcycles: 2, bicycles: 2, parked: 2, pedestrians: 14, radius_m: 60,
           warm_up_ticks: 10}}
camera: {{width: 64, height: 32}}
capture: {{every_ticks: 4}}
"""

PLAYER = """
import hashlib, json, sys
import carla
from carla_plugin.capture import Identity, capture_moment
from carla_plugin.layouts_file import load_source
from carla_plugin.replay import plan_episode, staged
from carla_plugin.world.connection import World
from carla_plugin.world.streets import Streets

port, reference, order, reload = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4] == "reload"
source = load_source(reference)
scenario, found = source.scenario, {}
if reload:
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(120.0)
    client.reload_world()
with World.connect("127.0.0.1", port, scenario.town, scenario.step_s) as world:
    streets = Streets.read(world)
    episodes = list(dict.fromkeys(scenario.place_of(index)[0] for index in order))
    for episode in episodes:
        plan = source.planned.read(episode) if source.planned else None
        plan = plan or plan_episode(world, streets, scenario, source.seed, episode)
        with staged(world, plan, scenario) as stage:
            for index in order:
                of, moment, _ = scenario.place_of(index)
                if of == episode:
                    stage.place(plan.moments[moment])
                    identity = Identity(scenario.name, source.seed, episode, index, world.town)
                    bundle, = capture_moment(stage, scenario, scenario.weathers(source.seed, episode), identity, {})
                    pixels = hashlib.sha256(bundle.images.tobytes()).hexdigest()
                    state = bundle.header.meta["certificate"]["state_sha256"]
                    found[index] = [bundle.header.mask_sha256, pixels, state]
print(json.dumps(sorted(found.items())))
"""


def played(port: int, reference, order: Sequence[int], reload: str = "") -> list:
    """Return index and hashes of mask, images and state of bundles, made in a process of their own, by index."""
    command = [sys.executable, "-c", PLAYER, str(port), str(reference), json.dumps(list(order)), reload]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory, scale):
    episodes, bundles = (20, 10) if scale == "soak" else (2, 5)
    file = tmp_path_factory.mktemp("scenario") / "walk.yaml"
    file.write_text(TEXT.format(episodes=episodes, bundles=bundles))
    return file, episodes * bundles


@pytest.fixture(scope="module")
def fresh(scenario, two_simulators):
    """Return what two fresh processes make of the scenario on two servers, one of which draws with two threads."""
    file, count = scenario
    with ThreadPoolExecutor(2) as together:
        return list(together.map(lambda one: played(one.port, file, range(count)), two_simulators))


def test_two_fresh_processes_make_the_same_bundles(scenario, fresh):
    assert fresh[0] == fresh[1]
    masks = {mask for _, (mask, _, _) in fresh[0]}
    assert len(masks) == scenario[1]  # the moments differ: there is something to tell apart


def test_a_layouts_file_gives_the_same_anywhere_in_any_order(scenario, fresh, two_simulators, tmp_path, capsys):
    file, count = scenario
    layouts = tmp_path / "walk.layouts"
    first, second = two_simulators
    assert main(["plan", str(file), "-o", str(layouts), "--server", first.address]) == 0
    assert f"{layouts}: " in capsys.readouterr().err
    plan = open_layouts(layouts)
    assert any(pose >= 0 for moment in plan.read(0).moments for pose in moment.poses)  # people stride in it
    shuffled = random.Random(3).sample(range(count), count)
    with ThreadPoolExecutor(2) as together:
        forward = together.submit(played, first.port, layouts, range(count))
        anyhow = together.submit(played, second.port, layouts, shuffled, "reload")
        assert forward.result() == anyhow.result() == fresh[0]


def test_parts_of_a_layouts_file_are_those_of_the_whole(scenario, fresh, two_simulators, tmp_path):
    file, count = scenario
    layouts = tmp_path / "walk.layouts"
    assert main(["plan", str(file), "-o", str(layouts), "--server", two_simulators[1].address]) == 0
    share = list(range(count))[1::3]
    assert played(two_simulators[1].port, layouts, share) == [row for row in fresh[0] if row[0] in share]


def test_a_plan_for_another_map_is_refused_in_words(two_simulators, scenario, tmp_path, capsys):
    address = two_simulators[0].address
    assert main(["plan", str(scenario[0]), "-o", str(tmp_path / "x"), "--server", address, "--town", "Grid_no"]) == 2
    assert "town Grid_no: expected a map of the simulator" in capsys.readouterr().err
    assert main(["plan", str(scenario[0]), "-o", str(tmp_path / "x"), "--server", "127.0.0.1:1"]) == 3
    assert "no simulator at 127.0.0.1:1" in capsys.readouterr().err
    assert main(["plan", str(scenario[0]), "-o", str(tmp_path / "x"), "--episodes", "0"]) == 2
    assert "expected int >= 1" in capsys.readouterr().err.lower()
    assert not list(tmp_path.iterdir())
