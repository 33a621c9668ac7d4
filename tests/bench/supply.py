"""Bundles a second out of the simulator alone, through the plugin, and into the trainer; and what they cost."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import carla
import psutil

from carla_plugin.appearance import weather_of
from carla_plugin.scenario import load_scenario
from harness import BundleStream

PLUGIN = (sys.executable, "-m", "carla_plugin.cli")
HARNESS = (sys.executable, "-m", "harness.cli")


@contextmanager
def simulator(town: str) -> Iterator[tuple[psutil.Process, int]]:
    """Start a simulator on a free port; yield its process and port."""
    command = [*PLUGIN, "simulate", "--port", "0", "--town", town, "--stay-with-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield psutil.Process(process.pid), int(process.stdout.readline().strip().rpartition(":")[2])
    finally:
        process.kill()
        process.wait()


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU seconds a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def alone(scenario_name: str, server: psutil.Process, port: int, bundles: int) -> dict[str, float]:
    """Photograph views of an empty town with nothing but the wheel: two ticks an appearance, as the plugin makes."""
    scenario = load_scenario(scenario_name)
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(60)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    library, images = world.get_blueprint_library(), {}
    cameras = []
    for kind in ("rgb", "semantic_segmentation"):
        entry = library.find(f"sensor.camera.{kind}")
        entry.set_attribute("image_size_x", str(scenario.camera.width))
        entry.set_attribute("image_size_y", str(scenario.camera.height))
        camera = world.spawn_actor(entry, carla.Transform())
        images[kind] = queue.Queue()
        camera.listen(images[kind].put)
        cameras.append(camera)
    points = world.get_map().get_spawn_points()
    world.tick()
    for kind in images:
        images[kind].get(timeout=60)
    began, used, mine = time.monotonic(), cpu_s(server), cpu_s(psutil.Process())
    for number in range(bundles):
        for camera in cameras:
            camera.set_transform(points[number])
        for name in scenario.appearances:
            world.set_weather(carla.WeatherParameters(*weather_of(name)))
            for _ in range(scenario.settle.floor_ticks):
                world.tick()
                for kind in images:
                    images[kind].get(timeout=60)
    seconds = time.monotonic() - began
    found = {
        "bundles_per_s": bundles / seconds,
        "simulator": 1000 * (cpu_s(server) - used) / bundles,
        "wheel": 1000 * (cpu_s(psutil.Process()) - mine) / bundles,
    }
    for camera in cameras:
        camera.stop()
        camera.destroy()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings)
    return found


def through_plugin(scenario_name: str, server: psutil.Process, port: int, bundles: int) -> dict[str, float]:
    """Stream a scenario into a receiver that drops every bundle; the first is not timed."""
    with BundleStream("tcp://127.0.0.1:*") as stream:
        command = [*PLUGIN, "stream", scenario_name, "--server", f"127.0.0.1:{port}", "--to", stream.endpoint]
        command += ["--bundles", str(bundles + 8), "--stay-with-stdin"]
        plugin = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            process = psutil.Process(plugin.pid)
            iterator = iter(stream)
            next(iterator)
            began, used = time.monotonic(), [cpu_s(each) for each in (server, process, psutil.Process())]
            for _ in range(bundles):
                next(iterator)
            seconds = time.monotonic() - began
            now = [cpu_s(each) for each in (server, process, psutil.Process())]
        finally:
            plugin.kill()
            plugin.wait()
    spent = [1000 * (after - before) / bundles for after, before in zip(now, used, strict=True)]
    return {"bundles_per_s": bundles / seconds} | dict(zip(("simulator", "plugin", "receiver"), spent, strict=True))


def into_trainer(iterations: int) -> dict[str, float]:
    """Run the demo for some iterations and read its report."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*HARNESS, "demo", "--out", folder, "--iters", str(iterations)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        report = json.loads((Path(folder) / "report.json").read_text())
    return {key: float(report[key]) for key in ("bundles_per_s", "wait_share", "rss_mb_max")}


def measured(scenario: str = "town", bundles: int = 20, rounds: int = 2, iterations: int = 60) -> dict[str, Any]:
    """Measure the three rates in turn, round by round, and say them."""
    town = load_scenario(scenario).town
    each = []
    for turn in range(rounds):
        print(f"supply: round {turn + 1}/{rounds}", file=sys.stderr)
        with simulator(town) as (server, port):
            first = alone(scenario, server, port, bundles)
            second = through_plugin(scenario, server, port, bundles)
        each.append({"alone": first, "plugin": second})
    trainer = into_trainer(iterations)
    base = median(one["alone"]["bundles_per_s"] for one in each)
    through = [one["plugin"]["bundles_per_s"] / one["alone"]["bundles_per_s"] for one in each]
    print(f"\nbundles/s, {scenario}: simulator alone = 1 ({base:.2f}/s, empty street)")
    print(f"  through the plugin     {median(through):.2f} [{min(through):.2f}, {max(through):.2f}]")
    print(f"  into the trainer       {trainer['bundles_per_s'] / base:.2f} (training on the same cores)")
    print(
        f"    waiting {trainer['wait_share']:.1%} of the time, memory {trainer['rss_mb_max']:.0f} MB at most, all three"
    )
    print("CPU-ms per bundle:")
    for one in each:
        first, second = one["alone"], one["plugin"]
        print(f"  alone: simulator {first['simulator']:.0f}, wheel {first['wheel']:.0f}")
        print(
            f"  plugin: simulator {second['simulator']:.0f}, plugin {second['plugin']:.0f}, "
            f"receiver {second['receiver']:.0f} (traffic planning included)"
        )
    return {"rounds": each, "trainer": trainer}
