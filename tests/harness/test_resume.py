"""A run that was stopped and resumed equals one that never stopped: parameters, losses and journal, bit by bit."""

import contextlib
import itertools
import os

import cv2
import numpy as np
import pytest
import torch

from harness import datasets, training
from harness.cursor import Cursor
from harness.files import written_whole
from harness.journal import Journal, read_journal
from harness.resume import ResumableCheckpoint, StoppedError, check_settings, read_checkpoint, settings
from harness.segmentor import PairSegmentor
from harness.supply import open_stream
from protocols.bundle import encode_bundle
from protocols.errors import InputError
from protocols.recording import RecordingWriter

TINY = {
    **{"type": "MixVisionTransformer", "in_channels": 3, "embed_dims": 8, "num_stages": 4, "num_layers": [1, 1, 1, 1]},
    **{"num_heads": [1, 2, 5, 8], "patch_sizes": [7, 3, 3, 3], "sr_ratios": [8, 4, 2, 1], "out_indices": (0, 1, 2, 3)},
    "drop_path_rate": 0.1,  # by torch's global generator
}
SMALL = {
    "model.decode_head.channels": 8,
    "model.decode_head.in_channels": [8, 16, 40, 64],
    "model.data_preprocessor.size": (64, 64),
    "bundle_size": (128, 64),
    "train_dataloader.dataset.bundle_size": (128, 64),
    "train_dataloader.dataset.capacity": 12,
    "train_dataloader.dataset.first": 3,
    "train_dataloader.dataset.pace": 1.5,
    "train_dataloader.dataset.ordered": True,
}


def small_run(
    work_dir,
    stream,
    monkeypatch,
    *,
    iterations=10,
    checkpoint=None,
    name="daformer_dg_cosine_small",
    endpoint="",
    **more,
):
    """Return a runner on a still stream, and its checkpoint hook."""
    monkeypatch.setattr(datasets, "open_stream", stream)
    config = training.load_config(name, {**SMALL, **more}, work_dir / "logs")
    for step in config.train_dataloader.dataset.pipeline:
        if "size" in step:
            step["size"] = (64, 64)
    if "target" in config.train_dataloader.dataset:
        look_at_targets(config.train_dataloader.dataset.target, work_dir)
    config.model.backbone = TINY
    for key in ("val_dataloader", "val_cfg", "val_evaluator"):
        config[key] = None
    training.set_seed(config, 5)
    training.set_iterations(config, iterations)
    config.train_dataloader.dataset.resume_from = checkpoint
    config.train_dataloader.dataset.endpoint = endpoint
    config.custom_hooks.append({"type": "ResumableCheckpoint", "interval": 4, "keep": 2, "resume_from": checkpoint})
    runner = training.build_runner(config)
    return runner, next(hook for hook in runner.hooks if isinstance(hook, ResumableCheckpoint))


def look_at_targets(target, work_dir):
    """Give a run target images of its own place: the same ones as every other run has."""
    folder, dice = work_dir / "target/leftImg8bit/train/town", np.random.default_rng(9)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(4):
        image = dice.integers(0, 256, (12, 20, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        cv2.imwrite(str(folder / f"{number}_leftImg8bit.png"), image)
    target.data_root = str(work_dir / "target")
    for step in target.pipeline:
        step.update({"scale": (128, 96)} if step["type"] == "Resize" else {})
        step.update({"crop_size": (64, 64)} if step["type"] == "RandomCrop" else {})


def finished(runner, work_dir):
    """Return what a run came to: parameters, values an iteration, the journal's bytes."""
    runner.train()
    history = training.live_progress(runner).history
    for entry in history:
        del entry["seconds"], entry["wait_share"]
    return runner.model.state_dict(), history, (work_dir / "journal.jsonl").read_bytes()


def assert_equal_runs(first, second):
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(value, second[0][key]) for key, value in first[0].items())
    assert first[1] == second[1]
    assert first[2] == second[2]


@pytest.fixture
def recorded(tmp_path, bundle):
    """Return a function that records bundles but the broken ones, and returns the file's endpoint."""

    def record(count, broken):
        file = tmp_path / "bundles.rec"
        with open(file, "xb+", buffering=0) as out:
            writer = RecordingWriter(out)
            for index in sorted(set(range(count)) - broken):
                writer.append(encode_bundle(bundle(index, 64, 128), mask_codec="zstd"))
            writer.close()
        return f"file:{file}"

    return record


def arms(scale):
    """Return the arms that ship, but those of other sources; by default one of each kind."""
    shipped = [path.name for path in training.find_config("daformer_dg_cosine").parent.glob("daformer_*_small.py")]
    names = sorted(name.removeprefix("daformer_").removesuffix("_small.py") for name in shipped)
    found = [name for name in names if not name.endswith(("gta", "synthia"))]
    return found if scale == "soak" else [arm for arm in found if arm in ("dg_contrast", "dg_unpaired", "uda_cosine")]


def test_each_arm_is_the_same_uninterrupted_recorded_and_resumed(
    tmp_path, bundle, still_stream, recorded, monkeypatch, scale
):
    """E0: one run from a stream, one from a stream and, after it died without a word, from a recording."""
    iterations, pace = (30, 2.0) if scale == "soak" else (10, 1.5)
    broken = {9}  # a bundle that no producer can make is no gap
    recording, dice = recorded(64, broken), np.random.default_rng()
    for arm in arms(scale):
        kwargs = {"name": f"daformer_{arm}_small", "iterations": iterations}
        kwargs["train_dataloader.dataset.pace"] = pace
        runner, _ = small_run(tmp_path / arm / "whole", still_stream(bundle, broken=broken), monkeypatch, **kwargs)
        whole = finished(runner, tmp_path / arm / "whole")
        assert len(whole[1]) == iterations
        for turn in range(3 if scale == "soak" else 1):
            part, moment = tmp_path / arm / f"part{turn}", int(dice.integers(1, iterations))
            runner, _ = small_run(part, still_stream(bundle, broken=broken), monkeypatch, **kwargs)
            with monkeypatch.context() as patch:
                patch.setattr(type(runner.train_dataloader.dataset), "_fill", dies_at(moment))
                with pytest.raises(ZeroDivisionError):
                    runner.train()
            saved = part / f"checkpoints/checkpoint_{moment // 4 * 4:07d}.pth"
            runner, keeper = small_run(
                part, open_stream, monkeypatch, checkpoint=str(saved), endpoint=recording, **kwargs
            )
            said = []
            keeper.say = said.append
            assert_equal_runs(whole, finished(runner, part))
            assert said == [f"resumed at iteration {moment // 4 * 4}: exact"]
            assert keeper.resumes == [moment // 4 * 4]
        print(f"E0 {arm}: {iterations} iterations, equal parameters, losses and journals; died at {moment}")


def dies_at(iteration):
    fill = datasets.StreamedBundles._fill

    def _fill(self, number):
        if number == iteration:
            raise ZeroDivisionError
        fill(self, number)

    return _fill


@pytest.mark.parametrize("moment", ["after an iteration", "while waiting"])
def test_told_to_leave_it_writes_a_checkpoint_first(moment, tmp_path, bundle, still_stream, monkeypatch):
    whole = finished(small_run(tmp_path / "whole", still_stream(bundle), monkeypatch)[0], tmp_path / "whole")
    part = tmp_path / "part"
    stream = still_stream(bundle)
    runner, keeper = small_run(part, stream, monkeypatch)
    dataset = runner.train_dataloader.dataset
    if moment == "while waiting":
        keeper.told = lambda: len(stream.taken) == 11  # in the middle of filling
    else:
        keeper.told = lambda: bool(dataset.used) and runner.iter == 5
    with pytest.raises(StoppedError, match=r"stopped after \d iterations.*--resume"):
        runner.train()
    saved = sorted((part / "checkpoints").iterdir())[-1]
    runner, _ = small_run(part, still_stream(bundle), monkeypatch, checkpoint=str(saved))
    assert_equal_runs(whole, finished(runner, part))


def test_bundles_that_come_back_other_make_a_resume_approximate(tmp_path, bundle, still_stream, monkeypatch):
    runner, _ = small_run(tmp_path, still_stream(bundle), monkeypatch, iterations=8)
    runner.train()
    saved = str(tmp_path / "checkpoints/checkpoint_0000004.pth")
    for stream, words in (
        (still_stream(bundle, changed={1, 3}), "0 could not be had again, 2 came with other pixels"),
        (still_stream(bundle, broken={0, 2, 5}), "3 could not be had again, 0 came with other pixels"),
    ):
        runner, keeper = small_run(tmp_path, stream, monkeypatch, iterations=8, checkpoint=saved)
        said = []
        keeper.say = said.append
        runner.train()
        assert len(said) == 1
        assert words in said[0]


def test_checkpoints_are_few_and_whole(tmp_path, bundle, still_stream, monkeypatch):
    stream, waits = still_stream(bundle), []
    runner, keeper = small_run(tmp_path, stream, monkeypatch, iterations=20)
    keeper.milestone = 8
    keeper.waiting = lambda: waits.append(1)
    runner.train()
    assert len(waits) == len(stream.taken)  # once for each bundle asked for, here
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == [f"checkpoint_{number:07d}.pth" for number in (8, 16, 20)]
    lines = read_journal(tmp_path / "journal.jsonl")
    assert [line["iteration"] for line in lines] == list(range(20))
    assert {len(line["bundles"]) for line in lines} == {2}
    assert lines[3]["bundles"][0].keys() >= {"index", "digest", "appearances", "wanted"}
    assert lines[3]["values"]["loss_ce"] == training.live_progress(runner).history[3]["loss_ce"]


def test_failed_writing_leaves_the_old_file(tmp_path):
    file = tmp_path / "one"
    file.write_text("old")
    with contextlib.suppress(ZeroDivisionError), written_whole(file) as scratch:
        scratch.write_text("half")
        raise ZeroDivisionError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with written_whole(file) as scratch:
        scratch.write_text("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_settings_that_differ_are_refused_by_name(tmp_path, bundle, still_stream, monkeypatch):
    runner, _ = small_run(tmp_path, still_stream(bundle), monkeypatch, iterations=4)
    runner.train()
    saved = str(tmp_path / "checkpoints/checkpoint_0000004.pth")
    runner, _ = small_run(
        tmp_path,
        still_stream(bundle),
        monkeypatch,
        iterations=4,
        checkpoint=saved,
        **{"model.consistency.loss_weight": 9.0},
    )
    with pytest.raises(InputError, match=r"1 other: model.consistency.loss_weight: 0.1 then, 9.0 now"):
        runner.train()


def test_other_weights_of_the_frozen_encoder_are_refused(tmp_path, bundle, still_stream, monkeypatch):
    """They are in no checkpoint, and have a part in what is learnt: the same file name is not enough."""
    monkeypatch.setattr(PairSegmentor, "frozen_digest", "a" * 64)
    runner, _ = small_run(tmp_path, still_stream(bundle), monkeypatch, iterations=4)
    runner.train()
    saved = str(tmp_path / "checkpoints/checkpoint_0000004.pth")
    monkeypatch.setattr(PairSegmentor, "frozen_digest", "b" * 64)
    runner, _ = small_run(tmp_path, still_stream(bundle), monkeypatch, iterations=4, checkpoint=saved)
    with pytest.raises(InputError, match=r"the ImageNet weights that it began with \(a{12}\).*got others \(b{12}\)"):
        runner.train()


def test_settings_of_no_consequence_may_differ(tmp_path):
    same = {"train_dataloader": {"dataset": {"endpoint": "tcp://a", "seed": 1}}, "work_dir": "x"}
    other = {"train_dataloader": {"dataset": {"endpoint": "tcp://b", "seed": 1}}, "work_dir": "y"}
    check_settings(tmp_path, settings(same), settings(other))


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_hostile_checkpoint_runs_nothing(tmp_path, bundle, still_stream, monkeypatch):
    file = tmp_path / "checkpoint_0000001.pth"
    torch.save({"stream": Trap(tmp_path / "sprung")}, file)
    with pytest.raises(InputError, match="nothing else"):
        small_run(tmp_path, still_stream(bundle), monkeypatch, checkpoint=str(file))
    with pytest.raises(InputError, match="nothing else"):
        read_checkpoint(file)
    with pytest.raises(InputError, match="nothing else"):
        small_run(tmp_path, still_stream(bundle), monkeypatch, load_from=str(file))
    assert not (tmp_path / "sprung").exists()


def test_checkpoint_that_is_none_is_refused_in_words(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="expected a checkpoint of a run"):
        read_checkpoint(tmp_path / "weights.pth")


def test_run_is_never_written_over(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(InputError, match="found none; begin without --resume"):
        training._checkpoint(tmp_path, resume=True)
    assert training._checkpoint(tmp_path, resume=False) is None
    for number in (9, 10, 1000):
        (tmp_path / f"checkpoints/checkpoint_{number:07d}.pth").touch()
    assert training._checkpoint(tmp_path, resume=True).endswith("checkpoint_0001000.pth")
    with pytest.raises(InputError, match="a run stands here already"):
        training._checkpoint(tmp_path, resume=False)


def test_journal_is_cut_to_the_checkpoint(tmp_path):
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    journal.write(0, [], {"loss": 0.1})
    length = journal.settle()
    journal.write(1, [], {"loss": 0.2})
    journal.close()
    journal = Journal(file, length)
    journal.write(1, [], {"loss": 0.3})
    journal.close()
    assert [line["values"]["loss"] for line in read_journal(file)] == [0.1, 0.3]
    with open(file, "ab") as half:
        half.write(b'{"iteration":2,"bun')
    assert len(read_journal(file)) == 2
    with pytest.raises(InputError, match="expected at least the 9999 bytes"):
        Journal(file, 9999)
    with contextlib.suppress(InputError):
        Journal(tmp_path / "no/such/journal")


def test_cursor_against_sets():
    dice = np.random.default_rng(0)
    for _ in range(50):
        cursor, taken = Cursor(), set()
        for index in dice.permutation(30)[: dice.integers(30)]:
            cursor.add(int(index))
            taken.add(int(index))
        again = [int(index) for index in dice.permutation(sorted(taken))[:3]] if taken else []
        ranges = Cursor(**{"start": cursor.next, "beyond": cursor.state_dict()["beyond"]}).wanted(again)
        assert ranges[-1][1] is None
        assert all(stop < start for (_, stop), (start, _) in itertools.pairwise(ranges))
        found = {n for n in range(40) if any(start <= n < (99 if stop is None else stop) for start, stop in ranges)}
        assert found == set(range(40)) - (taken - set(again))
