"""Each arm trains: its losses are finite and reach the trunk; one that is far too strong rings the alarm."""

import json
import math
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from harness.alarm import MarginAlarm
from harness.chance import chance, reseed
from harness.datasets import as_results, collate_appearances
from harness.training import find_config

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
    """By default one step of the whole recipe; the soak trains on the embedded simulator and scores unseen streets."""
    model, logged = trained(arm, bundle, MarginAlarm(), 1, features=True)
    wanted = {"loss_ce", "loss_features"} | ({"loss_consistency"} if arm not in ("baseline", "unpaired") else set())
    assert {key for key in logged if "loss" in key} == wanted | {"loss"}
    assert all(math.isfinite(float(value)) for value in logged.values())
    assert all(float(logged[key]) > 0 for key in wanted - {"loss_consistency"})
    assert abs(float(logged.get("loss_consistency", 1.0))) > 1e-5
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    if scale == "soak":
        iterations = 2000 if arm in ("baseline", "cosine") else 300
        command = [sys.executable, "-m", "harness.cli", "demo", "--config", f"daformer_dg_{arm}_small"]
        subprocess.run([*command, "--iters", str(iterations), "--out", str(tmp_path)], check=True)
        found = json.loads((tmp_path / "report.json").read_text())
        print(f"{arm}: {iterations} iterations, mIoU {found['miou_after']:.3f}, alarms {found['alarms']}")
        assert found["alarms"] == []
        assert found["miou_after"] > max(found["miou_before"], found["baseline_colour"]["all"])
