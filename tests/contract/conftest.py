"""A world through the unmodified wheel, in synchronous mode and empty, put back afterwards; and the count of sources.

Each contract test says where its expectation comes from; the run ends with their count. With `--carla HOST:PORT` the
same tests speak to that server, but for those of what only the embedded simulator does.
"""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import carla
import msgpack
import numpy as np
import pytest

WAIT_S = 20.0
# Lamps that follow the sun go on and off with the weather, and the wheel asks for them in a thread of its own: a client
# that is dropped just then ends the whole process ("trying to operate on a destroyed actor").
LAMPS_ARE_TOLD_TICKS = 24


def source_of(item: pytest.Item) -> str:
    """Return where a test's expectation comes from.

    Raises:
        pytest.UsageError: the test does not say.
    """
    mark = item.get_closest_marker("source")
    if mark is None or len(mark.args) != 1 or not isinstance(mark.args[0], str):
        raise pytest.UsageError(f"{item.nodeid}: expected @pytest.mark.source('...'), 'ours' if from nobody else")
    return str(mark.args[0])


def kind_of(source: str) -> str:
    """Return what is counted: the words before a colon, or before a number."""
    return source.partition(":")[0] if ":" in source else " ".join(w for w in source.split() if not w[0].isdigit())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the source of each contract test; leave out what only the embedded simulator does where another is asked."""
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        item.user_properties.append(("source", kind_of(source_of(item))))
        if config.getoption("--carla") and item.get_closest_marker("embedded"):
            item.add_marker(pytest.mark.skip(reason="of what only the embedded simulator does"))


class Eye:
    """A camera that keeps its images, to be met by frame number."""

    def __init__(self, actor: carla.Actor) -> None:
        self.actor = actor
        self._images: queue.Queue[carla.Image] = queue.Queue()
        actor.listen(self._images.put)

    def at(self, frame: int) -> np.ndarray:
        """Return `(H, W, 4)` BGRA of one frame; those before it are dropped."""
        while True:
            image = self._images.get(timeout=WAIT_S)
            assert image.frame <= frame, f"expected frame {frame}, got {image.frame} already"
            if image.frame == frame:
                return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4).copy()


class Ear:
    """A sensor of any kind that keeps its messages, to be met by frame number."""

    def __init__(self, actor: carla.Actor) -> None:
        self.actor = actor
        self.messages: queue.Queue[carla.SensorData] = queue.Queue()
        actor.listen(self.messages.put)

    def at(self, frame: int) -> carla.SensorData:
        """Return the message of one frame; those before it are dropped."""
        while True:
            message = self.messages.get(timeout=WAIT_S)
            assert message.frame <= frame, f"expected frame {frame}, got {message.frame} already"
            if message.frame == frame:
                return message


class Stage:
    """The wheel's client and world, and all that a test has spawned."""

    def __init__(self, client: carla.Client) -> None:
        self.client = client
        self.world = client.get_world()
        self.map = self.world.get_map()
        self.library = self.world.get_blueprint_library()
        self.actors: list[carla.Actor] = []

    def spawn(
        self, blueprint: str, place: carla.Transform, parent: carla.Actor | None = None, **attributes
    ) -> carla.Actor:
        entry = self.library.find(blueprint)
        for key, value in attributes.items():
            entry.set_attribute(key, str(value))
        self.actors.append(self.world.spawn_actor(entry, place, attach_to=parent))
        return self.actors[-1]

    def eye(
        self, kind: str, place: carla.Transform, parent: carla.Actor | None = None, size=(96, 64), fov=90.0, **more
    ) -> Eye:
        given = {"image_size_x": size[0], "image_size_y": size[1], "fov": fov, **more}
        return Eye(self.spawn(f"sensor.camera.{kind}", place, parent, **given))

    def ear(self, blueprint: str, place: carla.Transform, parent: carla.Actor | None = None, **attributes) -> Ear:
        return Ear(self.spawn(blueprint, place, parent, **attributes))

    def car(self, number: int = 0, blueprint: str = "vehicle.tesla.model3") -> carla.Actor:
        car = self.spawn(blueprint, self.map.get_spawn_points()[number])
        self.world.tick()
        return car

    def tick_until(self, true: Callable[[], bool]) -> bool:
        """Tick until something holds that the wheel brings about on threads of its own; False: not by the deadline."""
        deadline = time.monotonic() + WAIT_S
        while not true():
            if time.monotonic() > deadline:
                return False
            self.world.tick()
        return True

    def clear(self) -> None:
        for actor in reversed(self.actors):
            if actor.is_alive:
                if actor.type_id.startswith("sensor."):
                    actor.stop()
                actor.destroy()
        self.actors.clear()


@pytest.fixture
def stage(simulator) -> Iterator[Stage]:
    client = carla.Client(simulator.host, simulator.port)
    client.set_timeout(WAIT_S)
    stage = Stage(client)
    found, settings = stage.world.get_settings(), stage.world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    stage.world.apply_settings(settings)
    weather = stage.world.get_weather()
    yield stage
    stage.clear()
    if stage.world.get_weather() != weather:
        stage.world.set_weather(weather)
        for _ in range(LAMPS_ARE_TOLD_TICKS):
            stage.world.tick()
    stage.world.apply_settings(found)


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """Return a function that gives ports for traffic managers, which belong to the client.

    They lie below those that systems hand out to whoever connects, so that nobody takes them meanwhile.
    """

    def port() -> int:
        while True:
            found = random.SystemRandom().randrange(20_000, 32_000)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("", found))
                return found

    return port


@pytest.fixture
def free_port(free_ports) -> int:
    """Return a port for a traffic manager."""
    return free_ports()


@pytest.fixture
def ask(simulator) -> Callable[..., tuple[Any, Any]]:
    """Return a function that calls a method without the wheel and returns `(error, result)`."""

    def call(method: str, *arguments: Any) -> tuple[Any, Any]:
        with socket.create_connection((simulator.host, simulator.port), timeout=20) as peer:
            peer.sendall(msgpack.packb([0, 5, method, [[False], *arguments]]))
            unpacker = msgpack.Unpacker()
            while data := peer.recv(1 << 16):
                unpacker.feed(data)
                for kind, number, error, result in unpacker:
                    assert (kind, number) == (1, 5)
                    return error, result
        raise AssertionError(f"{method}: the server closed the connection")

    return call
