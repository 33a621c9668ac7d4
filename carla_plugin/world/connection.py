"""Connection to a CARLA server: found, checked, put into synchronous mode, and left as it was found."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import carla
import msgspec
import numpy as np

from carla_plugin.world import convert
from carla_plugin.world.found import Found, leftovers
from carla_plugin.world.lifeline import listens
from protocols.carla_rpc.types import WeatherParameters
from protocols.errors import InputError, PeerError

SERVER_VERSION = "0.9.16"
CALL_TIMEOUT_S = 20.0
LOAD_TIMEOUT_S = 180.0
TICK_LIMIT_S = 15.0
"""A tick that takes longer hangs; less than the time-out of calls, which makes the traffic manager's thread abort."""
CONFIRM_TRIES = 200


class ServerError(PeerError):
    """The simulator is missing, gone, of another version, or did not do what it was asked."""


class SilentServerError(ServerError):
    """The simulator did not answer in time; nothing more is asked of it, not even to be put back."""


class World:
    """Hold a server in synchronous mode; made by `World.connect`.

    Attributes:
        client: the wheel's client.
        world: the wheel's world.
        town: bare name of the loaded map.
        role: role name of all actors that we spawn, so that they can be told from others'.
        ticks: ticks made so far.
        met: actors asked for so far; the wheel remembers each for as long as the process lives.
        manager: the wheel's traffic manager and its port, None before the first episode.
        closing: what is to be done before the world is put back, if the server is still there then.
        before_tick: called before each tick; what it raises ends the work, at a moment when nothing is half done.
    """

    def __init__(self, client: carla.Client, world: carla.World, address: str, role: str) -> None:
        """Wrap an open connection; use `World.connect` instead."""
        self.role = role
        self.client = client
        self.world = world
        self.address = address
        self.map: carla.Map = world.get_map()
        self.town: str = str(self.map.name).rpartition("/")[2]
        self.ticks = 0
        self.met = 0
        self.manager: tuple[Any, int] | None = None
        self.closing = contextlib.ExitStack()
        self.before_tick: Callable[[], None] = lambda: None
        self._tick_began: float | None = None
        self._lost = False

    @classmethod
    @contextmanager
    def connect(cls, host: str, port: int, town: str, step_s: float) -> Iterator[World]:
        """Connect, load the town where it is not loaded, tick by hand; on leaving put all back as it was found.

        What an earlier plugin that was killed left behind is put back first. A map that was loaded stays loaded.

        Args:
            host: name or address of the server.
            port: its RPC port; streams use the next ones.
            town: name of a map, with or without its path.
            step_s: simulated seconds of a tick.

        Raises:
            ServerError: nothing listens there, another version answers, another plugin is at work, or the server fell
                silent.
            InputError: the server has no such map.
        """
        address = f"{host}:{port}"
        client = client_of(host, port)
        with asking(address, "opening the world"):
            world = client.get_world()
            tidied = tidy(client, world, address)
            found = tidied[-1][0].ours() if tidied else Found.of(world)
        opened: World | None = None
        try:
            with asking(address, "opening the world"):
                found.leave_marker(world)
                there = _loaded(client, world, town, address)
                if there is not world:  # the marker went with the other map, and its traffic lights
                    found = msgspec.structs.replace(found, signals={}, frozen=False)
                    found.leave_marker(there)
                opened = cls(client, there, address, found.role)
            with opened.asking("setting synchronous mode"):
                ours = opened.world.get_settings()
                ours.synchronous_mode = True
                ours.fixed_delta_seconds = step_s
                ours.no_rendering_mode = False
                opened.world.apply_settings(ours)
            with opened.asking("talking to it"):  # for what no narrower word stands by
                yield opened
        finally:
            # a fault of these last steps must not hide the one that ended the run
            if opened is not None and opened.alive():
                with contextlib.suppress(RuntimeError, ServerError):
                    opened.closing.close()
            if opened is None or opened.alive():
                with contextlib.suppress(RuntimeError):
                    found.put_back(client)

    def tick(self) -> int:
        """Advance the world by one step and return its frame number.

        Raises:
            ServerError: the server did not answer in time.
        """
        self.before_tick()
        with self.asking("waiting for a tick"):
            self.ticks += 1
            self._tick_began = time.monotonic()
            frame = int(self.world.tick())
            self._tick_began = None
            return frame

    def hangs(self) -> bool:
        """Return whether a tick has been waited for too long; to be asked from another thread."""
        began = self._tick_began
        return began is not None and time.monotonic() - began > TICK_LIMIT_S

    def set_weather(self, weather: WeatherParameters) -> None:
        """Set the weather, and return when the server says that it has it.

        Raises:
            ServerError: the server keeps another weather.
        """
        with self.asking("setting the weather"):
            self.world.set_weather(carla.WeatherParameters(*weather))
            wanted = np.asarray(weather, dtype=np.float32)
            for _ in range(CONFIRM_TRIES):
                if np.array_equal(convert.weather_numbers(self.world.get_weather()), wanted):
                    return
        raise ServerError(f"simulator at {self.address}: expected weather {tuple(weather)}, it kept another")

    def apply(self, commands: list[Any], what: str) -> list[Any]:
        """Send commands in one message and return the server's responses.

        Args:
            commands: the wheel's commands.
            what: what is being done, for messages.

        Raises:
            ServerError: the server did not answer in time.
        """
        if not commands:
            return []
        with self.asking(what):
            return list(self.client.apply_batch_sync(commands, False))

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turn the wheel's RuntimeError into a ServerError of one line, and remember a server that fell silent.

        Args:
            what: what is being done, as a participle.
        """
        try:
            with asking(self.address, what):
                yield
        except SilentServerError:
            self._lost = True
            raise

    def alive(self) -> bool:
        """Return whether it makes sense to ask more of the server: it listens, and has not failed us yet."""
        host, _, port = self.address.rpartition(":")
        return not self._lost and listens(host, int(port))


@contextmanager
def asking(address: str, what: str) -> Iterator[None]:
    """Turn the wheel's RuntimeError into a ServerError of one line.

    Args:
        address: of the server.
        what: what is being done, as a participle.
    """
    try:
        yield
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if "time-out" in text:
            raise SilentServerError(
                f"simulator at {address}: failed while {what}: it no longer answers; is it still running?"
            ) from None
        raise ServerError(f"simulator at {address}: failed while {what}: {text}"[:400]) from None


def client_of(host: str, port: int) -> carla.Client:
    """Return a client of a server of the one version that we speak.

    Raises:
        ServerError: nothing listens there, another version answers, or the server fell silent.
    """
    address = f"{host}:{port}"
    if not listens(host, port):
        raise ServerError(
            f"no simulator at {address}: expected a CARLA {SERVER_VERSION} server to listen there; start one "
            "(`carla-plugin simulate`, or CarlaUE4.sh)"
        )
    with asking(address, "asking for its version"):
        client = carla.Client(host, port)
        client.set_timeout(5.0)
        version = str(client.get_server_version())
        if version != SERVER_VERSION:
            raise ServerError(
                f"simulator at {address}: expected CARLA {SERVER_VERSION}, got {version}; "
                f"this plugin speaks {SERVER_VERSION} only"
            )
        client.set_timeout(CALL_TIMEOUT_S)
    return client


def tidy(client: carla.Client, world: carla.World, address: str) -> list[tuple[Found, int]]:
    """Put back what plugins that were killed left behind, the newest first.

    Args:
        client: of the server.
        world: its world.
        address: for messages.

    Returns:
        What they had found, and how many of their actors were removed.

    Raises:
        ServerError: one of them still runs on this machine.
    """
    left = leftovers(world)
    for each in left:
        if each.alive():
            raise ServerError(
                f"simulator at {address}: expected it for ourselves, another plugin (process {each.process}) is at "
                "work there; end that one, or use another server"
            )
    return [(each, each.put_back(client)) for each in reversed(left)]


def _loaded(client: carla.Client, world: carla.World, town: str, address: str) -> carla.World:
    """Return the world with the wanted town, loading it only when another is loaded."""
    wanted = town.rpartition("/")[2]
    with asking(address, "reading its map"):
        loaded = str(world.get_map().name).rpartition("/")[2]
        if loaded == wanted:
            return world
    client.set_timeout(LOAD_TIMEOUT_S)
    try:
        return client.load_world(wanted)
    except RuntimeError as error:
        if "not found" not in str(error):
            raise ServerError(f"simulator at {address}: failed while loading {wanted}: {error}"[:400]) from None
        known = sorted({str(name).rpartition("/")[2] for name in client.get_available_maps()})
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise InputError(f"town {town}: expected a map of the simulator at {address}, such as {shown}") from None
    finally:
        client.set_timeout(CALL_TIMEOUT_S)
