"""The simulator on its own: seeing against Embree, what serving adds to drawing, bare ticks, starts and memory."""

from __future__ import annotations

import math
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import carla
import numpy as np
import psutil
from embreex import mesh_construction, rtcore_scene
from goals import Goal
from supply import PLUGIN, cpu_s

from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.render import Camera, Renderer
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.town import Town, build_town
from carla_plugin.simulator.world import CLEAR_NOON
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Location, Transform

TOWN = "Grid_07"
OTHER_TOWNS = ("Grid_30", "Grid_12")
SIZE = (1024, 512)
FOV_DEG = 90.0
STEP_S = 0.05
START_S = 600.0


class Served:
    """A simulator in a process of its own, started now.

    Attributes:
        start_s: seconds until clients were served.
        progress: lines it said meanwhile.
    """

    def __init__(self, town: str, folder: str | None = None) -> None:
        """Start it; with a folder, its kernels are kept there."""
        environment = dict(os.environ) | ({"NUMBA_CACHE_DIR": folder} if folder else {})
        began = time.monotonic()
        self._process = subprocess.Popen(
            [*PLUGIN, "simulate", "--port", "0", "--town", town, "--stay-with-stdin"], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.progress: list[str] = []
        threading.Thread(target=lambda: self.progress.extend(self._process.stderr), daemon=True).start()
        self.port = int(self._process.stdout.readline().strip().rpartition(":")[2])
        self.start_s = time.monotonic() - began
        self.process = psutil.Process(self._process.pid)

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def world(self) -> tuple[carla.Client, carla.World]:
        """Return a client and the world, which ticks by hand from now on."""
        client = carla.Client("127.0.0.1", self.port)
        client.set_timeout(120)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
        world.apply_settings(settings)
        return client, world


def views(town: Town, count: int) -> list[Camera]:
    """Return cameras as a car's, at spawn points spread over the town."""
    chosen = np.linspace(0, len(town.spawn_points) - 1, count).astype(int)
    return [
        Camera(Transform(Location(x, y, z + 2.0), turn), *SIZE, FOV_DEG)
        for (x, y, z), turn in (town.spawn_points[number] for number in chosen)
    ]


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds this process uses for some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def seeing(count: int = 16, rounds: int = 3) -> dict[str, float]:
    """Measure Embree's primary rays and our visibility, view by view in turn; a static town, one thread."""
    town = build_town(TOWN)
    renderer = Renderer(town.scene, town.lamps, threads=1)
    scene = rtcore_scene.EmbreeScene()
    mesh_construction.TriangleMesh(scene, town.scene.vertices[town.scene.triangles].astype(np.float32))
    signals = [0] * len(town.signals)
    focal = SIZE[0] / 2.0 / math.tan(math.radians(FOV_DEG) / 2.0)
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]] + 0.5
    local = np.stack(
        [np.ones(rows.size), (columns.ravel() - SIZE[0] / 2) / focal, (SIZE[1] / 2 - rows.ravel()) / focal], axis=1
    )
    cameras = views(town, count)
    renderer.frame(cameras[0], (), signals)  # kernels are read from disk in the first one
    embree, ours = [], []
    for camera in cameras:
        turn = np.asarray(axes(camera.transform.rotation), dtype=np.float64)
        rays = (local @ turn).astype(np.float32)
        origins = np.tile(np.array(camera.transform.location, np.float32), (len(rays), 1))
        embree.append(min(seconds(lambda o=origins, r=rays: scene.run(o, r, query="INTERSECT")) for _ in range(rounds)))
        ours.append(min(seconds(lambda c=camera: renderer.frame(c, (), signals)) for _ in range(rounds)))
    return {
        "embree_ms": 1000 * statistics.mean(embree),
        "visibility_ms": 1000 * statistics.mean(ours),
        "visibility_to_embree": sum(ours) / sum(embree),
    }


def serving(count: int = 30, rounds: int = 2) -> dict[str, float]:
    """Measure the CPU of a tick with an RGB camera through the server, and of drawing the same here without one."""
    town = build_town(TOWN)
    renderer = Renderer(town.scene, town.lamps, threads=1)
    renderer.warm_up(lambda _: None)
    cameras = views(town, count)
    served, drawn = [], []
    with Served(TOWN) as server:
        _, world = server.world()
        entry = world.get_blueprint_library().find("sensor.camera.rgb")
        entry.set_attribute("image_size_x", str(SIZE[0]))
        entry.set_attribute("image_size_y", str(SIZE[1]))
        images: queue.Queue[carla.Image] = queue.Queue()
        eye = world.spawn_actor(entry, carla.Transform())
        eye.listen(images.put)
        world.tick()
        images.get(timeout=60)
        for number in range(rounds):
            sky = CLEAR_NOON._replace(cloudiness=5.0 + number)  # so that no picture is one of the last round's
            world.set_weather(carla.WeatherParameters(*sky))
            used = cpu_s(server.process)
            for camera in cameras:
                (x, y, z), turn = camera.transform
                eye.set_transform(carla.Transform(carla.Location(x, y, z), carla.Rotation(*turn)))
                world.tick()
                images.get(timeout=60)
            served.append(1000 * (cpu_s(server.process) - used) / count)
            cell = Cameras(renderer)
            still = Still((), (0,) * len(town.signals), sky)
            spent = seconds(lambda c=cell, s=still: [c.pixels(SensorType.RGB, each, s) for each in cameras])
            drawn.append(1000 * spent / count)
        eye.stop()
        eye.destroy()
        used = cpu_s(server.process)
        for _ in range(300):
            world.tick()
        bare = 1000 * (cpu_s(server.process) - used) / 300
    return {
        "served_ms": statistics.mean(served),
        "drawn_ms": statistics.mean(drawn),
        "overhead": sum(served) / sum(drawn) - 1.0,
        "bare_tick_ms": bare,
    }


def ticking(cars: int = 50, ticks: int = 300) -> dict[str, float]:
    """Measure ticks a second without cameras, a client's way there and back included; then new towns, and memory."""
    with Served(TOWN) as server:
        client, world = server.world()
        found = {}
        for count in (0, cars):
            entries = sorted(world.get_blueprint_library().filter("vehicle.*"), key=lambda entry: entry.id)
            points = world.get_map().get_spawn_points()[:count]
            for number, point in enumerate(points):
                car = world.spawn_actor(entries[number % len(entries)], point)
                car.apply_control(carla.VehicleControl(throttle=0.4))
            world.tick()
            began = time.monotonic()
            for _ in range(ticks):
                world.tick()
            found[f"ticks_per_s_{count}_cars"] = ticks / (time.monotonic() - began)
        towns = []
        for name in OTHER_TOWNS:
            began = time.monotonic()
            client.load_world(name)
            towns.append(time.monotonic() - began)
        found["town_s"] = statistics.mean(towns)
        found["memory_mb"] = server.process.memory_info().rss / 1e6
    return found


def starting() -> dict[str, float]:
    """Measure a first start, whose kernels are compiled, and two later ones."""
    with tempfile.TemporaryDirectory() as folder:
        starts = []
        for _ in range(3):
            with Served(TOWN, folder) as server:
                starts.append((server.start_s, len(server.progress)))
    return {"first_start_s": starts[0][0], "first_start_words": starts[0][1], "later_start_s": min(starts[1:])[0]}


def measured() -> tuple[dict[str, dict[str, float]], list[Goal]]:
    """Return all of it, and say it as it comes."""
    found = {}
    for work in (seeing, serving, ticking, starting):
        print(f"{work.__name__} ...", file=sys.stderr)
        found[work.__name__] = work()
    see, serve, tick, start = found["seeing"], found["serving"], found["ticking"], found["starting"]
    sight, serves, town, memory, first, later = goals = [
        Goal("world: visibility, of Embree's primary rays", see["visibility_to_embree"], 0.5),
        Goal("world: serving adds to drawing", serve["overhead"], 0.1, form="+.1%"),
        Goal("world: another town, s", tick["town_s"], 3.0, form=".1f"),
        Goal("world: memory, MB", tick["memory_mb"], 1500, form=".0f"),
        Goal("world: first start, s", start["first_start_s"], 120, form=".0f"),
        Goal("world: later start, s", start["later_start_s"], 4.0, form=".1f"),
    ]
    print(f"\n{SIZE[0]}x{SIZE[1]}, one thread: Embree's primary rays = 1 ({see['embree_ms']:.0f} ms)")
    print(f"  visibility             {sight.shown}  ({sight.words})")
    print(f"CPU of a tick with an RGB camera: drawing = 1 ({serve['drawn_ms']:.0f} ms)")
    print(f"  serving adds           {serves.shown}  ({serves.words}); a bare tick {serve['bare_tick_ms']:.2f} ms")
    rates = ", ".join(f"{value:.0f}/s with {key.split('_')[3]} cars" for key, value in tick.items() if "ticks" in key)
    print(f"ticks without cameras: {rates}")
    print(f"another town {town.shown} s  ({town.words}), memory then {memory.shown} MB  ({memory.words})")
    print(f"first start {first.shown} s  ({first.words}) in {start['first_start_words']:.0f} lines")
    print(f"later start {later.shown} s  ({later.words})")
    return found, goals
