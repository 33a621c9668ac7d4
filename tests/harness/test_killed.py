"""kill -9 of a training process, live: it is resumed and comes to the same parameters, losses and journal."""

import os
import signal
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from harness.checkpoint import load_weights
from harness.journal import read_journal
from harness.training import find_config

ARMS = (
    *(f"dg_{arm}" for arm in ("cosine", "baseline", "unpaired", "l2", "mmd", "js", "contrast", "contrast_control")),
    *(f"uda_{arm}" for arm in ("cosine", "baseline", "l2", "mmd", "contrast")),
)
ITERATIONS = 30
BUNDLES = 64  # 6 before the first iteration, then 2 before each other one
SIZE = 128 * 64 * 26 + 1024
SMALL = {
    "bundle_size": (128, 64),
    "checkpoints": {"interval": 4, "keep": 2, "milestone": 1000},
    "model.data_preprocessor.size": (64, 64),
    "model.decode_head.channels": 8,
    "model.decode_head.in_channels": [8, 16, 40, 64],
    "train_dataloader.dataset.bundle_size": (128, 64),
    "train_dataloader.dataset.capacity": 16,
    "train_dataloader.dataset.first": 6,
    "train_dataloader.dataset.pace": 2.0,
}
TINY = {
    **{"type": "MixVisionTransformer", "in_channels": 3, "embed_dims": 8, "num_stages": 4, "num_layers": [1, 1, 1, 1]},
    **{"num_heads": [1, 2, 5, 8], "patch_sizes": [7, 3, 3, 3], "sr_ratios": [8, 4, 2, 1], "out_indices": (0, 1, 2, 3)},
    "drop_path_rate": 0.1,
}
SIZES = {"CropAll": {"size": (64, 64)}, "Resize": {"scale": (128, 96)}, "RandomCrop": {"crop_size": (64, 64)}}


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_config(folder, arm):
    """Write the arm's small config with a tiny network and small crops, and the target images that it may need."""
    config = Config.fromfile(str(find_config(f"daformer_{arm}_small")))
    config.merge_from_dict(SMALL)
    config.model.backbone = TINY
    dataset = config.train_dataloader.dataset
    steps = list(dataset.pipeline)
    if arm.startswith("uda"):
        images, dice = folder / "target/leftImg8bit/train/town", np.random.default_rng(9)
        images.mkdir(parents=True)
        for number in range(4):
            image = dice.integers(0, 256, (12, 20, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
            assert cv2.imwrite(str(images / f"{number}_leftImg8bit.png"), image)
        dataset.target.data_root = str(folder / "target")
        steps += dataset.target.pipeline
    for step in steps:
        step.update(SIZES.get(step["type"], {}))
    config.dump(str(folder / "tiny.py"))
    return folder / "tiny.py"


class Killed:
    """Bundles of a producer that kills the trainer as it asks for one it had not before: in the middle of anything."""

    def __init__(self, make, moment):
        self.make, self.moment, self.done = make, moment, threading.Event()

    def __call__(self, index, process):
        if index == self.moment and not self.done.is_set():
            self.done.set()
            os.kill(process.pid, signal.SIGKILL)
        return self.make(index)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("arm", ARMS)
def test_killed_and_resumed_equals_uninterrupted(arm, tmp_path, fake_plugin, bundle, scale):
    """E0 for real: one run live; in the soak one from its recording; one killed again and again, and resumed."""
    if scale == "test" and arm != "dg_cosine":
        pytest.skip("trains in processes of its own, so one arm will do; all of them in the soak")
    config = write_config(tmp_path, arm)
    starts = iter(range(10_000))

    def make(index):
        return bundle(index, 64, 128)

    def train(work_dir, source, *more):
        command = [sys.executable, "-m", "harness.cli", "train", str(config), "--from", source]
        command += ["--work-dir", str(work_dir), "--iters", str(ITERATIONS), "--seed", "5", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def run(work_dir, bundles, *more):
        """Train in a process of its own, with two producers, and return its exit status and what it said."""
        endpoint = f"ipc://{tmp_path}/{next(starts)}"
        process = train(work_dir, endpoint, *more)
        plugins = [
            fake_plugin(endpoint, size=SIZE, name=f"{number}", bundles=lambda index: bundles(index, process))
            for number in range(2)
        ]
        said = process.communicate(timeout=280)[0]
        for plugin in plugins:
            plugin.join()
        return process.returncode, said

    whole, recorded, part = (tmp_path / name for name in ("whole", "recorded", "part"))
    recording = tmp_path / "bundles.rec"
    done = threading.Thread(
        target=run, args=(whole, lambda index, process: make(index), "--record", str(recording))
    )  # beside the others
    done.start()

    dice = np.random.default_rng()
    kills = {"test": 1, "soak": 20 if arm == "dg_cosine" else 5}[scale]
    moments = sorted(int(moment) for moment in dice.choice(np.arange(7, BUNDLES), kills, replace=False))
    for moment in [*moments, None]:
        producer = Killed(make, moment)
        resume = ["--resume"] if (part / "checkpoints").exists() and any((part / "checkpoints").iterdir()) else []
        status, said = run(part, producer, *resume)
        assert producer.done.is_set() == (moment is not None)
        assert status == (0 if moment is None else -signal.SIGKILL), said
    assert ": exact" in said
    done.join()
    runs = [whole, part]
    if scale == "soak":
        process = train(recorded, f"file:{recording}")
        said = process.communicate(timeout=280)[0]
        assert process.returncode == 0, said
        runs.append(recorded)
    weights = [load_weights(folder / "weights.pth") for folder in runs]
    journals = [read_journal(folder / "journal.jsonl") for folder in runs]
    for other, journal in zip(weights[1:], journals[1:], strict=True):
        assert other.keys() == weights[0].keys()
        assert all(torch.equal(value, other[name]) for name, value in weights[0].items())
        assert [line["values"] for line in journal] == [line["values"] for line in journals[0]]  # losses and margins
        assert journal == journals[0]  # bundles, crops and hashes
    assert len(journals[0]) == ITERATIONS
    assert (whole / "journal.jsonl").read_bytes() == (part / "journal.jsonl").read_bytes()
    print(f"E0 {arm}: killed at bundles {moments} of {BUNDLES}; {len(runs)} runs of equal parameters and journals")
