"""A studio and its photographers: one lost before its first word, and one that is relieved by another."""

import dataclasses
from types import SimpleNamespace

import carla
import msgspec
import pytest

from carla_plugin.crew import Crew, Job
from carla_plugin.desk import Desk
from carla_plugin.layouts_file import load_source
from carla_plugin.scenario import load_scenario
from carla_plugin.studio import LostError, Place, Studio
from carla_plugin.world.found import leftovers
from protocols.errors import InputError


class Killed(Crew):
    """A photographer that is killed before anybody heard it."""

    def hear(self, wait_s=0.0):
        self.kill()


@pytest.fixture
def studio(simulator, tiny, said, tmp_path):
    """Return a function that makes a studio with little around it: its photographers, and a town."""

    def make(hire, town="Grid_07"):
        file = tmp_path / "there.yaml"
        with open(tiny) as text:
            file.write_text(text.read().replace("Grid_07", town))
        job = Job(host="127.0.0.1", port=simulator.port, scenario=load_scenario(str(file)), seed=5)
        reporter = SimpleNamespace(word=said.append, arrived=said.append, lost=lambda: None)
        return Studio(Place("127.0.0.1", simulator.port), job, SimpleNamespace(finished=False), reporter, hire=hire)

    return make


@pytest.fixture
def said():
    """Return the list of what the run was told."""
    return []


@pytest.fixture
def restored(monkeypatch):
    """Return the list of the commands that were to put a server back; all of them fail."""
    commands = []

    def run(command, **_):
        commands.append(command)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr("carla_plugin.studio.subprocess.run", run)
    return commands


def test_photographer_killed_before_its_first_word(simulator, studio, said, found):
    client = carla.Client("127.0.0.1", simulator.port)
    client.set_timeout(20.0)
    world = client.get_world()

    class KilledAtWork(Killed):
        """Killed as soon as the server has its marker."""

        def hear(self, wait_s=0.0):
            while not leftovers(world):
                assert self._process.poll() is None
            super().hear()

    before = found(simulator)
    with pytest.raises(LostError, match="its process ended with signal 9"):
        studio(KilledAtWork).work()
    assert found(simulator) == before
    assert said == []


def test_server_that_could_not_be_put_back_is_named(simulator, studio, restored, said):
    with pytest.raises(LostError):
        studio(Killed).work()
    assert [command[-2:] for command in restored] == [["restore", simulator.address]]
    assert said == [
        f"simulator at {simulator.address}: it may not be as it was; carla-plugin restore {simulator.address}"
    ]


def test_who_can_say_what_is_wrong_has_put_the_server_back(simulator, studio, restored, said, found):
    before = found(simulator)
    with pytest.raises(InputError, match="Nowhere"):
        studio(Crew, "Nowhere").work()
    assert restored == []
    assert said == []
    assert found(simulator) == before


def shown(simulator, source, **how):
    """Return the bundles of three episodes, and the photographers that made them."""
    bundles, hired, lost = [], [], []

    def hire(job):
        hired.append(Crew(job))
        return hired[-1]

    def made(some, ticks):
        bundles.extend(some)
        return True

    reporter = SimpleNamespace(word=print, arrived=lambda town: None, made=made, lost=lambda: lost.append(1))
    job = Job(host="127.0.0.1", port=simulator.port, scenario=source.scenario, seed=source.seed)
    Studio(Place("127.0.0.1", simulator.port), job, Desk(source, 9), reporter, hire, **how).work()
    assert lost == []
    return bundles, hired


def test_photographer_is_relieved_at_an_episodes_end(simulator, tiny, found):
    """The wheel keeps something of every actor; a photographer that has met many hands over, and nobody sees it."""
    before = found(simulator)
    source = load_source(tiny)
    source = dataclasses.replace(source, scenario=msgspec.structs.replace(source.scenario, episodes=3))
    bundles, one = shown(simulator, source)
    relieved, three = shown(simulator, source, shift_actors=1)
    assert (len(one), len(three)) == (1, 3)
    assert [bundle.header.index for bundle in relieved] == list(range(9))
    for bundle, other in zip(bundles, relieved, strict=True):
        assert bundle.header.mask_sha256 == other.header.mask_sha256
        assert (bundle.images == other.images).all()
    assert found(simulator) == before
