"""kill -9 of a training process, live: it is resumed and comes to the same parameters, losses and journal."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from harness.checkpoint import load_weights
from harness.journal import read_journal

ITERATIONS = 30  # with a pace of 2 that is 62 bundles
SIZE = 128 * 64 * 26 + 1024


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_killed_and_resumed_equals_uninterrupted(tmp_path, fake_plugin, bundle, tiny_config, scale):
    config = tmp_path / "tiny.py"
    config.write_text(tiny_config("cosine"))
    starts = iter(range(10_000))

    def make(index):
        return bundle(index, 64, 128)

    def run(work_dir, bundles, *more):
        """Train in a process of its own, with two producers, and return its exit status and what it said."""
        endpoint = f"ipc://{tmp_path}/{next(starts)}"
        command = [sys.executable, "-m", "harness.cli", "train", str(config), "--from", endpoint]
        command += ["--work-dir", str(work_dir), "--iters", str(ITERATIONS), "--seed", "5", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        plugins = [
            fake_plugin(endpoint, size=SIZE, name=f"{number}", bundles=lambda index: bundles(index, process))
            for number in range(2)
        ]
        said = process.communicate(timeout=280)[0]
        for plugin in plugins:
            plugin.join()
        return process.returncode, said

    whole = tmp_path / "whole"
    done = threading.Thread(target=run, args=(whole, lambda index, process: make(index)))
    done.start()  # beside the others

    dice = np.random.default_rng()
    moments = sorted(dice.choice(np.arange(6, 62), 20 if scale == "soak" else 1, replace=False))
    part, status, kills = tmp_path / "part", None, 0
    for moment in [*moments, None]:
        killed = threading.Event()

        def kill_at(index, process, moment=moment, killed=killed):
            """Kill the trainer as it asks for a bundle it had not before: in the middle of anything."""
            if index == moment and not killed.is_set():
                killed.set()
                os.kill(process.pid, signal.SIGKILL)
            return make(index)

        resume = ["--resume"] if (part / "checkpoints").exists() and any((part / "checkpoints").iterdir()) else []
        status, said = run(part, kill_at, *resume)
        assert status == (-signal.SIGKILL if killed.is_set() else 0), said
        kills += killed.is_set()
    assert status == 0
    assert kills == len(moments)
    assert ": exact" in said
    done.join()
    first, second = (load_weights(folder / "weights.pth") for folder in (whole, part))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert len(read_journal(whole / "journal.jsonl")) == ITERATIONS
    assert (whole / "journal.jsonl").read_bytes() == (part / "journal.jsonl").read_bytes()
    print(f"killed at bundles {[int(moment) for moment in moments]}: parameters and journals equal")
