"""The collapse alarm: by hand, against noise, after a resume, and on a network that does collapse."""

import random

import pytest
import torch
from mmengine.config import Config

from harness.alarm import MarginAlarm
from harness.chance import reseed
from harness.datasets import as_results, collate_appearances


def rung(values, alarm=None, stage="margin_2"):
    alarm = alarm or MarginAlarm()
    return [text for value in values for text in alarm.add({stage: value})]


def test_rings_once_when_the_mean_of_forty_has_halved():
    values = [0.6] * 20 + [0.6] * 30 + [0.2] * 200
    alarm = MarginAlarm()
    rings = [len(alarm.add({"margin_2": value})) for value in values]
    assert sum(rings) == 1
    # 40 values mean less than 0.3 from the moment on when 31 of them are 0.2; two standard errors make it a few more
    assert 20 + 30 + 31 <= rings.index(1) + 1 <= 20 + 30 + 40
    assert alarm.rung == ["margin of stage 2 fell below half of its first value"]


@pytest.mark.parametrize(("level", "expected"), [(0.31, 0), (0.29, 1)])
def test_half_is_half(level, expected):
    assert len(rung([0.6] * 20 + [level] * 100)) == expected


def test_says_the_numbers():
    assert rung([0.5] * 20 + [0.1] * 60) == ["margin of stage 2 fell below half of its first value (0.500 -> 0.100)"]


def test_noise_alone_never_rings_and_does_not_hide_a_fall():
    """Margins of single pairs scatter by as much as a third of their mean; their level keeps to 0.6 of the first."""
    for seed in range(60):
        dice = random.Random(seed)
        quiet = [dice.gauss(0.6, 0.2) for _ in range(20)] + [dice.gauss(0.4, 0.2) for _ in range(400)]
        assert not rung(quiet)
        fallen = quiet[:20] + [dice.gauss(0.1, 0.2) for _ in range(60)]
        assert rung(fallen)


def test_the_last_stage_does_not_ring_and_a_missing_one_is_no_fault():
    assert not rung([0.6] * 20 + [0.0] * 100, stage="margin_4")
    assert not rung([0.6] * 20 + [0.0] * 100, stage="loss_ce")


def test_goes_on_from_its_state():
    dice = random.Random(3)
    values = [dice.gauss(0.6, 0.05) for _ in range(60)] + [dice.gauss(0.2, 0.05) for _ in range(80)]
    whole, first = MarginAlarm(), MarginAlarm()
    rung(values, whole)
    rung(values[:75], first)
    second = MarginAlarm()
    second.load_state_dict(first.state_dict())
    rung(values[75:], second)
    assert second.state_dict() == whole.state_dict()
    assert whole.rung


def trained(arm, bundle, alarm, iterations, weight=None):
    """Train the small config on crops of bundles in this process, watched by an alarm."""
    from mmengine.optim import OptimWrapper
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS, TRANSFORMS

    from harness.chance import chance
    from harness.training import find_config

    config = Config.fromfile(str(find_config(f"daformer_dg_{arm}_small")))
    init_default_scope("mmseg")
    config.model.data_preprocessor.size = (64, 64)
    config.model.decode_head.channels = 16
    config.train_dataloader.dataset.pipeline[2]["size"] = (64, 64)
    if weight is not None:
        config.model.consistency.loss_weight = weight
    torch.manual_seed(0)
    model = MODELS.build(config.model).train()
    model.init_weights()
    heads, trunk = model.decode_head.parameters(), model.backbone.parameters()
    optimizer = torch.optim.AdamW([{"params": trunk, "lr": 2e-4}, {"params": heads, "lr": 2.5e-3}], weight_decay=0.01)
    wrapper = OptimWrapper(optimizer)
    pipeline = [TRANSFORMS.build(step) for step in config.train_dataloader.dataset.pipeline]
    for iteration in range(iterations):
        reseed(0, iteration)
        samples = []
        for place in range(2):
            # the same crops again and again, for the margin not to change with what they show
            sample = as_results(bundle(place, 96, 128, coarse=16), -1, chance(0, 2, 0, place))
            for step in pipeline:
                sample = step.transform(sample)
            samples.append(sample)
        logged = model.train_step(collate_appearances(samples), wrapper)
        alarm.add({key: float(value) for key, value in logged.items()})


def test_alarm_fires_on_cosine_ten_and_stays_silent_on_the_baseline(bundle, scale):
    """The soak has the alarm's own windows; the default has windows a tenth as long, to be done in seconds."""
    windows, iterations = ((), 300) if scale == "soak" else ((3, 4), 16)
    quiet, loud = MarginAlarm(*windows), MarginAlarm(*windows)
    trained("baseline", bundle, quiet, iterations)
    assert quiet.rung == []
    trained("cosine", bundle, loud, iterations, weight=10.0)
    assert "margin of stage 3 fell below half of its first value" in loud.rung
