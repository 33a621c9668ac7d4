"""Each arm trains: its losses are finite and reach the trunk; one that is far too strong rings the alarm."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from harness.alarm import MarginAlarm
from harness.chance import chance, reseed
from harness.datasets import as_results, collate_appearances
from harness.receiver import BundleStream
from harness.scoring import score
from harness.training import find_config

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = Path(os.environ.get("MANYSKIES_REALSTREETS", ROOT.parent / "shared/data/realstreets"))
SKIES = ("noon", "sunset", "night", "fog", "rain")
SEEN, HELD_OUT = ("noon", "sunset", "fog"), ("night", "rain")
ARMS = ("baseline", "unpaired", "l2", "mmd", "cosine", "js", "contrast", "contrast_control")


def trained(arm, bundle, alarm, iterations, weight=None, features=False):
    """Train the small config on crops of bundles in this process; return the model and the last values logged."""
    from mmengine.optim import OptimWrapper
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS, TRANSFORMS

    config = Config.fromfile(str(find_config(f"daformer_dg_{arm}_small")))
    init_default_scope("mmseg")
    config.model.data_preprocessor.size = (64, 64)
    config.model.decode_head.channels = 16
    dataset = config.train_dataloader.dataset
    dataset.pipeline[2]["size"] = (64, 64)
    if weight is not None:
        config.model.consistency.loss_weight = weight
    if features:
        config.model.feature_distance = {"type": "FeatureDistance", "min_share": 0.3}
        dataset.pipeline[0]["reference"] = "noon"
    torch.manual_seed(0)
    model = MODELS.build(config.model).train()
    model.init_weights()
    heads, trunk = model.decode_head.parameters(), model.backbone.parameters()
    optimizer = torch.optim.AdamW([{"params": trunk, "lr": 2e-4}, {"params": heads, "lr": 2.5e-3}], weight_decay=0.01)
    wrapper = OptimWrapper(optimizer)
    pipeline = [TRANSFORMS.build(step) for step in dataset.pipeline]
    for iteration in range(iterations):
        reseed(0, iteration)
        samples = []
        for place in range(dataset.batch_size):
            # the same crops again and again, for the margin not to change with what they show
            sample = as_results(bundle(place, 96, 128, coarse=16), -1, chance(0, 2, 0, place))
            for step in pipeline:
                sample = step.transform(sample)
            samples.append(sample)
        logged = model.train_step(collate_appearances(samples), wrapper)
        alarm.add({key: float(value) for key, value in logged.items()})
    return model, logged


def test_alarm_fires_on_cosine_ten_and_stays_silent_on_the_baseline(bundle, scale):
    """The soak has the alarm's own windows; the default has windows a tenth as long, to be done in seconds."""
    windows, iterations = ((), 300) if scale == "soak" else ((3, 4), 16)
    quiet, loud = MarginAlarm(*windows), MarginAlarm(*windows)
    trained("baseline", bundle, quiet, iterations)
    assert quiet.rung == []
    trained("cosine", bundle, loud, iterations, weight=10.0)
    assert "margin of stage 3 fell below half of its first value" in loud.rung


@pytest.mark.parametrize("arm", ARMS)
def test_each_arm_trains(arm, bundle, scale, tmp_path):
    """One step of the whole recipe; in the soak the two that matter most train long, live, on the simulator."""
    model, logged = trained(arm, bundle, MarginAlarm(), 1, features=True)
    wanted = {"loss_ce", "loss_features"} | ({"loss_consistency"} if arm not in ("baseline", "unpaired") else set())
    assert {key for key in logged if "loss" in key} == wanted | {"loss"}
    assert all(math.isfinite(float(value)) for value in logged.values())
    assert all(float(logged[key]) > 0 for key in wanted - {"loss_consistency"})
    assert abs(float(logged.get("loss_consistency", 1.0))) > 1e-5
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    if scale == "soak" and arm in ("baseline", "cosine"):
        command = [sys.executable, "-m", "harness.cli", "demo", "--config", f"daformer_dg_{arm}_small"]
        subprocess.run([*command, "--iters", "2000", "--out", str(tmp_path)], check=True)
        found = json.loads((tmp_path / "report.json").read_text())
        print(f"{arm}: 2000 iterations, mIoU {found['miou_after']:.3f}, alarms {found['alarms']}")
        assert found["alarms"] == []
        assert found["miou_after"] > max(found["miou_before"], found["baseline_colour"]["all"])


def record(file, scenario, appearances, count, simulator):
    """Record bundles of a shipped scenario under some skies, of the embedded simulator."""
    text = (ROOT / f"scenarios/{scenario}.yaml").read_text()
    skies = f"appearances: [{', '.join(SKIES)}]"
    assert skies in text
    brief = file.with_suffix(".yaml")
    brief.write_text(text.replace(skies, f"appearances: [{', '.join(appearances)}]"))
    with BundleStream("tcp://127.0.0.1:*", ordered=True, record=file, wanted=((0, count),)) as stream:
        command = [sys.executable, "-m", "carla_plugin.cli", "stream", str(brief), "--server", simulator.address]
        command += ["--to", stream.endpoint, "--bundles", str(count), "--stay-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as plugin:
            names = [bundle.header.appearances for bundle in stream]
            plugin.wait(120)  # with its standard input open: the end of that is the order to leave
            said = plugin.stderr.read()
    assert plugin.returncode == 0, said
    assert set(names) == {appearances}
    assert len(names) >= 0.95 * count  # a moment may be refused, and is never made up for


def untrained(folder, tests):
    """Return what a network scores that has learnt nothing but ImageNet."""
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    init_default_scope("mmseg")
    torch.manual_seed(1)
    model = MODELS.build(Config.fromfile(str(find_config("daformer_dg_baseline_small"))).model)
    model.init_weights()
    torch.save(model.state_dict(), folder / "untrained.pth")
    scores = {
        name: score("daformer_dg_baseline_small", folder / "untrained.pth", quiet=True, **test)
        for name, test in tests.items()
    }
    return {name: values["groups"]["all"]["sixteen_ignore"]["mIoU"] for name, values in scores.items()}


def test_each_arm_on_unseen_streets_under_unseen_skies_and_on_photographs(scale, tmp_path, run_simulator):
    """All arms learn from one recording under three skies, and are scored on what none of them saw."""
    if scale != "soak":
        pytest.skip("trains eight arms for 300 iterations each, an hour on two cores: make soak")
    iterations, trained_on, tested_on = 300, 160, 24
    train, test = tmp_path / "train.rec", tmp_path / "test.rec"
    with run_simulator() as simulator:
        record(train, "town", SEEN, trained_on, simulator)
        record(test, "town_unseen", SKIES, tested_on, simulator)
    tests = {
        "seen": {"data": "recording", "root": str(test), "groups": SEEN},
        "held_out": {"data": "recording", "root": str(test), "groups": HELD_OUT},
    }
    if PHOTOGRAPHS.is_dir():
        tests["photographs"] = {"data": "folder", "root": str(PHOTOGRAPHS)}
    else:
        print(f"no photographs at {PHOTOGRAPHS}; set MANYSKIES_REALSTREETS")
    spec, out = tmp_path / "spec.py", tmp_path / "out"
    arms = {arm: f"daformer_dg_{arm}_small" for arm in ARMS}
    spec.write_text(
        f"arms = {arms!r}\nseeds = [1]\nsource = 'file:{train}'\niterations = {iterations}\ntests = {tests!r}\n"
    )
    subprocess.run([sys.executable, "-m", "harness.cli", "compare", str(spec), "--out", str(out)], check=True)
    before = untrained(tmp_path, tests)
    found = json.loads((out / "comparison.json").read_text())
    print("\n".join(["", *found["table"], f"untrained: {before}"]))
    for arm in ARMS:
        report = json.loads((out / arm / "seed_1/report.json").read_text())
        assert report["iterations"] == iterations
        assert report["alarms"] == [], arm
        for name, scores in found["scores"].items():
            after = scores[arm]["1"]
            assert math.isfinite(after), (arm, name)
            assert after > before[name], (arm, name, after, before[name])
    if PHOTOGRAPHS.is_dir():
        told = json.loads((out / ARMS[0] / "seed_1/scores_photographs.json").read_text())
        assert told["groups"]["all"]["sixteen_ignore"]["classes"] == 11  # of 16: CamVid knows no others
