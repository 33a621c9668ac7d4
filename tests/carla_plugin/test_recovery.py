"""Servers and plugins that are killed: every bundle arrives once and in order, every server is as it was found."""

import contextlib
import json
import os
import random
import shlex
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from carla_plugin.world.lifeline import listens

STARTED = """
import os, sys
with open(sys.argv[2], "w") as file:
    file.write(str(os.getpid()))
sys.argv[1:] = ["simulate", "--port", sys.argv[1], "--town", "Grid_07", "--stay-with-stdin"]
from carla_plugin.cli import main
sys.exit(main())
"""


@pytest.fixture
def server(tmp_path):
    """A server that `--start` starts: its address, the command, and a function that kills it as kill -9 does."""
    note, program = tmp_path / "simulator.pid", tmp_path / "start.py"
    program.write_text(STARTED)
    command = shlex.join([sys.executable, str(program), "{port}", str(note)])

    def kill():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(note.read_text()), signal.SIGKILL)

    return f"127.0.0.1:{quiet_port()}", command, kill


def quiet_port() -> int:
    """Return a port below those that systems hand out to whoever connects."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children(process: int) -> list[int]:
    """Return the processes that a process has started, and those that these have started."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def indices(trainer) -> list[int]:
    return [bundle.header.index for bundle in trainer.bundles]


def pump_until_ended(trainer, process, limit_s=120.0):
    trainer.pump(lambda t: process.poll() is not None or (t.bundles and not t.consumer.producers), limit_s)


def pump_a_while(trainer, seconds):
    """Serve for a random moment more, so that a kill comes anywhere between two bundles."""
    until = time.monotonic() + seconds
    trainer.pump(lambda t: time.monotonic() > until)


def test_simulator_killed_at_random_moments(scale, trainer, tiny, server, command, ended, tmp_path):
    address, start, kill = server
    kills, bundles = (20, 200) if scale == "soak" else (1, 12)
    dice = random.Random(7)
    process = command(
        "stream", tiny, "--server", address, "--start", start, "--to", trainer.endpoint,
        "--bundles", str(bundles), "--json", str(tmp_path / "told.json"),
    )  # fmt: skip
    for moment in sorted(dice.sample(range(1, bundles - 1), kills)):
        trainer.pump(lambda t, moment=moment: len(t.bundles) >= moment or process.poll() is not None, 180.0)
        pump_a_while(trainer, dice.uniform(0.0, 0.3))
        kill()
    pump_until_ended(trainer, process, 180.0)
    status, lines = ended(process)
    assert status == 0, lines
    assert indices(trainer) == list(range(bundles))
    assert trainer.consumer.duplicates == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["bundles"] == bundles
    assert 1 <= told["recoveries"] <= kills
    assert not listens("127.0.0.1", int(address.rpartition(":")[2]))  # what it started it has ended


def test_bundles_are_the_same_whatever_happened(simulator, trainers, tiny, server, command, ended):
    """A photographer killed in mid-episode is replaced; its server is put back first, and bundles do not differ."""
    runs = []
    for kills in (0, 1):
        trainer = trainers()
        process = command("stream", tiny, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", "5")
        if kills:
            trainer.pump(lambda t: len(t.bundles) >= 2)
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
        pump_until_ended(trainer, process)
        assert ended(process)[0] == 0
        runs.append(trainer.identities())
    assert runs[0] == runs[1]


def test_two_servers_one_of_which_stays_away(simulator, own_simulator, trainer, tiny, command, ended):
    process = command(
        "stream", tiny, "--server", simulator.address, "--server", own_simulator.address, "--wait", "0",
        "--to", trainer.endpoint, "--bundles", "12",
    )  # fmt: skip
    trainer.pump(lambda t: len(t.bundles) >= 5)
    own_simulator.kill()
    pump_until_ended(trainer, process)
    status, lines = ended(process)
    assert status == 0, lines
    assert sorted(indices(trainer)) == list(range(12))


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "parent", "all"])
def test_server_is_as_it_was_found(scale, simulator, trainers, tiny, command, ended, way, found):
    """Told to leave or killed at a random moment, alone or with its photographer: nothing of it stays."""
    dice = random.Random(way)
    before = found(simulator)
    for _ in range(20 if scale == "soak" else 1):
        trainer = trainers()
        process = command("stream", tiny, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", "1000")
        after = dice.randrange(4)
        trainer.pump(lambda t, after=after: t.consumer.producers and len(t.bundles) >= after)
        pump_a_while(trainer, dice.uniform(0.0, 0.5))
        started = children(process.pid)
        if way in ("SIGTERM", "SIGINT"):
            process.send_signal(getattr(signal, way))
            ended(process)
        else:
            for victim in [process.pid, *(started if way == "all" else [])]:
                os.kill(victim, signal.SIGKILL)
            ended(process)
            until = time.monotonic() + 60.0
            while any(Path(f"/proc/{child}").exists() for child in started):
                assert time.monotonic() < until, "the photographer stays"
                time.sleep(0.05)
        if way == "all":
            assert ended(command("restore", simulator.address))[0] == 0
        assert found(simulator) == before


def test_the_next_start_puts_back_too(simulator, trainers, tiny, command, ended, found):
    import carla

    client = carla.Client("127.0.0.1", simulator.port)
    client.set_timeout(10.0)
    world = client.get_world()
    blueprint = world.get_blueprint_library().filter("vehicle.*")[0]
    blueprint.set_attribute("role_name", "hero")
    hero = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[-1])
    try:
        before = found(simulator)
        trainer = trainers()
        process = command("stream", tiny, "--server", simulator.address, "--to", trainer.endpoint)
        trainer.pump(lambda t: t.bundles)
        victims = [process.pid, *children(process.pid)]
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        ended(process)
        trainer = trainers()
        process = command("stream", tiny, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", "1")
        pump_until_ended(trainer, process)
        assert ended(process)[0] == 0
        assert found(simulator) == before  # the user's own car, too
    finally:
        hero.destroy()


def test_nothing_grows(scale, simulator, trainer, tiny, command, ended, found):
    """Memory stays flat over a run, in all processes, and no actor, stream or slot is left behind."""
    bundles = 5000 if scale == "soak" else 60
    before = found(simulator)
    files = open_files(simulator.process.pid)
    process = command(
        "stream", tiny, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", str(bundles)
    )
    sizes: list[list[int]] = []
    for moment in range(bundles // 3, bundles, max(1, bundles // 60)):
        trainer.pump(lambda t, moment=moment: len(t.bundles) >= moment, 600.0)
        sizes.append([resident_kb(each) for each in (process.pid, *children(process.pid)[:1], simulator.process.pid)])
    pump_until_ended(trainer, process)
    assert ended(process)[0] == 0
    half = len(sizes) // 2
    for first, second in zip(zip(*sizes[:half], strict=True), zip(*sizes[half:], strict=True), strict=True):
        assert sum(second) / len(second) <= 1.05 * sum(first) / len(first), sizes
    assert trainer.consumer.promised == 0
    assert found(simulator) == before
    assert open_files(simulator.process.pid) <= files + 2


def resident_kb(process: int) -> int:
    """Return how much memory a process holds."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {process} has ended")


def open_files(process: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))
