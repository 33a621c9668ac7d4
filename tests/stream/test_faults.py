"""Every index once and in order, whatever is killed, stopped, cut, slow or late: real processes over real sockets."""

from __future__ import annotations

import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from producer import bundle_bytes  # noqa: E402
from proxy import Proxy  # noqa: E402

from harness.memory import resident_mb  # noqa: E402

SLOTS = 6
LIMIT_S = 240.0
WARM = 30
TRANSPORTS = ("ipc", "tcp", "shared")


class Process:
    """A script of ours, with its lines as they come."""

    def __init__(self, script: str, *arguments: object) -> None:
        command = [sys.executable, str(HERE / script), *map(str, arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.warm_mb: float | None = None
        self.grown_mb = 0.0

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")  # its end

    def line(self) -> str:
        """Return the next line, empty at its end."""
        return self._lines.get(timeout=LIMIT_S)

    def weigh(self, *, warm: bool) -> None:
        """Note how much it has grown since it was warm."""
        mb = resident_mb(self._process.pid)
        if warm and mb:
            self.warm_mb = mb if self.warm_mb is None else self.warm_mb
            self.grown_mb = max(self.grown_mb, mb - self.warm_mb)

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
        self, folder: Path, transport: str, count: int, size: tuple[int, int], slow: tuple[int, int] = (0, 0)
    ) -> None:
        self.folder, self.count, self.size = folder, count, size
        self.shared = transport == "shared"
        self.slow = slow
        self.last_words: dict[str, str] = {}
        self.processes: list[Process] = []
        self.address = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{folder}/bundles"
        self.trainer = self.start_trainer()
        self.endpoint = self.address

    def start_trainer(self) -> Process:
        arguments = ["--bind", self.address, "--folder", self.folder, "--count", self.count, "--slots", SLOTS]
        arguments += ["--size", *self.size, "--slow", *self.slow, *(["--shared"] if self.shared else [])]
        self.trainer = Process("trainer.py", *arguments)
        self.processes.append(self.trainer)
        self.address = self.trainer.line()
        assert self.address.startswith(("tcp://", "ipc://")), self.trainer.ended()
        return self.trainer

    def start_plugin(self, *options: object, to: str | None = None) -> Process:
        name = f"made@{len(self.processes)}"
        arguments = ["--to", to or self.endpoint, "--name", name, "--size", *self.size, "--pause", 0.002, *options]
        self.processes.append(Process("producer.py", *arguments))
        return self.processes[-1]

    def until(self, index: int) -> bool:
        """Wait until the trainer took an index or a later one; return whether there is more to come."""
        while True:
            line = self.trainer.line()
            if not line.startswith("took "):
                assert line.startswith("done "), f"the trainer ended early: {self.trainer.ended()}"
                self.last_words = dict(zip(*[iter(line.split()[1:])] * 2, strict=True))
                return False
            if int(line.split()[1]) % 20 == 0:
                for process in self.processes:
                    process.weigh(warm=int(line.split()[1]) >= WARM)
            if int(line.split()[1]) >= index:
                return True

    def finish(self) -> None:
        """Wait for the end, and check receipts and memory."""
        while self.until(self.count):
            pass
        assert self.trainer.ended() == 0
        taken = [int(line) for line in (self.folder / "receipts").read_text().split()]
        assert taken == list(range(self.count))
        limit_mb = SLOTS * bundle_bytes(*self.size) / 1e6 + 100
        grown = {process.grown_mb for process in self.processes}
        assert max(grown) < limit_mb, f"expected processes to grow by less than {limit_mb:.0f} MB, got {grown}"

    def close(self) -> None:
        for process in self.processes:
            process.close()


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
    (stop_trainer, "ipc"),
    (stop_plugin, "shared"),
    (cut_connection, "tcp"),
    (slow_trainer, "ipc"),
    (come_late_and_leave, "tcp"),
)


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, str, dict[str, str], float]]]:
    """Print what each fault did, at the end."""
    rows: list[tuple[str, str, dict[str, str], float]] = []
    yield rows
    print("\nfault                    times  in order  duplicates  in place  grown MB (most)")
    for name in dict.fromkeys(name for name, *_ in rows):
        of = [row for row in rows if row[0] == name]
        counts = {key: sum(int(words[key]) for _, _, words, _ in of) for key in ("duplicates", "in_place")}
        most = max(grown for *_, grown in of)
        print(f"{name:24} {len(of):5}  {len(of):8}  {counts['duplicates']:10}  {counts['in_place']:8}  {most:15.1f}")


@pytest.mark.parametrize(("fault", "transport"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_every_index_once_and_in_order(fault, transport, tmp_path, scale, table):
    times, count, size, hold_s = (20, 500, (256, 512), 10.0) if scale == "soak" else (1, 120, (64, 128), 0.6)
    for turn in range(times):
        folder = tmp_path / str(turn)
        folder.mkdir()
        dice = random.Random(f"{fault.__name__} {turn}")
        at = dice.randrange(WARM + 10, count - 20)
        over = transport if fault is cut_connection else TRANSPORTS[(TRANSPORTS.index(transport) + turn) % 3]
        slow = (0, 0)
        if fault is slow_trainer:  # in the soak's first turn from beginning to end
            slow = (0, count) if scale == "soak" and turn == 0 else (at, at + (20 if scale == "soak" else 5))
        run = Run(folder, over, count, size, slow)
        try:
            fault(run, at, dice, hold_s)
            if fault is not cut_connection:
                run.finish()
        finally:
            run.close()
        table.append((fault.__name__, over, run.last_words, max(process.grown_mb for process in run.processes)))
        if over == "shared" and fault is not kill_trainer:
            assert int(run.last_words["in_place"]) > count // 2
