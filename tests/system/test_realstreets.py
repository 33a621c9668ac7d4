"""Real photographs (CamVid in Cityscapes layout): our scores equal those of mmseg's own data set and metric."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.datasets import CityscapesDataset
from mmseg.evaluation.metrics import IoUMetric

from harness import cli, training
from harness.evaluation import Predictor
from protocols.labels import TAGS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("MANYSKIES_REALSTREETS", ROOT.parent / "shared/data/realstreets"))
CAMVID = {
    "sky",
    "building",
    "pole",
    "road",
    "sidewalk",
    "vegetation",
    "traffic sign",
    "fence",
    "car",
    "person",
    "rider",
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no photographs at {FOLDER}; set MANYSKIES_REALSTREETS")


def test_photographs_are_scored_as_mmseg_scores_them(tmp_path, capsys, monkeypatch):
    answers = {}  # by image, so that the network has to look once only
    call = Predictor.__call__

    def noted(self, image):
        return answers.setdefault(image.tobytes(), call(self, image))

    monkeypatch.setattr(Predictor, "__call__", noted)
    with training.silence():
        import harness.modules  # noqa: F401

        config = training.load_config("daformer_dg_baseline_small", {}, tmp_path)
        from mmengine.registry import init_default_scope
        from mmseg.registry import MODELS

        init_default_scope("mmseg")
        torch.manual_seed(0)
        model = MODELS.build(config.model).eval()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=0.5)  # not all one class
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    command = ["evaluate", "daformer_dg_baseline_small", str(tmp_path / "weights.pth"), "--data", "folder"]
    assert cli.main([*command, "--root", str(FOLDER), "--json", str(tmp_path / "scores.json")]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())["groups"]["all"]
    assert found["images"] == 51
    for convention in ("sixteen_strict", "sixteen_ignore", "nineteen"):
        assert {name for name, value in found[convention]["IoU"].items() if value is not None} == CAMVID
        assert found[convention]["classes"] == 11
    assert "(11 of 16)" in capsys.readouterr().out

    theirs = CityscapesDataset(
        data_root=str(FOLDER),
        data_prefix={"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"},
        pipeline=[{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}],
    )
    areas = []
    for sample in theirs:
        predicted, _ = answers[np.ascontiguousarray(sample["img"][..., ::-1]).tobytes()]
        label = torch.from_numpy(sample["gt_seg_map"].astype(np.int64))
        areas.append(IoUMetric.intersect_and_union(torch.from_numpy(predicted.astype(np.int64)), label, 19, 255))
    intersection, union, _, labelled = (sum(part).numpy() for part in zip(*areas, strict=True))
    assert len(areas) == 51
    names = [tag.name for tag in TAGS[1:20]]
    expected = {name: intersection[n] / union[n] if labelled[n] else None for n, name in enumerate(names)}
    assert found["nineteen"]["IoU"] == pytest.approx(expected, abs=1e-6)
    assert found["nineteen"]["mIoU"] == pytest.approx(
        np.mean([v for v in expected.values() if v is not None]), abs=1e-6
    )
