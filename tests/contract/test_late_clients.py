"""Clients that come late, come again or stay away, in a world that stands still between ticks."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys

import carla
import pytest

LATE = """
import os, sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
world = client.get_world()
settings = world.get_settings()
assert settings.synchronous_mode
while not world.get_snapshot().frame:
    pass  # nobody ticks meanwhile
before = world.get_snapshot().frame
world.apply_settings(settings)
print(before, world.get_snapshot().frame, world.tick(), flush=True)
os._exit(0)  # as a killed client leaves: nothing is put back
"""

MANAGER = """
import os, sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
client.get_world()
client.get_trafficmanager(int(sys.argv[2])).set_synchronous_mode(True)
os._exit(0)
"""


def run(program: str, *arguments: int) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_a_late_client_of_a_synchronous_world_sees_its_state_without_a_tick(stage, simulator):
    frame = stage.world.tick()
    for _ in range(3):
        # apply_settings itself makes the wheel cue one tick when the world is synchronous
        assert [int(word) for word in run(LATE, simulator.port).split()] == [frame, frame + 1, frame + 2]
        frame += 2
    assert stage.world.tick() == frame + 1


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_a_traffic_manager_dies_with_its_client(stage, simulator, free_port):
    run(MANAGER, simulator.port, free_port)
    manager = stage.client.get_trafficmanager(free_port)  # would be told to ask the dead one
    assert manager.get_port() == free_port
    manager.set_synchronous_mode(True)
    manager.set_synchronous_mode(False)
    manager.shut_down()


@pytest.mark.source("CARLA docs: python_api#carla.Client.reload_world")
def test_a_world_loaded_while_synchronous_stays_so_and_can_be_photographed(stage):
    for _ in range(3):
        world = stage.client.reload_world(reset_settings=False)
        assert world.get_settings().synchronous_mode
        stage.world = world
        stage.actors.clear()
        eye = stage.eye("semantic_segmentation", carla.Transform(carla.Location(z=2.0)), size=(16, 16))
        frame = world.tick()
        assert eye.at(frame).shape == (16, 16, 4)
        assert world.tick() == frame + 1
        eye.actor.stop()


@pytest.mark.source("CARLA docs: adv_synchrony_timestep")
def test_an_asynchronous_world_goes_on_while_somebody_reads_nothing(stage, simulator, ask):
    camera = stage.spawn(
        "sensor.camera.rgb", carla.Transform(carla.Location(z=2.0)), image_size_x=512, image_size_y=256
    )
    settings = stage.world.get_settings()
    settings.synchronous_mode = False
    _, result = ask("get_actors_by_id", [camera.id])
    token = result[0][1][0][5]
    place = ("127.0.0.1", struct.unpack_from("<IH", token)[1])
    with socket.create_connection(place) as image, socket.create_connection(place) as state:
        image.sendall(token[:4])
        state.sendall(struct.pack("<I", 1))
        stage.world.apply_settings(settings)
        first = stage.world.wait_for_tick(20.0).frame
        for _ in range(40):
            last = stage.world.wait_for_tick(20.0).frame
        assert last - first >= 40
