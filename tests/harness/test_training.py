"""Training through mmengine's Runner, from a producer over a real socket to the weights; and how it fails."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

from harness import training
from harness.checkpoint import load_weights
from harness.hooks import TimeBudget
from protocols.errors import InputError
from protocols.labels import NAMES_16

SMALL = {
    "model.backbone.pretrained": False,
    "model.decode_head.channels": 8,
    "model.data_preprocessor.size": (32, 32),
    "bundle_size": (64, 32),
    "train_dataloader.dataset.bundle_size": (64, 32),
    "train_dataloader.dataset.capacity": 6,
    "train_dataloader.dataset.first": 3,
    "train_dataloader.dataset.first_patience_s": 20,
    "val_dataloader.dataset.bundle_size": (64, 32),
    "val_dataloader.dataset.count": 3,
}
SIZE = 64 * 32 * 26 + 1024


def small_config(tmp_path, iterations=4, **more):
    config = training.load_config("daformer_dg_cosine_small", {**SMALL, **more}, tmp_path)
    config.train_dataloader.dataset.pipeline[2]["size"] = (32, 32)
    training.set_seed(config, 5)
    training.set_iterations(config, iterations)
    config.custom_hooks[1]["interval"] = 2
    config.custom_hooks.append({"type": "SaveWeights"})
    return config


@pytest.fixture
def built(tmp_path):
    """Return a function that builds Runners whose streams are closed at the end."""
    with contextlib.ExitStack() as stack:

        def build(**more):
            runner = training.build_runner(small_config(tmp_path, **more))
            stack.callback(runner.train_dataloader.dataset.stream.close)
            stack.callback(runner.val_dataloader.dataset.stream.close)
            return runner

        yield build


def test_runner_from_stream_to_weights(built, fake_plugin, bundle, tmp_path):
    runner = built()
    test, train = runner.val_dataloader.dataset, runner.train_dataloader.dataset
    fake_plugin(test.stream.endpoint, size=SIZE, name="test@1", bundles=lambda index: bundle(index, other=1000))
    test.fill()
    fake_plugin(train.stream.endpoint, size=SIZE)
    seen = []
    train.watchers.append(lambda one: seen.append(one.header.index))
    before = runner.val_loop.run()
    runner.train()
    live = training.live_progress(runner)
    assert [len(test.bundles), len(live.history), len(live.validations)] == [3, 4, 2]
    assert live.validations[0] == before
    assert all(0 <= value <= 16 for value in before.values())
    assert live.history[-1].keys() >= {"loss_ce", "loss_consistency", "margin_1", "wait_share", "bundles", "seconds"}
    assert seen == list(range(len(seen)))  # each once, in order
    assert train.reservoir.draws == 8
    weights = load_weights(tmp_path / "weights.pth")
    assert all(torch.equal(value, weights[name]) for name, value in runner.model.state_dict().items())
    assert live.rss_mb_max > 50


def test_with_a_pace_the_run_repeats_itself(tmp_path, fake_plugin):
    histories = []
    for turn in range(2):
        config = small_config(tmp_path / str(turn), iterations=3, **{"train_dataloader.dataset.pace": 1.5})
        for key in ("val_dataloader", "val_cfg", "val_evaluator"):
            config[key] = None
        runner = training.build_runner(config)
        fake_plugin(runner.train_dataloader.dataset.stream.endpoint, size=SIZE, name=f"fake@{turn}")
        runner.train()
        runner.train_dataloader.dataset.stream.close()
        history = training.live_progress(runner).history
        histories.append([(entry["loss_ce"], entry["loss_consistency"], entry["bundles"]) for entry in history])
    assert histories[0] == histories[1]
    assert [entry[2] for entry in histories[0]] == [3, 4, 6]


def test_minutes_end_the_run_and_stretch_the_schedule(tmp_path, fake_plugin):
    ticks = itertools.count()  # a clock on which each iteration takes a second: the machine's speed plays no part
    config = small_config(tmp_path, iterations=100_000)
    for key in ("val_dataloader", "val_cfg", "val_evaluator"):
        config[key] = None
    runner = training.build_runner(config)
    runner.register_hook(TimeBudget(minutes=0.2, settle=2, clock=lambda: float(next(ticks))))
    rates = []
    runner.register_hook(_Watch(lambda: rates.append(runner.optim_wrapper.param_groups[0]["lr"])), "LOWEST")
    fake_plugin(runner.train_dataloader.dataset.stream.endpoint, size=SIZE)
    runner.train()
    runner.train_dataloader.dataset.stream.close()
    assert len(training.live_progress(runner).history) == 12
    assert runner.max_iters == 12
    # from the third iteration on the schedule knows that there will be 12; the warm-up of 50 multiplies all of them
    expected = [2e-4 * (1 - done / 12) ** 0.9 * done / 50 for done in range(3, 12)]
    assert rates[2:11] == pytest.approx(expected, rel=1e-4)


class _Watch(Hook):
    """Call a function after each iteration."""

    def __init__(self, call):
        self._call = call

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._call()


def test_bundle_of_another_size_is_refused_in_words(built, fake_plugin, bundle):
    runner = built()
    fake_plugin(
        runner.train_dataloader.dataset.stream.endpoint, size=SIZE, bundles=lambda index: bundle(index, width=32)
    )
    with pytest.raises(InputError, match=r"expects bundle_size \(64, 32\), got \(32, 32\)"):
        runner.train()


def test_bundles_are_not_fetched_by_worker_processes(built):
    from torch.utils.data import DataLoader

    dataset = built().train_dataloader.dataset
    dataset.watchers.clear()
    with pytest.raises(InputError, match="num_workers: expected 0"):
        next(iter(DataLoader(_Pretender(dataset), num_workers=1, batch_size=None)))


class _Pretender(torch.utils.data.IterableDataset):
    """Ask in a worker process; the stream itself stays behind."""

    def __init__(self, dataset):
        self._iter = type(dataset).__iter__

    def __iter__(self):
        return self._iter(self)


ARMS = ("baseline", "unpaired", "l2", "mmd", "cosine", "js", "contrast", "contrast_control")


@pytest.mark.parametrize("arm", ARMS)
def test_each_arm_has_a_full_config_and_a_small_twin(arm, tmp_path):
    full, small = (training.load_config(f"daformer_dg_{arm}{kind}", {}, tmp_path) for kind in ("", "_small"))
    for config in (full, small):
        dataset = config.train_dataloader.dataset
        assert config.model.type == "PairSegmentor"
        assert config.model.decode_head.num_classes == 16
        assert ("consistency" in config.model) == (arm not in ("baseline", "unpaired"))
        assert dataset.batch_size == config.train_dataloader.batch_size
        # each arm sees as many images a step
        assert dataset.batch_size * dataset.pipeline[0]["count"] == 4
        assert [step["type"] for step in dataset.pipeline][-2:] == ["DistortEach", "PackAppearances"]
    free = {"positions": 0, "normalised": False}  # the small encoder's stages do not end in a layer norm
    one, two = ({**config.model.get("consistency", {}), **free} for config in (full, small))
    assert one == two
    assert full.model.feature_distance.loss_weight == 0.005
    assert full.train_dataloader.dataset.pipeline[0]["reference"] == "noon"
    assert full.optim_wrapper.type == "AutocastOptimWrapper"


RIVALS = {"gta": (1914, 1052), "synthia": (1280, 760)}
"""Labelled folders in place of bundles, and the size of their images as published."""


@pytest.mark.parametrize("rival", RIVALS)
def test_each_rival_learns_as_the_arms_do(rival, tmp_path):
    for kind in ("", "_small"):
        config, other = (
            training.load_config(f"daformer_dg_{name}{kind}", {}, tmp_path) for name in (rival, "unpaired")
        )
        dataset, theirs = config.train_dataloader.dataset, other.train_dataloader.dataset
        assert dataset.endpoint.startswith(f"{rival}:")
        assert dataset.bundle_size == config.val_dataloader.dataset.bundle_size
        width, height = dataset.bundle_size
        assert height == round(width * RIVALS[rival][1] / RIVALS[rival][0])
        assert dataset.get("dropped_classes", []) == (["truck"] if rival == "synthia" else [])
        assert (dataset.min_appearances, dataset.batch_size, config.train_dataloader.batch_size) == (1, 4, 4)
        assert dataset.pipeline[0] == {"type": "DrawAppearances", "count": 1}
        assert dataset.pipeline[1:] == theirs.pipeline[1:]
        for key in ("max_iters", "seed", "model", "optim_wrapper", "param_scheduler", "train_cfg"):
            assert config[key] == other[key], key
        free = ("endpoint", "bundle_size", "dropped_classes", "min_appearances", "max_appearances", "pipeline")
        own = {key for key in {*dataset, *theirs} - {*free} if dataset.get(key) != theirs.get(key)}
        assert own == ({"capacity", "pace", "ordered"} if kind == "" else set())


UDA = ("baseline", "l2", "mmd", "cosine", "contrast", *RIVALS)


@pytest.mark.parametrize("arm", UDA)
def test_each_self_training_config_adds_a_target_to_its_twin_without(arm, tmp_path):
    for kind in ("", "_small"):
        config, other = (training.load_config(f"daformer_{how}_{arm}{kind}", {}, tmp_path) for how in ("uda", "dg"))
        dataset, theirs = config.train_dataloader.dataset, other.train_dataloader.dataset
        assert config.model.type == "SelfTrainingSegmentor"
        assert config.model.get("consistency") == other.model.get("consistency")
        assert config.model.decode_head == other.model.decode_head
        assert config.model.get("feature_distance") == other.model.get("feature_distance")
        assert (config.optim_wrapper, config.param_scheduler) == (other.optim_wrapper, other.param_scheduler)
        assert (dataset.batch_size, config.train_dataloader.batch_size) == (2, 2)  # a target image beside each
        assert (dataset.endpoint, dataset.bundle_size) == (theirs.endpoint, theirs.bundle_size)
        assert dataset.get("dropped_classes") == theirs.get("dropped_classes")
        steps = [step for step in theirs.pipeline if step["type"] != "DistortEach"]
        assert dataset.pipeline == steps
        assert dataset.target.pipeline[-1]["type"] == "PackTarget"
        crops = [step["crop_size"] for step in dataset.target.pipeline if step["type"] == "RandomCrop"]
        assert crops == [dataset.pipeline[2]["size"]]
        assert [hook["type"] for hook in config.custom_hooks] == ["LiveProgress", "MarginProbe", "FollowStudent"]


def test_published_self_training_has_the_published_values(tmp_path):
    config = training.load_config("daformer_uda_cosine", {}, tmp_path)
    assert config.model.threshold == 0.968
    assert config.custom_hooks[2] == {"type": "FollowStudent", "alpha": 0.999}
    steps = config.train_dataloader.dataset.target.pipeline
    assert [step["type"] for step in steps] == [
        *("LoadImageFromFile", "Resize", "RandomCrop", "RandomFlip", "IgnoreMargins", "PackTarget"),
    ]
    assert (steps[1]["scale"], steps[2]["crop_size"], steps[3]["prob"]) == ((1024, 512), (512, 512), 0.5)
    assert (steps[4]["top"], steps[4]["bottom"]) == (15, 120)


def test_every_config_is_an_arm_or_a_rival():
    names = {path.stem for path in Path(training.find_config("daformer_dg_cosine")).parent.glob("*.py")}
    arms = [f"dg_{arm}" for arm in (*ARMS, *RIVALS)] + [f"uda_{arm}" for arm in UDA]
    assert names == {f"daformer_{arm}{kind}" for arm in arms for kind in ("", "_small")}


def test_published_config_has_the_published_values(tmp_path):
    config = training.load_config("daformer_dg_cosine", {}, tmp_path)
    assert config.model.decode_head.channels == 256
    assert config.optim_wrapper.optimizer.lr == 6e-5
    assert config.optim_wrapper.paramwise_cfg.custom_keys["head"].lr_mult == 10
    assert config.param_scheduler[0] == {
        **{"type": "WarmupPolyLR", "by_epoch": False, "total": 40_000, "warmup": 1500, "ratio": 1e-6, "power": 1.0}
    }
    assert config.train_dataloader.dataset.pipeline[2]["size"] == (512, 512)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("daformer", {}, "expected a file or one of daformer_dg_baseline, "),
        ("no/such.py", {}, "expected a file, found none"),
        ("daformer_dg_cosine_small", {"model.backbone.type": "Nonsense"}, "Nonsense"),
        ("daformer_dg_cosine_small", {"model.backbone.colour": 3}, "colour"),
        ("daformer_dg_cosine_small", {"train_dataloader.dataset.endpoint": "tcp://0.0.0.0:1"}, "this machine only"),
    ],
)
def test_wrong_configs_are_refused_in_words(name, options, words, tmp_path):
    with pytest.raises(InputError, match=words):
        training.build_runner(training.load_config(name, options, tmp_path))


def test_config_that_is_no_python(tmp_path):
    (tmp_path / "bad.py").write_text("model = (\n")
    with pytest.raises(InputError, match="SyntaxError"):
        training.load_config(str(tmp_path / "bad.py"), {}, tmp_path)


def test_options_are_read_as_mmengine_reads_them():
    assert training.parse_options(["a.b=1e-3", "c=[1,2]"]) == {"a.b": 1e-3, "c": [1, 2]}
    with pytest.raises(InputError, match="KEY=VALUE"):
        training.parse_options(["nonsense"])


def test_weights_are_read_without_running_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    torch.save({"weight": Trap()}, tmp_path / "hostile.pth")
    with pytest.raises(InputError, match="nothing else"):
        load_weights(tmp_path / "hostile.pth")
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(InputError, match="No such file"):
        load_weights(tmp_path / "missing.pth")


def test_train_command_from_socket_to_report(tmp_path, fake_plugin):
    endpoint = f"ipc://{tmp_path}/bundles"
    options = [f"{key}={value}".replace(" ", "") for key, value in SMALL.items()]
    arguments = ["train", "daformer_dg_cosine_small", "--from", endpoint, "--work-dir", str(tmp_path / "out")]
    arguments += ["--iters", "3", "--seed", "2", "--cfg-options", *options]
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    lines = []
    listening = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            listening.set()
        listening.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert listening.wait(60)
    fake_plugin(endpoint, size=SIZE)
    assert process.wait(60) == 0
    reader.join()
    assert lines[0].startswith(f"listening at {endpoint}")
    values = json.loads((tmp_path / "out/report.json").read_text())
    assert values["iterations"] == 3
    assert values["seed"] == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("checkpoints", "curves.png", "journal.jsonl", "logs", "report.json", "weights.pth")
    ]
    assert not list(home.iterdir())
    assert not (tmp_path / "bundles").exists()


def test_full_recipe_runs_with_weights_of_ones_own(tmp_path, fake_plugin):
    """The full config, with MiT-B0 from a file and small crops: every part of the recipe is at work."""
    from harness.mix_transformer import MixTransformer

    torch.save(MixTransformer("B0").state_dict(), tmp_path / "mit_b0.pth")
    options = {
        "model.backbone.variant": "B0",
        "model.backbone.weights": str(tmp_path / "mit_b0.pth"),
        "model.decode_head.in_channels": [32, 64, 160, 256],
        "model.decode_head.channels": 8,
        "model.data_preprocessor.size": (32, 32),
        "model.feature_distance.min_share": 0.0,
        "model.feature_distance.classes": NAMES_16,
        "train_dataloader.dataset.bundle_size": (64, 32),
        "train_dataloader.dataset.pipeline.2.size": (32, 32),
        "train_dataloader.dataset.capacity": 6,
        "train_dataloader.dataset.first": 3,
        "train_dataloader.dataset.endpoint": f"ipc://{tmp_path}/bundles",
        **dict.fromkeys(("val_dataloader", "val_cfg", "val_evaluator")),
    }
    config = training.load_config("daformer_dg_contrast", options, tmp_path)
    training.set_iterations(config, 5)
    runner = training.build_runner(config)
    fake_plugin(runner.train_dataloader.dataset.stream.endpoint, size=SIZE)
    runner.train()
    runner.train_dataloader.dataset.stream.close()
    history = training.live_progress(runner).history
    assert len(history) == 5
    assert all(entry.keys() >= {"loss_ce", "loss_consistency", "loss_features"} for entry in history)
    assert 0 < max(entry["loss_features"] for entry in history) < 10
    groups = {round(group["initial_lr"] * 1e5): group for group in runner.optim_wrapper.param_groups}
    assert groups.keys() == {6, 60}
    of = {id(parameter): group for group in runner.optim_wrapper.param_groups for parameter in group["params"]}
    named = {name: of[id(parameter)] for name, parameter in runner.model.named_parameters()}
    assert named["decode_head.bottleneck.bn.weight"]["weight_decay"] == 0.01  # as published: the head's norms decay
    layers = [module for module in runner.model.backbone.modules() if isinstance(module, torch.nn.LayerNorm)]
    norms = {id(parameter) for layer in layers for parameter in layer.parameters()}
    spared = {name for name, group in named.items() if group["weight_decay"] == 0}
    assert "backbone.layers.0.2.weight" in spared  # the norm that closes a stage
    assert spared == {name for name, parameter in runner.model.named_parameters() if id(parameter) in norms}
    assert named["backbone.layers.0.1.0.attn.attn.in_proj_weight"]["weight_decay"] == 0.01


def test_full_recipe_without_weights_is_refused_in_words(tmp_path):
    options = {"model.backbone.variant": "B0", **dict.fromkeys(("val_dataloader", "val_cfg", "val_evaluator"))}
    options["train_dataloader.dataset.endpoint"] = f"ipc://{tmp_path}/bundles"
    options["train_dataloader.dataset.capacity"] = 2
    options["model.decode_head.in_channels"] = [32, 64, 160, 256]
    runner = training.build_runner(training.load_config("daformer_dg_cosine", options, tmp_path))
    try:
        with pytest.raises(InputError, match=r"set model.backbone.weights=FILE, or model.feature_distance=None"):
            runner.train()
    finally:
        runner.train_dataloader.dataset.stream.close()
