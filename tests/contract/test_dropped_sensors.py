"""Sensors dropped while they listen, in clients of their own: the wheel dies of it if a stream has two lives."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLIENT = """
import queue, sys
import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
for _ in range(int(sys.argv[3])):
    sensors = []
    for kind in ("rgb", "depth", "semantic_segmentation"):
        blueprint = world.get_blueprint_library().find("sensor.camera." + kind)
        blueprint.set_attribute("image_size_x", "16")
        blueprint.set_attribute("image_size_y", "16")
        camera = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
        images = queue.Queue()
        camera.listen(images.put)
        sensors.append((camera, images))
    frame = world.tick()
    assert [images.get(timeout=20.0).frame for _, images in sensors] == [frame] * 3
    if sys.argv[2] == "reload":
        world = client.reload_world(False)
    else:
        for camera, _ in sensors:
            camera.destroy()
settings.synchronous_mode, settings.fixed_delta_seconds = False, None
world.apply_settings(settings)
print("end", flush=True)
"""


@pytest.mark.source("ours")
@pytest.mark.parametrize("how", ["reload", "destroy"])
def test_a_client_survives_sensors_that_end_while_they_listen(simulator, scale, how):
    rounds = "3" if scale == "test" else "50"
    command = [sys.executable, "-c", CLIENT, str(simulator.port), how, rounds]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert ended.stdout.split() == ["end"], ended.stderr
    assert ended.returncode == 0, ended.stderr


@pytest.mark.source("CARLA source: ActorRegistry, one counter for all episodes")
def test_ids_are_never_met_again_after_a_reload(stage):
    first = {actor.id for actor in stage.world.get_actors()}
    stage.world = stage.client.reload_world(False)
    stage.world.tick()
    assert first.isdisjoint(actor.id for actor in stage.world.get_actors())
