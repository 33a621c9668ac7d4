"""The demo with stand-ins for simulator and plugin: report, nothing left behind, and one clear line for each fault."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness import demo
from harness.children import ChildError, Children
from harness.demo import Demo, SeenBeforeError
from harness.memory import family
from harness.progress import Progress
from protocols.labels import NAMES_16

HERE = Path(__file__).parent
OPTIONS = (
    "model.backbone.pretrained=False",
    "model.decode_head.channels=8",
    "model.data_preprocessor.size=(32,64)",
    "train_dataloader.dataset.bundle_size=(64,32)",
    "train_dataloader.dataset.first=3",
    "val_dataloader.dataset.bundle_size=(64,32)",
    "val_dataloader.dataset.count=3",
)
KEYS = [
    "iterations",
    "bundles",
    "masks_checked",
    "masks_refused",
    "miou_before",
    "miou_after",
    "iou",
    "acc",
    "miou_by_appearance",
    "baseline_colour",
    "baseline_position",
    "margin",
    "bundles_per_s",
    "wait_share",
    "rss_mb_max",
    "versions",
    "seed",
    "command",
]


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(demo, "PLUGIN", "stand_in")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent.parent)]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def run(out, said=None, options=OPTIONS, **more):
    progress = Progress(said or io.StringIO())
    return Demo(out=out, iterations=3, options=options, seed=4, progress=progress, **more).run()


def children_of_mine():
    return set(family(os.getpid())) - {os.getpid()}


def test_report_pictures_and_nothing_left(stand_in, tmp_path):
    before = children_of_mine()
    threads = threading.active_count()
    said = io.StringIO()
    values = run(tmp_path / "out", said, preview=True)
    assert json.loads((tmp_path / "out/report.json").read_text()).keys() == values.keys()
    assert values.keys() >= set(KEYS)
    assert values["iterations"] == 3
    assert values["seed"] == 4
    assert list(values["iou"]) == list(NAMES_16)
    assert set(values["miou_by_appearance"]) == {"noon", "night", "fog"}
    assert set(values["baseline_colour"]) == {"all", "noon", "night", "fog"}
    assert set(values["margin"]) == {"stage_1", "stage_2", "stage_3", "stage_4"}
    assert values["masks_checked"] >= 4 * (values["bundles"] + 3)
    assert values["towns"] == {"train": ["Grid_01"], "test": ["Grid_02"], "shared_masks": 0}
    assert values["versions"]["torch"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.json", "curves.png", "samples.png", "weights.pth", "logs"}
    assert (tmp_path / "out/samples.png").read_bytes()[:4] == b"\x89PNG"
    assert "mIoU over 16 classes" in said.getvalue()
    assert "position prior" in said.getvalue()
    assert "warning: preview ended with status 1" in said.getvalue()  # a window is no reason to stop
    assert children_of_mine() <= before
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("simulator cannot start", r"simulator ended with status 3: carla-plugin: no kernels today \(see .*log\)"),
        ("plugin fails", "plugin ended with status 3: .*connection lost"),
        ("plugin killed", r"plugin was killed \(SIGKILL\)"),
    ],
)
def test_child_that_fails_is_named_with_its_last_words(stand_in, tmp_path, monkeypatch, fault, words):
    monkeypatch.setenv("STAND_IN_FAULT", fault)
    before = children_of_mine()
    never_enough = (*OPTIONS, "train_dataloader.dataset.first=6")  # it has sent five when it fails
    with pytest.raises(ChildError, match=words):
        run(tmp_path / "out", options=never_enough, train_scenario="town")
    assert children_of_mine() <= before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"logs"}


def test_a_test_town_that_was_trained_on_is_refused(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULT", "same town")
    with pytest.raises(SeenBeforeError, match="never trained on"):
        run(tmp_path / "out")


@contextlib.contextmanager
def running_demo(out):
    """Run the demo for ever in a process; yield it once it trains."""
    code = "import sys, harness.demo\nharness.demo.PLUGIN = 'stand_in'\nfrom harness.cli import main\nsys.exit(main())"
    arguments = ["demo", "--out", str(out), "--iters", "1000000", "--cfg-options", *OPTIONS]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if "iteration" in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, "stopped by Ctrl-C"), (signal.SIGTERM, 143, "told to leave")],
)
def test_told_to_stop_it_says_so_and_leaves_nobody(stand_in, tmp_path, number, status, words):
    with running_demo(tmp_path / "out") as process:
        children = set(family(process.pid)) - {process.pid}
        assert len(children) == 2
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == status
        assert errors.strip().splitlines() == [f"carla-harness: {'stopped: ' if status == 143 else ''}{words}"]
        assert not [child for child in children if alive(child)]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"logs"}


def test_killed_it_leaves_nobody(stand_in, tmp_path):
    with running_demo(tmp_path / "out") as process:
        children = set(family(process.pid)) - {process.pid}
        pipes = [os.pidfd_open(child) for child in children]
        process.kill()
        process.wait()
        for pipe in pipes:  # readable when the process has ended
            import select

            assert select.select([pipe], [], [], 30)[0]
            os.close(pipe)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_children_end_even_when_they_do_not_listen(tmp_path):
    (tmp_path / "deaf.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('here', flush=True)\ntime.sleep(600)\n"
    )
    children = Children()
    children._environment["PYTHONPATH"] = str(tmp_path)
    child = children.start("deaf one", "deaf", [], tmp_path / "log")
    assert child.wait_for_line("here", 30) == "here"
    with pytest.raises(ChildError, match="did not end within 0 s"):
        child.finish(0.1)
    child.end(grace_s=0.2)
    assert child.process.returncode == -signal.SIGKILL


def test_child_without_the_expected_line(tmp_path):
    with Children() as children:
        child = children.start("json tool", "json.tool", ["--help"], tmp_path / "log")
        with pytest.raises(ChildError, match="json tool ended without a word"):
            child.wait_for_line("ready", 30)
