"""Self-training at length, on streets of the embedded simulator and a target it knows nothing of: `make soak`."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.scoring import score
from harness.training import train

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = Path(os.environ.get("MANYSKIES_REALSTREETS", ROOT.parent / "shared/data/realstreets"))
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def streets(scale, run_simulator, tmp_path_factory):
    """Return the endpoint of a recording of busy streets."""
    if scale != "soak":
        pytest.skip("trains for hours: make soak")
    file = tmp_path_factory.mktemp("streets") / "town.rec"
    with run_simulator() as simulator:
        command = [sys.executable, "-m", "carla_plugin.cli", "stream", "town", "--server", simulator.address]
        subprocess.run([*command, "--seed", "1", "--bundles", "480", "--record", str(file)], check=True)
    return f"file:{file}"


def trained(config, streets, folder, seed, iterations, options=()):
    train(config, endpoint=streets, work_dir=folder, seed=seed, iterations=iterations, options=options)
    return json.loads((folder / "report.json").read_text())


def test_two_thousand_iterations_stay_whole(streets, tmp_path):
    """Cosine, towards a second stream: the same town under the skies that the pair losses compare."""
    target = {
        "type": "TargetBundles",
        "endpoint": streets,
        "bundle_size": (512, 256),
        "count": 40,
        "pipeline": [{"type": "RandomCrop", "crop_size": (128, 256)}, {"type": "PackTarget"}],
    }
    config = tmp_path / "cosine.py"
    base = ROOT / "harness/configs/daformer_uda_cosine_small.py"
    config.write_text(
        f"_base_ = [{str(base)!r}]\n"
        f"train_dataloader = dict(dataset=dict(pace=0.23, target=dict(_delete_=True, **{target!r})))\n"
    )
    found = trained(str(config), streets, tmp_path / "run", 1, 2000)
    lines = (tmp_path / "run/journal.jsonl").read_text().splitlines()
    values = [json.loads(line)["values"] for line in lines]
    assert len(values) == 2000
    assert all(math.isfinite(value) for each in values for value in each.values())
    sure = [np.mean([each["sure"] for each in values[start : start + 200]]) for start in (0, 1800)]
    print(f"2000 iterations of cosine: alarms {found['alarms']}, share of sure pixels {sure[0]:.3f} -> {sure[1]:.3f}")
    assert found["alarms"] == []
    assert sure[1] > 0.2 + sure[0]


def test_adapted_to_photographs_and_not(streets, tmp_path):
    """Printed, not asked for: whether self-training pays on photographs, seed by seed."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"no photographs at {PHOTOGRAPHS}; set MANYSKIES_REALSTREETS")
    target = [f"train_dataloader.dataset.target.data_root={PHOTOGRAPHS}"]
    scores = {}
    for arm, options in (("dg", []), ("uda", target)):
        config = f"daformer_{arm}_baseline_small"
        for seed in SEEDS:
            folder = tmp_path / f"{arm}_{seed}"
            report = trained(config, streets, folder, seed, 400, options)
            assert report["alarms"] == []
            values = score(
                config, folder / "weights.pth", data="folder", root=str(PHOTOGRAPHS), size=(341, 256), quiet=True
            )
            scores.setdefault(arm, []).append(values["groups"]["all"]["sixteen_ignore"]["mIoU"])
    for arm, words in (("dg", "source alone"), ("uda", "self-training")):
        each = ", ".join(f"{value:.3f}" for value in scores[arm])
        print(f"{words}: mIoU {np.mean(scores[arm]):.3f} (sd {np.std(scores[arm], ddof=1):.3f}; {each})")
    assert min(scores["dg"] + scores["uda"]) > 0.25  # eleven classes; untrained it is below 0.06
