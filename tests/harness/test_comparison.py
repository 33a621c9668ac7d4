"""Comparisons: the statistics against scipy and by hand; two arms by two seeds, restarted, from file to table."""

import json

import numpy as np
import pytest
from scipy import stats

from harness import cli, datasets, experiment, training
from harness.comparison import compare, holm, paired, table
from protocols.errors import InputError


def test_paired_as_scipy_has_it():
    dice = np.random.default_rng(0)
    for count in (2, 5, 10):
        one, two = dice.normal(0.4, 0.01, count), dice.normal(0.41, 0.01, count)
        found = paired(two - one)
        theirs = stats.ttest_rel(two, one)
        interval = theirs.confidence_interval(0.95)
        assert found.p == pytest.approx(theirs.pvalue)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
        assert (found.mean, found.deviation) == pytest.approx((np.mean(two - one), np.std(two - one, ddof=1)))


def test_paired_by_hand():
    """Differences 1, 2, 3: sd 1, error 1/sqrt(3), t = 3.4641 with 2 degrees of freedom; t(0.975, 2) = 4.3027."""
    found = paired([1.0, 2.0, 3.0])
    assert (found.mean, found.deviation) == (2.0, 1.0)
    assert (found.low, found.high) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)
    assert found.p == pytest.approx(0.0742, abs=1e-4)
    assert paired([0.5]) == (0.5, None, None, None, None, None)
    assert paired([0.0, 0.0]).p == 1.0


def test_holm_by_hand():
    """0.01 x 3, 0.02 x 2, 0.04 x 1; never below one that came before; never above 1."""
    assert holm([0.02, 0.01, 0.04]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.03, 0.02, 0.9]) == pytest.approx([0.06, 0.06, 0.9])
    assert holm([None, 0.6, 0.7]) == [None, 1.0, 1.0]


def test_arms_are_paired_by_seed():
    results = {"base": {1: 0.2, 2: 0.3, 3: 0.9}, "cosine": {2: 0.31, 1: 0.23}, "l2": {1: 0.1, 2: 0.2, 3: 0.8}}
    found = compare(results)
    assert found["cosine"].mean == pytest.approx(0.02)  # seed 3 has no partner
    assert found["l2"].mean == pytest.approx(-0.1)
    assert found["l2"].p_holm == pytest.approx(2 * found["l2"].p)
    lines = table({"seen": results})
    assert "46.67 (37.86)" in lines[1]
    assert "+2.00 (1.41) [-10.71, +14.71] p 0.295" in lines[2]
    with pytest.raises(InputError, match="share seeds, got none"):
        compare({"base": {1: 0.2}, "cosine": {2: 0.3}})


SPEC = """
arms = dict(baseline="{folder}/baseline.py", cosine="{folder}/cosine.py")
seeds = [1, 2]
source = "still"
iterations = 3
options = {{"model.decode_head.dropout_ratio": 0.2}}
tests = dict(
    photographs=dict(data="folder", root="{folder}/streets"),
    bad_weather=dict(data="acdc", root="{folder}/acdc", size=(64, 32), groups=["fog", "rain"]),
)
"""


@pytest.fixture
def spec(tmp_path, tiny_config, stand_in):
    """Return the file of a specification, two tiny arms and two stand-ins of data sets."""
    for arm in ("baseline", "cosine"):
        (tmp_path / f"{arm}.py").write_text(tiny_config(arm))
    stand_in(tmp_path / "streets", "folder")
    stand_in(tmp_path / "acdc", "acdc")
    file = tmp_path / "spec.py"
    file.write_text(SPEC.format(folder=tmp_path))
    return file


def test_two_arms_by_two_seeds_restarted(spec, tmp_path, bundle, still_stream, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "open_stream", lambda *a, **k: still_stream(bundle)(*a, **k))
    trained = []
    train = training.train

    def noted(config, *, work_dir, resume, **settings):
        trained.append((work_dir.parent.name, work_dir.name, resume))
        if len(trained) == 3:  # interrupted in the middle of the third
            settings["told"] = lambda: (
                (work_dir / "journal.jsonl").exists() and bool((work_dir / "journal.jsonl").read_bytes())
            )
        train(config, work_dir=work_dir, resume=resume, **settings)

    monkeypatch.setattr(experiment.training, "train", noted)
    command = ["compare", str(spec), "--out", str(tmp_path / "out")]
    assert cli.main(command) == 143
    assert not (tmp_path / "out/comparison.json").exists()
    assert cli.main(command) == 0
    assert trained == [
        *(("baseline", "seed_1", False), ("cosine", "seed_1", False), ("baseline", "seed_2", False)),
        *(("baseline", "seed_2", True), ("cosine", "seed_2", False)),
    ]
    values = json.loads((tmp_path / "out/comparison.json").read_text())
    for test in ("photographs", "bad_weather"):
        scores = values["scores"][test]
        assert {arm: sorted(found) for arm, found in scores.items()} == {"baseline": ["1", "2"], "cosine": ["1", "2"]}
        mean = np.mean([scores["cosine"][seed] - scores["baseline"][seed] for seed in ("1", "2")])
        assert values["differences"][test]["cosine"]["mean"] == pytest.approx(mean, abs=2e-6)
    one = json.loads((tmp_path / "out/cosine/seed_1/scores_bad_weather.json").read_text())
    assert sorted(one["groups"]) == ["all", "fog", "rain"]
    assert "Holm" in capsys.readouterr().out

    assert cli.main(command) == 0  # all is done: nothing is trained again
    assert len(trained) == 5
    spec.write_text(spec.read_text().replace("iterations = 3", "iterations = 4"))
    assert cli.main(command) == 2
    assert "iterations: 3 then, 4 now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('source = "still"', "", "missing source, unknown nothing"),
        ("iterations = 3", "iteration = 3", "missing nothing, unknown iteration"),
        ("seeds = [1, 2]", "seeds = [1, 1]", "whole numbers, each once"),
        ("iterations = 3", 'metric = "mIoU"', "metric: expected one of sixteen_ignore"),
        ('data="folder", ', "", "tests.photographs: expected data, root"),
        ("seeds =", "seeds = (", "SyntaxError"),
        ("/cosine.py", "/none.py", "expected a file, found none"),
    ],
)
def test_wrong_specification_is_refused_in_words(spec, tmp_path, old, new, words, capsys):
    spec.write_text(spec.read_text().replace(old, new))
    assert cli.main(["compare", str(spec), "--out", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err
