"""Wild calls: nothing crashes, hangs or grows. `--scale soak` has the full counts.

Three ways: calls spoilt at random through both ports of a server; the same in this process, where the lines they
reach are watched and calls that reach new ones are spoilt further (a small coverage-guided mutator of our own, over
lines, not libFuzzer); and any bytes at all, by hypothesis. FUZZ_SEED in the environment is another beginning.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import struct
import sys
from collections import Counter
from pathlib import Path

import carla
import msgpack
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
import fuzzing

SEED = int(os.environ.get("FUZZ_SEED", "1"))
ANSWER_S = 60.0
GROWTH_MB = 60.0
WATCHED = ("/carla_rpc/", "/simulator/calls/", "/simulator/recorder/", "/simulator/sensors/", "/simulator/spawning")

pytestmark = [pytest.mark.embedded, pytest.mark.source("ours"), pytest.mark.timeout(0)]


def methods() -> dict[str, int]:
    from carla_plugin.simulator.calls import CALLS

    return {name: call.takes for name, call in CALLS.items()}


def megabytes(simulator) -> float:
    return psutil.Process(simulator.process.pid).memory_info().rss / 1e6


class Peer:
    """A client that says anything and waits for what comes back."""

    def __init__(self, simulator) -> None:
        self._address = (simulator.host, simulator.port)
        self._socket: socket.socket | None = None
        self.ends: Counter[str] = Counter()

    def ask(self, data: bytes, whole: bool) -> list[int]:
        """Send a message, and return the id of whom it made; one that may not be whole gets its own connection.

        Raises:
            TimeoutError: no answer, and the connection stands.
        """
        if not whole:
            with socket.create_connection(self._address, timeout=ANSWER_S) as peer:
                try:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                    got = 0
                    while more := peer.recv(1 << 16):
                        got += len(more)
                    self.ends["spoilt, answered" if got else "spoilt, dropped"] += 1
                except ConnectionError:
                    self.ends["spoilt, dropped"] += 1
            return []
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=ANSWER_S)
        unpacker = msgpack.Unpacker(max_buffer_size=1 << 30, strict_map_key=False, raw=True)
        self._socket.sendall(data)
        while True:
            more = self._socket.recv(1 << 16)
            if not more:
                self.ends["dropped"] += 1
                self._socket = None
                return []
            unpacker.feed(more)
            for _, _, error, result in unpacker:
                self.ends["refused" if error is not None else "answered"] += 1
                return _made(result)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def call(number: int, method: str, *arguments) -> bytes:
    return msgpack.packb([0, number, method, [[False], *arguments]])


def _made(result) -> list[int]:
    """Return the id of an actor that an answer describes, as `spawn_actor` does."""
    match result:
        case [[1, [int(number), int(), *_]]] if number > 0:
            return [number]
    return []


def test_wild_calls_through_both_ports(start_simulator, scale):
    count = 100_000 if scale == "soak" else 1000
    simulator = start_simulator()
    spoiler, peer = fuzzing.Spoiler(methods(), SEED), Peer(simulator)
    dice = random.Random(SEED)
    sizes = []
    for number in range(count):
        method, arguments = spoiler.call()
        arguments = spoiler.living(arguments)
        data = spoiler.message(method, arguments)
        made = peer.ask(data, data == _whole(data, method, arguments))
        spoiler.ids += made
        if number % 10 == 0:
            with socket.create_connection((simulator.host, simulator.port + 1), timeout=ANSWER_S) as stream:
                stream.sendall(dice.choice((struct.pack("<I", dice.randint(0, 40)), dice.randbytes(3), b"x" * 5000)))
        if number % 250 == 249:
            peer.ask(call(1, "load_new_episode", "Grid_07", True, 65535), True)
            made = peer.ask(call(2, "spawn_actor", [1, "static.prop.bench01", []], fuzzing.PLACE), True)
            assert made, "expected an empty world to take a bench"
            spoiler.ids = list(range(made[0] - 40, made[0] + 1))  # those of the lights come first
            assert simulator.process.poll() is None, f"it ended after message {number} of seed {SEED}"
            sizes.append(megabytes(simulator))
    peer.close()
    print(f"\nseed {SEED}: {count} messages: {dict(peer.ends)}; memory {sizes[0]:.0f} .. {sizes[-1]:.0f} MB")
    assert peer.ends["answered"] > count // 10
    assert peer.ends["refused"] > count // 20
    client = carla.Client(simulator.host, simulator.port)
    client.set_timeout(ANSWER_S)
    first = client.get_world().get_snapshot().frame
    assert client.get_world().wait_for_tick(ANSWER_S).frame >= first
    settled = sizes[len(sizes) // 5]
    assert sizes[-1] < settled + GROWTH_MB, f"memory grew: {sizes}"


def _whole(data: bytes, method: str, arguments: list) -> bytes:
    """Return what the message would be unspoilt, its number aside."""
    try:
        number = msgpack.unpackb(data, strict_map_key=False)[1]
        return msgpack.packb([0, number, method, [[False], *arguments]])
    except Exception:
        return b""


class Lines:
    """Watch which lines of the code that reads and answers calls have been reached."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()

    def trace(self, frame, event, argument):
        name = frame.f_code.co_filename
        if not any(part in name for part in WATCHED):
            return None
        if event == "line":
            self.seen.add((name, frame.f_lineno))
        return self.trace


def test_wild_calls_guided_by_what_they_reach(scale, tmp_path):
    from carla_plugin.simulator.calls import answer
    from carla_plugin.simulator.options import Options
    from carla_plugin.simulator.simulation import Simulation
    from carla_plugin.simulator.spawning import CallError
    from carla_plugin.simulator.town import build_town
    from protocols.carla_rpc import messages
    from protocols.errors import RemoteProtocolError

    count = 100_000 if scale == "soak" else 1500
    town = build_town("Grid_07")

    async def nothing(*_) -> None:
        return

    async def look(*_):
        raise CallError("nobody draws here")

    async def build(_):
        return town

    spoiler, lines, ends, faults = fuzzing.Spoiler(methods(), SEED), Lines(), Counter(), []
    began, grown = len(spoiler.corpus), []

    async def run() -> None:
        simulation = Simulation(town, 2001, Options(recordings=tmp_path), build, nothing, nothing, look)
        for number in range(count):
            method, wild = spoiler.call()
            arguments, before = spoiler.living(wild), len(lines.seen)
            data = spoiler.message(method, arguments)
            sys.settrace(lines.trace)
            try:
                for request in messages.RequestReader().feed(data):
                    await answer(simulation, request)
                    ends["answered"] += 1
            except RemoteProtocolError:
                ends["refused"] += 1
            except Exception as error:
                faults.append(f"{type(error).__name__}: {error} in {method}{arguments}"[:300])
            finally:
                sys.settrace(None)
            if len(lines.seen) > before:
                spoiler.corpus.append((method, wild))
            spoiler.ids = list(simulation.world.actors) or [1]
            if number % 500 == 499:
                grown.append(len(lines.seen))
                await simulation.load("", True)
            if number % 20 == 0:
                await simulation.tick()

    logging.disable(logging.WARNING)
    try:
        asyncio.run(run())
    finally:
        logging.disable(logging.NOTSET)
    kept = len(spoiler.corpus) - began
    print(f"\nseed {SEED}: {count} calls: {dict(ends)}; lines {grown}; {kept} calls kept; {len(faults)} faults")
    assert not faults, "\n".join(sorted(set(faults))[:20])
    assert kept > 20, "expected guidance to find calls that reach further"


def test_any_bytes_through_both_ports(simulator, scale):
    @settings(max_examples=5000 if scale == "soak" else 60, deadline=None, derandomize=True)
    @given(junk=st.binary(max_size=200), streams=st.booleans())
    def say(junk, streams):
        with socket.create_connection((simulator.host, simulator.port + streams), timeout=ANSWER_S) as peer:
            try:
                peer.sendall(junk)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(1 << 16):
                    pass
            except ConnectionError:
                pass

    say()
    peer = Peer(simulator)
    peer.ask(call(1, "version"), True)
    peer.close()
    assert peer.ends["answered"] == 1
