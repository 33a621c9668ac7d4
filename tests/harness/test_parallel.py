"""Two processes on a CPU, by torchrun: gradients as of one process with both batches; one dies, and the run resumes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from harness.checkpoint import load_weights
from harness.journal import read_journal
from protocols.bundle import encode_bundle
from protocols.recording import RecordingWriter

HERE = Path(__file__).parent
ITERATIONS = 8
DIES = """
import os
import signal

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class Dies(Hook):
    def __init__(self, rank, iteration, when, job=False):
        self.rank, self.iteration, self.job = rank, iteration, job
        setattr(self, when, self.die)

    def die(self, runner, **_):
        if runner.iter == self.iteration and runner.rank == self.rank:
            os.kill(os.getppid() if self.job else os.getpid(), signal.SIGTERM if self.job else signal.SIGKILL)
"""
DYING = """
_base_ = ["{folder}/{base}.py"]
custom_imports = dict(imports=["harness.modules", "dies"], allow_failed_imports=False)
custom_hooks = [*{hooks}, dict(type="Dies", **{how})]
"""
ADAPTING = """
_base_ = ["{folder}/tiny.py"]
model = dict(type="SelfTrainingSegmentor", threshold=0.1)
custom_hooks = {hooks}
train_dataloader = dict(
    dataset=dict(
        target=dict(
            type="CityscapesDataset",
            data_root="{folder}/target",
            data_prefix=dict(img_path="leftImg8bit/train"),
            serialize_data=False,
            pipeline=[
                dict(type="LoadImageFromFile"),
                dict(type="RandomCrop", crop_size=(64, 64)),
                dict(type="RandomFlip", prob=0.5),
                dict(type="PackTarget"),
            ],
        )
    )
)
"""
HOOKS = {
    "tiny": [{"type": "LiveProgress"}],
    "adapting": [{"type": "LiveProgress"}, {"type": "FollowStudent", "alpha": 0.9}],
}
WORDS = "rank {}: expected all 2 ranks to stay, one has died; the same command with --resume goes on from the newest "


@pytest.fixture
def torchrun(tmp_path, bundle, tiny_config):
    """Return a function that runs two ranks to their end, beside a recording; it returns status and what was said."""
    (tmp_path / "tiny.py").write_text(tiny_config("cosine"))
    (tmp_path / "dies.py").write_text(DIES)
    with open(tmp_path / "bundles.rec", "xb+", buffering=0) as out:
        writer = RecordingWriter(out)
        for index in range(4 + 2 * ITERATIONS):
            writer.append(encode_bundle(bundle(index, 64, 128), mask_codec="zstd"))
        writer.close()

    def run(*arguments):
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{tmp_path}:{HERE.parents[1]}"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=200)
        return done.returncode, done.stdout + done.stderr

    return run


def train(config, work_dir, *more):
    """Return the command line of a run."""
    options = ["--from", "file:bundles.rec", "--iters", str(ITERATIONS), "--seed", "5"]
    return ["train", f"{config}.py", "--work-dir", work_dir, *options, *more]


def dying(folder, rank, base="tiny", **more):
    """Write a config with which a rank dies in an iteration drawn anew each time, and say which."""
    dice = np.random.default_rng()
    how = {"rank": rank, "iteration": int(dice.integers(1, ITERATIONS - 1)), **more}
    how["when"] = str(dice.choice(["before_train_iter", "after_train_iter"]))
    (folder / "dying.py").write_text(DYING.format(folder=folder, base=base, hooks=HOOKS[base], how=how))
    return str(how)


def assert_said_once(said, words):
    """One line of ours, and no traceback but torchrun's own."""
    assert re.findall("^carla-harness: (.*)", said, re.MULTILINE) == [words], said
    assert f'File "{HERE.parents[1]}/harness' not in said


def assert_equal_runs(first, second):
    one, two = (load_weights(folder / "weights.pth") for folder in (first, second))
    assert all(torch.equal(value, two[name]) for name, value in one.items())
    assert (first / "journal.jsonl").read_bytes() == (second / "journal.jsonl").read_bytes()


def test_gradients_of_both_and_a_run_whose_rank_dies_and_resumes(torchrun, tmp_path):
    how = dying(tmp_path, rank=1)
    script = [str(HERE / "ranks_at_work.py"), str(tmp_path / "tiny.py")]
    status, said = torchrun(*script, " ".join(train("tiny", "whole")), " ".join(train("dying", "part")))
    assert status == 1, said
    assert_said_once(said, WORDS.format(0) + "checkpoint")
    assert not [rank for rank in (0, 1) if psutil.pid_exists(int((tmp_path / f"pid_{rank}").read_text()))]
    assert_equal_gradients(tmp_path)
    status, said = torchrun("-m", "harness.cli", *train("tiny", "part", "--resume"))
    assert status == 0, said
    assert ": exact" in said, how
    assert_equal_runs(tmp_path / "whole", tmp_path / "part")
    lines = read_journal(tmp_path / "whole/journal.jsonl")
    assert [len(line["bundles"]) for line in lines] == [4] * ITERATIONS
    assert sorted(path.name for path in (tmp_path / "part").iterdir()) == [
        *("checkpoints", "curves.png", "journal.jsonl", "logs", "report.json", "weights.pth")
    ]


def assert_equal_gradients(folder):
    """Compare with one process that has both shares as one batch, each parameter by itself."""
    sys.path.insert(0, str(HERE))
    from ranks_at_work import gradients, network

    ranks = [torch.load(folder / f"gradients_{rank}.pth") for rank in (0, 1)]
    for kind, averaged in ranks[0].items():
        assert all(map(torch.equal, averaged, ranks[1][kind]))
        expected = gradients(network(folder / "tiny.py", kind), range(4))
        errors = [float((found - one).norm() / one.norm()) for found, one in zip(averaged, expected, strict=True)]
        print(f"{kind}: largest relative difference of a parameter's gradient: {max(errors):.1e}")
        assert max(errors) < 1e-5
        assert len(errors) > 80


def test_of_self_training_either_rank_dies_or_all_are_told_to_leave(torchrun, tmp_path, write_png, scale):
    if scale != "soak":
        pytest.skip("eight more jobs of two processes take a minute: make soak")
    dice = np.random.default_rng(0)
    for number in range(5):
        name = f"target/leftImg8bit/train/town/{number}_leftImg8bit.png"
        write_png(tmp_path / name, dice.integers(0, 256, (80, 96, 3)).astype(np.uint8))
    (tmp_path / "adapting.py").write_text(ADAPTING.format(folder=tmp_path, hooks=HOOKS["adapting"]))
    status, said = torchrun("-m", "harness.cli", *train("adapting", "whole"))
    assert status == 0, said
    for turn, how in enumerate(({"rank": 0}, {"rank": 1}, {"rank": 0, "job": True}, {"rank": 1, "job": True})):
        part = f"part{turn}"
        print(dying(tmp_path, base="adapting", **how))
        status, said = torchrun("-m", "harness.cli", *train("dying", part))
        assert status != 0
        if "job" in how:
            done = max((tmp_path / part / "checkpoints").iterdir()).stem.removeprefix("checkpoint_").lstrip("0")
            words = f"stopped after {done} iterations, told to leave; the same command with --resume goes on"
            assert_said_once(said, words)
        else:
            assert_said_once(said, WORDS.format(1 - how["rank"]) + "checkpoint")
        status, said = torchrun("-m", "harness.cli", *train("adapting", part, "--resume"))
        assert status == 0, said
        assert_equal_runs(tmp_path / "whole", tmp_path / part)
