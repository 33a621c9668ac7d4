"""The main job as its users start it: three processes, nothing written but the report, nothing left behind."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

REPORT_KEYS = {
    *("iterations", "bundles", "masks_checked", "masks_refused", "miou_before", "miou_after", "iou", "acc"),
    *("miou_by_appearance", "baseline_colour", "baseline_position", "margin", "bundles_per_s", "wait_share"),
    *("rss_mb_max", "versions", "seed", "command"),
}
SMALL = ("--iters", "4", "--cfg-options", "val_dataloader.dataset.count=2", "train_dataloader.dataset.first=2")
ENDLESS = ("--iters", "100000", "--cfg-options", "val_dataloader.dataset.count=1", "train_dataloader.dataset.first=2")
ROLES = {"simulate": "simulate", "stream": "stream", "photographer": "carla_plugin.photographer"}
QUIET_STREET = """
seed: 3
town: %s
appearances: [noon, sunset, night, fog, rain]
bundles: 4
traffic: {cars: 6, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 2, pedestrians: 6, warm_up_ticks: 10}
camera: {width: 512, height: 256, fov_deg: 75}
capture: {every_ticks: 3}
"""
START_S = 300.0
END_S = 60.0


class Demo:
    """A running demo; its lines can be waited for."""

    def __init__(self, home: Path, options: tuple[str, ...]) -> None:
        self.home, self.out = home, home / "work" / "out"
        for name in ("work", "tmp"):
            (home / name).mkdir()
        places = {"HOME": home, "TMPDIR": home / "tmp"}
        places |= {f"XDG_{name}_HOME": home / f"xdg_{name.lower()}" for name in ("CACHE", "CONFIG", "DATA", "STATE")}
        places["XDG_RUNTIME_DIR"] = home / "xdg_runtime"
        environment = os.environ | {key: str(value) for key, value in places.items()}
        environment.pop("MPLCONFIGDIR", None)
        scenarios = []
        for role, town in (("train", "Grid_07"), ("test", "Grid_19")):
            file = home / "work" / f"{role}.yaml"
            file.write_text(QUIET_STREET % town)
            scenarios += [f"--{role}-scenario", str(file)]
        command = [sys.executable, "-m", "harness.cli", "demo", "--out", "out", *scenarios, *options]
        self.process = subprocess.Popen(
            command, cwd=home / "work", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self.family: dict[str, psutil.Process] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, start: str) -> None:
        """Wait for a line that begins so, and remember who runs by then."""
        while True:
            line = self._lines.get(timeout=START_S)
            assert line is not None, f"the demo ended before {start!r}: {self.seen}, {self.process.stderr.read()}"
            self.seen.append(line)
            if line.startswith(start):
                break
        for child in psutil.Process(self.process.pid).children(recursive=True):
            arguments = child.cmdline()
            for role, word in ROLES.items():
                if word in arguments:
                    self.family[role] = child

    def end(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit status and the lines on stderr; nobody of the family may be left."""
        status = self.process.wait(timeout=START_S)
        lines = self.process.stderr.read().splitlines()
        words = [line for line in lines if not line.startswith("waiting for bundle ")]  # on a machine under load
        _, left = psutil.wait_procs(self.family.values(), timeout=END_S)
        assert not left, f"still running: {[process.cmdline() for process in left]}"
        return status, words


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    running: list[Demo] = []

    def begin(*options: str) -> Demo:
        running.append(Demo(tmp_path, options))
        return running[-1]

    yield begin
    for demo in running:
        for process in (*demo.family.values(), demo.process):
            if process.is_running() if isinstance(process, psutil.Process) else process.poll() is None:
                process.kill()
        demo.process.wait()


def strangers(demo: Demo) -> list[str]:
    """Return the files beside the report, numba's kernels and the wheel's own cache."""
    expected = ("work/out/", "work/train.yaml", "work/test.yaml", "xdg_cache/numba", ".cache/numba", "carlaCache/")
    files = (path.relative_to(demo.home).as_posix() for path in demo.home.rglob("*") if not path.is_dir())
    return [file for file in files if not file.startswith(expected)]


def shared_memory() -> set[str]:
    folder = Path("/dev/shm")
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_the_demo_reports_and_writes_nothing_else(start):
    before = shared_memory()
    demo = start(*SMALL)
    demo.wait_for("mIoU before training")
    # the pixels travel: the wheel and the simulator talk over TCP, the plugin and the trainer over ZeroMQ
    photographer, trainer = demo.family["photographer"], psutil.Process(demo.process.pid)
    peers = {connection.raddr.port for connection in photographer.net_connections("tcp") if connection.raddr}
    listening = (c for c in demo.family["simulate"].net_connections("tcp") if c.status == psutil.CONN_LISTEN)
    assert peers & {connection.laddr.port for connection in listening}
    said = demo.family["stream"].cmdline()
    endpoint = said[said.index("--to") + 1]
    assert endpoint.removeprefix("ipc://") in {connection.laddr for connection in trainer.net_connections("unix")}
    status, words = demo.end()
    assert (status, words) == (0, [])
    report = json.loads((demo.out / "report.json").read_text())
    assert set(report) >= REPORT_KEYS
    assert len(report["iou"]) == 16
    assert report["iterations"] == 4
    assert report["masks_checked"] > 0
    assert report["masks_refused"] == 0
    assert report["rss_mb_max"] < 6000
    assert report["towns"]["train"] != report["towns"]["test"]
    for name in ("curves.png", "samples.png", "weights.pth"):
        assert (demo.out / name).stat().st_size > 1000
    assert strangers(demo) == []
    assert shared_memory() <= before
    written = sum(path.stat().st_size for path in demo.home.rglob("*") if path.is_file())
    assert written < 150e6


def test_ctrl_c_leaves_nothing(start):
    demo = start(*ENDLESS)
    demo.wait_for("iteration")
    demo.process.send_signal(signal.SIGINT)
    status, words = demo.end()
    assert status == 130
    assert words == ["carla-harness: stopped by Ctrl-C"]
    assert strangers(demo) == []


@pytest.mark.parametrize("victim", ["simulate", "stream"])
def test_a_killed_child_ends_the_demo_in_words(start, victim):
    demo = start(*ENDLESS)
    demo.wait_for("iteration")
    demo.family[victim].kill()
    status, words = demo.end()
    assert status == 3
    assert 1 <= len(words) <= 2, words
    assert words[0].startswith("carla-harness: ")
    assert strangers(demo) == []


def test_children_do_not_outlive_a_killed_trainer(start):
    demo = start(*ENDLESS)
    demo.wait_for("iteration")
    demo.process.kill()
    status, _ = demo.end()
    assert status == -signal.SIGKILL
    # what nobody could remove: the next trainer's start takes away a dead one's socket
    left = [file for file in strangers(demo) if "matplotlib" not in file and not file.startswith("tmp/manyskies-")]
    assert left == []


def test_a_wrong_scenario_ends_the_demo_in_words(start):
    demo = start("--train-scenario", "nowhere", *SMALL)
    status, words = demo.end()
    assert status != 0
    assert 1 <= len(words) <= 2
    assert "nowhere" in words[0]
