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

BRIEF = """
seed: 5
town: Grid_07
appearances: [noon, night]
bundles: {bundles}
traffic: {{cars: 4, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 1, pedestrians: 5, radius_m: 60,
          warm_up_ticks: 5}}
camera: {{width: 64, height: 32}}
capture: {{every_ticks: 3}}
settle: {{second_look_s: 0, closing_look: false}}
"""

STARTED = """
import os, sys
troubles = sys.argv[3:]  # of the first starts
with open(sys.argv[2] + ".starts", "a+") as file:
    file.write(".")
    start = file.tell()
if start <= len(troubles) and troubles[start - 1] == "killed":
    os.kill(os.getpid(), 9)
if start <= len(troubles) and troubles[start - 1] == "fails":
    sys.exit(7)
with open(sys.argv[2], "w") as file:
    file.write(str(os.getpid()))
sys.argv[1:] = ["simulate", "--port", sys.argv[1], "--town", "Grid_07", "--stay-with-stdin"]
from carla_plugin.cli import main
sys.exit(main())
"""


@pytest.fixture
def brief(tmp_path):
    """The path of a scenario with little to settle, three moments an episode."""
    file = tmp_path / "brief.yaml"
    file.write_text(BRIEF.format(bundles=3))
    return str(file)


@pytest.fixture
def server(tmp_path):
    """A server that `--start` starts: its address, the command, and a function that sends it a signal."""
    note, program = tmp_path / "simulator.pid", tmp_path / "start.py"
    program.write_text(STARTED)
    command = shlex.join([sys.executable, str(program), "{port}", str(note)])

    def hit(number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(note.read_text()), number)

    return f"127.0.0.1:{quiet_port()}", command, hit


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
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
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


def test_server_whose_command_is_no_good(trainer, brief, server, command, ended):
    """It ends at once, with the command's own fault, however long one would wait."""
    address, start, _ = server
    process = command("stream", brief, "--server", address, "--start", f"{start} fails", "--to", trainer.endpoint)
    trainer.pump(lambda t: process.poll() is not None)
    status, lines = ended(process)
    assert status == 3, lines
    assert "ended with status 7; run it by hand to see why" in lines[-1]


@pytest.mark.parametrize("way", ["SIGKILL", "SIGSTOP"])
def test_simulator_hit_at_random_moments(scale, trainer, brief, server, command, ended, tmp_path, way):
    """Killed or stopped, the simulator is started again, and every bundle arrives once, in order.

    Also when it is killed at its very first start, and when its command fails that is known to be a good one.
    """
    if way == "SIGSTOP" and scale == "test":
        pytest.skip("waits out the limit of a tick; part of make soak")
    address, start, hit = server
    kills, bundles = {"test": (1, 12), "soak": (20 if way == "SIGKILL" else 3, 200)}[scale]
    dice = random.Random(7)
    process = command(
        "stream", brief, "--server", address, "--start", f"{start} killed well fails", "--to", trainer.endpoint,
        "--bundles", str(bundles), "--json", str(tmp_path / "told.json"),
    )  # fmt: skip
    for moment in sorted(dice.sample(range(1, bundles - 1), kills)):
        trainer.pump(lambda t, moment=moment: len(t.bundles) >= moment or process.poll() is not None, 180.0)
        pump_a_while(trainer, dice.uniform(0.0, 0.3))
        hit(getattr(signal, way))
    pump_until_ended(trainer, process, 180.0 + bundles)
    status, lines = ended(process)
    assert status == 0, lines
    assert indices(trainer) == list(range(bundles))
    assert trainer.consumer.duplicates == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["bundles"] == bundles
    assert 1 <= told["recoveries"] <= kills
    starts = len((tmp_path / "simulator.pid.starts").read_text())
    assert starts == 4 if scale == "test" else starts > 3
    assert not listens("127.0.0.1", int(address.rpartition(":")[2]))  # what it started it has ended


def test_bundles_are_the_same_whatever_happened(simulator, trainers, brief, server, command, ended):
    """A photographer killed in mid-episode is replaced; its server is put back first, and bundles do not differ."""
    runs = []
    for kills in (0, 1):
        trainer = trainers()
        process = command("stream", brief, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", "5")
        if kills:
            trainer.pump(lambda t: len(t.bundles) >= 2)
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
        pump_until_ended(trainer, process)
        assert ended(process)[0] == 0
        runs.append(trainer.identities())
    assert runs[0] == runs[1]


def test_two_servers_one_of_which_stays_away(simulator, own_simulator, trainer, brief, command, ended):
    process = command(
        "stream", brief, "--server", simulator.address, "--server", own_simulator.address, "--wait", "0",
        "--to", trainer.endpoint, "--bundles", "12",
    )  # fmt: skip
    trainer.pump(lambda t: len(t.bundles) >= 5)
    own_simulator.kill()
    pump_until_ended(trainer, process)
    status, lines = ended(process)
    assert status == 0, lines
    assert sorted(indices(trainer)) == list(range(12))


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "parent", "photographer", "all"])
def test_server_is_as_it_was_found(scale, simulator, trainers, brief, command, ended, way, found):
    """Told to leave or killed at a random moment, alone or with its photographer: nothing of it stays."""
    dice = random.Random(way)
    before = found(simulator)
    for _ in range(20 if scale == "soak" else 1):
        trainer = trainers()
        process = command(
            "stream", brief, "--server", simulator.address, "--to", trainer.endpoint,
            "--bundles", "1000", "--wait", "0",
        )  # fmt: skip
        after = dice.randrange(4)
        trainer.pump(lambda t, p=process, n=after: t.consumer.producers and children(p.pid) and len(t.bundles) >= n)
        pump_a_while(trainer, dice.uniform(0.0, 0.5))
        started = children(process.pid)
        if way in ("SIGTERM", "SIGINT"):
            process.send_signal(getattr(signal, way))
            status, lines = ended(process)
            assert (status, len(lines)) == (143 if way == "SIGTERM" else 130, 1)
        else:
            victims = {"parent": [process.pid], "photographer": started, "all": [process.pid, *started]}[way]
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            assert ended(process)[0] == (3 if way == "photographer" else -signal.SIGKILL)
            until = time.monotonic() + 60.0
            while any(Path(f"/proc/{child}").exists() for child in started):
                assert time.monotonic() < until, "the photographer stays"
                time.sleep(0.05)
        if way == "all":
            assert ended(command("restore", simulator.address))[0] == 0
        assert found(simulator) == before


def test_the_next_start_puts_back_too(simulator, trainers, brief, command, ended, found):
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
        process = command("stream", brief, "--server", simulator.address, "--to", trainer.endpoint)
        trainer.pump(lambda t: t.bundles)
        victims = [process.pid, *children(process.pid)]
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        ended(process)
        trainer = trainers()
        process = command("stream", brief, "--server", simulator.address, "--to", trainer.endpoint, "--bundles", "1")
        pump_until_ended(trainer, process)
        assert ended(process)[0] == 0
        assert found(simulator) == before  # the user's own car, too
    finally:
        hero.destroy()


def test_nothing_grows(scale, simulator, trainer, tmp_path, command, ended, found):
    """Memory stays flat over a run, in all processes, and no actor, stream or slot is left behind."""
    scenario = tmp_path / "long.yaml"
    scenario.write_text(BRIEF.format(bundles=20))
    bundles = 5000 if scale == "soak" else 60
    before = found(simulator)
    files = open_files(simulator.process.pid)
    process = command(
        "stream", str(scenario), "--server", simulator.address, "--to", trainer.endpoint, "--bundles", str(bundles)
    )
    sizes: list[list[int]] = []
    for moment in range(bundles // 3, bundles, max(1, bundles // 60)):
        trainer.pump(lambda t, moment=moment: len(t.bundles) >= moment, 600.0)
        sizes.append([resident_kb(process.pid), photographer_kb(process.pid), resident_kb(simulator.process.pid)])
    pump_until_ended(trainer, process)
    assert ended(process)[0] == 0
    half = len(sizes) // 2
    for first, second in zip(zip(*sizes[:half], strict=True), zip(*sizes[half:], strict=True), strict=True):
        assert sum(second) / len(second) <= 1.05 * sum(first) / len(first), sizes
    assert trainer.consumer.promised == 0
    assert found(simulator) == before
    assert open_files(simulator.process.pid) <= files + 2


def photographer_kb(process: int) -> int:
    """Return how much memory the photographer of a stream holds; one that is relieved just now is waited for."""
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        for child in children(process)[:1]:
            with contextlib.suppress(AssertionError, OSError):
                return resident_kb(child)
    raise AssertionError(f"process {process} has no photographer")


def resident_kb(process: int) -> int:
    """Return how much memory a process holds."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {process} has ended")


def open_files(process: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))
