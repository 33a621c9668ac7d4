"""CARLA's own town names, which programs load without asking whether they are there."""

from __future__ import annotations

import subprocess
import sys

import carla
import pytest

from carla_plugin.simulator.town import ALIASES, build_town

WAIT_S = 60.0


@pytest.fixture(scope="module")
def client(simulator) -> carla.Client:
    client = carla.Client(simulator.host, simulator.port)
    client.set_timeout(WAIT_S)
    yield client
    client.load_world("Grid_07")


@pytest.mark.source("CARLA docs: core_map, CARLA maps")
def test_the_towns_programs_name_are_listed(client):
    listed = {name.rpartition("/")[2] for name in client.get_available_maps()}
    assert {"Town01", "Town02", "Town03", "Town04", "Town05", "Town10HD", "Town10HD_Opt"} <= listed


@pytest.mark.source("CARLA docs: python_api#carla.Client.load_world")
@pytest.mark.parametrize("name", ["Town03", "Town02_Opt"])
def test_a_town_of_carlas_can_be_loaded_and_keeps_its_name(client, name):
    world = client.load_world(name)
    assert world.get_map().name == f"Carla/Maps/{name}"
    again = client.load_world(f"/Game/Carla/Maps/{name}", False)
    assert again.get_map().name.endswith(name)
    assert len(world.get_map().get_topology()) > 50


@pytest.mark.source("carla_wire 5: Map 'X' not found")
def test_another_name_is_refused(client):
    with pytest.raises(RuntimeError, match="Map 'Town99' not found"):
        client.load_world("Town99")


@pytest.mark.source("ours")
def test_large_towns_have_room_for_many(scale):
    names = ("Town03",) if scale == "test" else ("Town03", "Town04", "Town05", "Town06", "Town10HD", "Town12", "Town13")
    assert min(len(build_town(name).spawn_points) for name in names) >= 260


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_aliases_can_be_switched_off():
    command = [sys.executable, "-m", "carla_plugin.cli", "simulate", "--port", "0", "--town", "Town03"]
    ended = subprocess.run([*command, "--no-town-aliases"], capture_output=True, text=True, timeout=WAIT_S)
    assert ended.returncode == 2
    assert "Town03" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Town03" in ALIASES
