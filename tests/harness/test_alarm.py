"""The collapse alarm: by hand, against noise, and after a resume; tests/harness/test_arms.py has it on networks."""

import random

import pytest

from harness.alarm import MarginAlarm


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
