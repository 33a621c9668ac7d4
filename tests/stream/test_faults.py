"""Every index once and in order, whatever is killed, stopped, cut, slow or late: real processes over real sockets."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from producer import bundle_bytes  # noqa: E402
from proxy import Proxy  # noqa: E402

from harness.memory import family  # noqa: E402

SLOTS = 6
LIMIT_S = 240.0
WARM = 30  # bundles after which a process has all that it needs
SIMULATOR_WARM = 160  # it keeps the shapes of people and cars that it has drawn, up to some 100 MB, which is no leak
TRANSPORTS = ("ipc", "tcp", "shared")
ROLES = ("trainer", "plugin", "photographer", "simulator")

BRIEF = """
seed: 5
town: Grid_07
appearances: [noon, night]
episodes: 100
bundles: 20
traffic: {cars: 4, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 1, pedestrians: 5, radius_m: 60,
          warm_up_ticks: 5}
camera: {width: 64, height: 32}
capture: {every_ticks: 3}
settle: {second_look_s: 0, closing_look: false}
"""

STARTED = """
import os, sys
with open(sys.argv[2], "w") as file:
    file.write(str(os.getpid()))
sys.argv[1:] = ["simulate", "--port", sys.argv[1], "--town", "Grid_07", "--stay-with-stdin"]
from carla_plugin.cli import main
sys.exit(main())
"""


class Weight:
    """How much a process has grown since it was warm."""

    def __init__(self, role: str, pid: int) -> None:
        self.role, self.pid = role, pid
        self.grown_mb = 0.0
        self._since: int | None = None
        self._warm_mb: float | None = None

    def weigh(self, index: int) -> None:
        """Note what it holds as the trainer takes a bundle; one that has ended holds nothing."""
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            self._since = index if self._since is None else self._since
            if mb and index - self._since >= (SIMULATOR_WARM if self.role == "simulator" else WARM):
                self._warm_mb = mb if self._warm_mb is None else self._warm_mb
                self.grown_mb = max(self.grown_mb, mb - self._warm_mb)


def role_of(pid: int) -> str | None:
    """Return what a process that the plugin started is."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        for mark, role in ((b"carla_plugin.photographer", "photographer"), (b"start.py", "simulator")):
            if mark in words:
                return role
    return None


class Process:
    """A process of ours, with its lines as they come."""

    def __init__(self, role: str, *command: object) -> None:
        # where a test ends early the plugin's simulator leaves with it, as its standard input ends
        self._process = subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.role, self.pid = role, self._process.pid
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")  # its end

    def line(self) -> str:
        """Return the next line, empty at its end."""
        return self._lines.get(timeout=LIMIT_S)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def ended(self) -> int:
        """Return its exit status once it has left by itself."""
        status = self._process.wait(LIMIT_S)
        if status:
            print(self._process.stderr.read(), file=sys.stderr)
        return status

    def close(self) -> None:
        self.kill()
        self._reader.join()
        self._process.stdout.close()
        self._process.stderr.close()


class Run:
    """One stream of `count` bundles from a trainer's start to its end."""

    def __init__(
        self,
        folder: Path,
        transport: str,
        count: int,
        size: tuple[int, int],
        slow: tuple[int, int] = (0, 0),
        *,
        real: bool = False,
    ) -> None:
        self.folder, self.count, self.size, self.real = folder, count, size, real
        self.shared = transport == "shared"
        self.slow = slow
        self.last_words: dict[str, str] = {}
        self.processes: list[Process] = []
        self.weights: dict[int, Weight] = {}
        self.address = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{folder}/bundles"
        self.trainer = self.start_trainer()
        self.endpoint = self.address

    def start_trainer(self) -> Process:
        arguments = ["--bind", self.address, "--folder", self.folder, "--count", self.count, "--slots", SLOTS]
        arguments += ["--size", *self.size, "--slow", *self.slow, *(["--shared"] if self.shared else [])]
        arguments += ["--real"] if self.real else []
        self.trainer = Process("trainer", HERE / "trainer.py", *arguments)
        self.processes.append(self.trainer)
        self.address = self.trainer.line()
        assert self.address.startswith(("tcp://", "ipc://")), self.trainer.ended()
        return self.trainer

    def start_plugin(self, *options: object, to: str | None = None) -> Process:
        name = f"made@{len(self.processes)}"
        arguments = ["--to", to or self.endpoint, "--name", name, "--size", *self.size, "--pause", 0.002, *options]
        self.processes.append(Process("plugin", HERE / "producer.py", *arguments))
        return self.processes[-1]

    def start_real_plugin(self) -> None:
        """Start the plugin that people use; it starts the simulator, and starts it again."""
        (self.folder / "start.py").write_text(STARTED)
        (self.folder / "brief.yaml").write_text(BRIEF)
        start = shlex.join([sys.executable, str(self.folder / "start.py"), "{port}", str(self.folder / "simulator")])
        arguments = ["stream", self.folder / "brief.yaml", "--server", f"127.0.0.1:{quiet_port()}", "--start", start]
        arguments += ["--to", self.endpoint, "--bundles", self.count, "--patience", 120]
        self.processes.append(Process("plugin", "-m", "carla_plugin.cli", *arguments))

    def hit_simulator(self, number: signal.Signals) -> None:
        os.kill(int((self.folder / "simulator").read_text()), number)

    def weigh(self, index: int) -> None:
        """Weigh all processes, and all that these have started."""
        for process in self.processes:
            self.weights.setdefault(process.pid, Weight(process.role, process.pid))
            for pid in family(process.pid) if self.real else ():
                role = role_of(pid)
                if role is not None:
                    self.weights.setdefault(pid, Weight(role, pid))
        for weight in self.weights.values():
            weight.weigh(index)

    def grown_mb(self) -> dict[str, float]:
        """Return for each role how much the process of it grew that grew most."""
        return {
            role: max((each.grown_mb for each in self.weights.values() if each.role == role), default=0.0)
            for role in ROLES
        }

    @property
    def limit_mb(self) -> float:
        return SLOTS * bundle_bytes(*self.size) / 1e6 + 100

    def until(self, index: int) -> bool:
        """Wait until the trainer took an index or a later one; return whether there is more to come."""
        while True:
            line = self.trainer.line()
            if not line.startswith("took "):
                assert line.startswith("done "), f"the trainer ended early: {self.trainer.ended()}"
                self.last_words = dict(zip(*[iter(line.split()[1:])] * 2, strict=True))
                return False
            if int(line.split()[1]) % 20 == 0:
                self.weigh(int(line.split()[1]))
            if int(line.split()[1]) >= index:
                return True

    def finish(self) -> None:
        """Wait for the end, and check receipts and memory."""
        while self.until(self.count):
            pass
        assert self.trainer.ended() == 0
        taken = [int(line) for line in (self.folder / "receipts").read_text().split()]
        assert taken == list(range(self.count))
        grown = self.grown_mb()
        assert max(grown.values()) < self.limit_mb, f"expected less than {self.limit_mb:.0f} MB more, got {grown}"

    def close(self) -> None:
        for process in self.processes:
            process.close()


def quiet_port() -> int:
    """Return a port below those that systems hand out to whoever connects."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def kill_trainer(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_plugin()
    run.until(at)
    run.trainer.kill()
    run.start_trainer()


def kill_plugin(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    plugin = run.start_plugin()
    run.until(at)
    plugin.kill()
    run.start_plugin()


def kill_one_plugin_of_two(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    plugins = [run.start_plugin(), run.start_plugin()]
    run.until(at)
    plugins[dice.randrange(2)].kill()


def kill_simulator(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_real_plugin()
    run.until(at)
    run.hit_simulator(signal.SIGKILL)


def stop_trainer(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_plugin()
    run.until(at)
    run.trainer.send(signal.SIGSTOP)
    time.sleep(hold_s)
    run.trainer.send(signal.SIGCONT)


def stop_plugin(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    plugins = [run.start_plugin() for _ in range(1 + dice.randrange(2))]
    run.until(at)
    plugins[0].send(signal.SIGSTOP)
    time.sleep(hold_s)
    plugins[0].send(signal.SIGCONT)


def stop_simulator(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_real_plugin()
    run.until(at)
    run.hit_simulator(signal.SIGSTOP)
    time.sleep(hold_s)
    run.hit_simulator(signal.SIGCONT)


def cut_connection(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    with Proxy(int(run.endpoint.rpartition(":")[2])) as proxy:
        run.start_plugin(to=proxy.endpoint)
        run.until(at)
        proxy.cut()
        time.sleep(hold_s * dice.random())
        proxy.heal()
        run.finish()


def slow_trainer(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_plugin()


def come_late_and_leave(run: Run, at: int, dice: random.Random, hold_s: float) -> None:
    run.start_plugin("--leave-after", at)
    run.until(at // 2)
    run.start_plugin("--leave-after", max(1, at // 2))
    run.start_plugin()


Fault = Callable[[Run, int, random.Random, float], None]
FAULTS: tuple[tuple[Fault, str], ...] = (
    (kill_trainer, "tcp"),
    (kill_plugin, "shared"),
    (kill_one_plugin_of_two, "ipc"),
    (kill_simulator, "ipc"),
    (stop_trainer, "ipc"),
    (stop_plugin, "shared"),
    (stop_simulator, "tcp"),
    (cut_connection, "tcp"),
    (slow_trainer, "ipc"),
    (come_late_and_leave, "tcp"),
)


REAL = (kill_simulator, stop_simulator)
"""What takes the real plugin and the real simulator, which are slower."""


class Row(NamedTuple):
    """What came of one turn."""

    fault: str
    words: dict[str, str]
    grown_mb: dict[str, float]
    limit_mb: float


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """Print what each fault did, at the end."""
    rows: list[Row] = []
    yield rows
    print("\neach index once and in order, whatever happens; no reservoir in this trainer, it only receives")
    print(f"{'':39}most MB that a process grew by once it was warm")
    print("fault                    times  again  in place  trainer  plugin  photographer  simulator  limit")
    for name in dict.fromkeys(row.fault for row in rows):
        of = [row for row in rows if row.fault == name]
        again, in_place = (sum(int(row.words[key]) for row in of) for key in ("duplicates", "in_place"))
        grown = {role: max(row.grown_mb[role] for row in of) for role in ROLES}
        print(
            f"{name:24} {len(of):5}  {again:5}  {in_place:8}  {grown['trainer']:7.1f}  {grown['plugin']:6.1f}  "
            f"{grown['photographer']:12.1f}  {grown['simulator']:9.1f}  {of[0].limit_mb:5.0f}"
        )


@pytest.mark.parametrize(("fault", "transport"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_every_index_once_and_in_order(fault, transport, tmp_path, scale, table):
    if fault is kill_simulator and scale == "test":
        pytest.skip("tests/carla_plugin/test_recovery.py kills one, with fewer bundles")
    times, count, size, hold_s = (20, 500, (256, 512), 10.0) if scale == "soak" else (1, 120, (64, 128), 0.6)
    if fault in REAL:
        count, size = (count if scale == "soak" else 30), (32, 64)
    for turn in range(times):
        folder = tmp_path / str(turn)
        folder.mkdir()
        dice = random.Random(f"{fault.__name__} {turn}")
        at = dice.randrange(min(WARM + 10, count // 3), count - min(20, count // 3))
        over = transport if fault is cut_connection else TRANSPORTS[(TRANSPORTS.index(transport) + turn) % 3]
        slow = (0, 0)
        if fault is slow_trainer:  # in the soak's first turn from beginning to end
            slow = (0, count) if scale == "soak" and turn == 0 else (at, at + (20 if scale == "soak" else 5))
        run = Run(folder, over, count, size, slow, real=fault in REAL)
        try:
            fault(run, at, dice, hold_s)
            if fault is not cut_connection:
                run.finish()
        finally:
            run.close()
        table.append(Row(fault.__name__, run.last_words, run.grown_mb(), run.limit_mb))
        if over == "shared" and fault is not kill_trainer:
            assert int(run.last_words["in_place"]) > count // 2
