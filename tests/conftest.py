"""What many tests share: how large the counts are, and an embedded simulator in a process of its own."""

from __future__ import annotations

import hashlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

START_TIMEOUT_S = 600  # a first start compiles the renderer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scale",
        choices=("test", "soak"),
        default="test",
        help="test: each fault once or twice, tens of bundles; soak: the full counts",
    )
    parser.addoption(
        "--carla",
        metavar="HOST:PORT",
        help="run the contract tests against this CARLA 0.9.16 server, not against the embedded simulator",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C: a shell that runs us in the background has us, and all that we start, ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(Sources(), "contract sources")
    if config.getoption("--scale") == "soak" and not config.getoption("--collect-only"):
        config.pluginmanager.register(Soak(config), "soak")


LONGEST = {
    "test_demo.py",
    "test_recovery.py",
    "test_replay.py",
    "test_defences.py",
    "test_killed.py",
    "test_parallel.py",
}
"""Files that run first: two workers share the files out, and the last ones should be short."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


def code_in(root: Path) -> str:
    """Return a name of the code as it is now; empty outside a checkout, where nothing is taken from an earlier run."""
    asked = [["git", "rev-parse", "HEAD"], ["git", "diff", "HEAD"]]
    try:
        told = [subprocess.run(each, cwd=root, capture_output=True, check=True).stdout for each in asked]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return hashlib.sha256(b"".join(told)).hexdigest()[:12]


class Soak:
    """Note which tests passed at full counts, in out/soak; a run that starts again, of the same code, leaves them out.

    Each line of `passed.txt` has what the code was, seconds, and the test.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._file = config.rootpath / "out" / "soak" / "passed.txt"
        self._code = code_in(config.rootpath)
        self._done = self._read()

    def _read(self) -> set[str]:
        try:
            lines = [line.split(" ", 2) for line in self._file.read_text().splitlines()]
        except OSError:
            return set()
        return {line[2] for line in lines if len(line) == 3 and line[0] == self._code and self._code}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        passed = [item for item in items if item.nodeid in self._done]
        if passed:
            items[:] = [item for item in items if item.nodeid not in self._done]
            config.hook.pytest_deselected(items=passed)
            print(f"soak: {len(passed)} tests passed earlier on this code; remove {self._file} to run them again")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a") as lines:
                lines.write(f"{self._code} {report.duration:.1f} {report.nodeid}\n")


class Sources:
    """Count where the expectations of the contract tests that ran come from, and say so at the end."""

    def __init__(self) -> None:
        self._ran: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            self._ran.update(str(kind) for name, kind in report.user_properties if name == "source")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._ran:
            counts = ", ".join(f"{kind} {count}" for kind, count in self._ran.most_common())
            total, ours = self._ran.total(), self._ran["ours"]
            terminalreporter.write_line(f"contract: {total} tests, {ours} of them ours; by source: {counts}")


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> str:
    """Return "test" or "soak": a test takes its counts from it."""
    return str(request.config.getoption("--scale"))


@pytest.fixture(scope="session")
def code(request: pytest.FixtureRequest) -> str:
    """Return a name of the code under test, for results that are kept; empty where none may be kept."""
    return code_in(request.config.rootpath)


class Simulator:
    """A server as its users meet it: an address, and of the embedded one its process."""

    def __init__(self, process: subprocess.Popen[str] | None, port: int, host: str = "127.0.0.1") -> None:
        self.process = process
        self.port = port
        self.host = host
        self.address = f"{host}:{port}"


@contextmanager
def started(town: str = "Grid_07", *options: str) -> Iterator[Simulator]:
    """Start a simulator on a free port; end it, however it went."""
    recordings = tempfile.TemporaryDirectory()
    command = [sys.executable, "-m", "carla_plugin.cli", "simulate", "--port", "0", "--town", town, "--stay-with-stdin"]
    command += ["--recordings", recordings.name, *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
        ready = lines.get(timeout=START_TIMEOUT_S)
        assert ready.startswith("ready on 127.0.0.1:"), f"the simulator said {ready!r}"
        yield Simulator(process, int(ready.strip().rpartition(":")[2]))
        process.stdin.close()
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        recordings.cleanup()


@pytest.fixture(scope="session")
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Return a simulator for the whole run; tests leave it as they found it, but for the town."""
    other = request.config.getoption("--carla")
    if other:
        host, _, port = other.rpartition(":")
        if not host or not port.isdigit():
            raise pytest.UsageError(f"--carla: expected HOST:PORT, got {other!r}")
        yield Simulator(None, int(port), host)
        return
    with started() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def run_simulator() -> Callable[..., AbstractContextManager[Simulator]]:
    """Return a function that starts a simulator as long as its context lasts, for fixtures of wider scopes."""
    return started


@pytest.fixture
def start_simulator() -> Iterator[Callable[..., Simulator]]:
    """Return a function that starts a simulator of the test's own, ended with the test."""
    with ExitStack() as stack:
        yield lambda town="Grid_07", *options: stack.enter_context(started(town, *options))


@pytest.fixture(scope="module")
def two_simulators() -> Iterator[list[Simulator]]:
    """Return two simulators for a file of tests, one that draws with one thread and one with two."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as together:
        both = [started("Grid_07", "--threads", str(threads)) for threads in (1, 2)]
        yield list(together.map(stack.enter_context, both))
