"""harness/README.md's three steps for a loss, a backbone and a data set: its own files, written out and run."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from harness import training
from harness.chance import chance
from harness.datasets import as_results, collate_appearances

README = Path(training.__file__).parent / "README.md"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write the README's files out, as a user would copy them."""
    text = README.read_text()
    configs = training.find_config("daformer_dg_cosine").parent
    for name, content in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, flags=re.S):
        (tmp_path / name).write_text(content.replace("{configs}", str(configs)))
    assert len(list(tmp_path.iterdir())) == 6
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("huber", "tiny", "rainy"):
        sys.modules.pop(name, None)


def commands(name):
    return re.findall(rf"carla-harness (\w+) {name}_config\.py", README.read_text())


def step(config, bundle):
    """Build the config's network and take one step on two bundles drawn by its own pipeline."""
    from mmengine.optim import OptimWrapper
    from mmseg.registry import MODELS, TRANSFORMS

    init_default_scope("mmseg")
    config.model.data_preprocessor.size = (32, 64)
    config.train_dataloader.dataset.pipeline[2]["size"] = (32, 64)
    model = MODELS.build(config.model).train()
    samples = []
    for place in range(2):
        sample = as_results(bundle(place), -1, chance(0, 2, 0, place))
        for transform in config.train_dataloader.dataset.pipeline:
            sample = TRANSFORMS.build(transform).transform(sample)
        samples.append(sample)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    return model, model.train_step(collate_appearances(samples), OptimWrapper(optimizer))


def test_three_steps_for_a_loss(files, bundle):
    assert commands("huber") == ["train"]
    options = {"model.backbone.pretrained": False, "model.decode_head.channels": 8}
    _, logged = step(training.load_config(str(files / "huber_config.py"), options, files), bundle)
    assert float(logged["part_huber"]) > 0
    parts = float(logged["part_huber"]) + float(logged["part_cosine"])
    assert float(logged["loss_consistency"]) == pytest.approx(parts)


def test_three_steps_for_a_backbone(files, bundle):
    assert commands("tiny") == ["train"]
    options = {"model.decode_head.channels": 8}
    model, logged = step(training.load_config(str(files / "tiny_config.py"), options, files), bundle)
    assert type(model.backbone).__name__ == "Tiny"
    assert logged.keys() >= {"loss_ce", "loss_consistency", "margin_4"}


def test_three_steps_for_a_data_set(files, capsys):
    """Two photographs, scored by the command itself, in all and by group."""
    from harness.cli import main
    from harness.photographs import LAYOUTS

    assert commands("rainy") == ["evaluate"]
    dice = np.random.default_rng(0)
    for group in ("drizzle", "downpour"):
        for kind, name, values in (
            ("photos", "001.png", dice.integers(0, 256, (32, 64, 3))),
            ("masks", "001_trainIds.png", dice.integers(0, 19, (32, 64))),
        ):
            folder = files / "data" / kind / "val" / group
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / name), values.astype(np.uint8))
    from mmseg.registry import MODELS

    options = ["model.backbone.pretrained=False", "model.decode_head.channels=8"]
    config = training.load_config(str(files / "rainy_config.py"), training.parse_options(options), files)
    init_default_scope("mmseg")
    torch.save(MODELS.build(config.model).state_dict(), files / "weights.pth")
    command = ["evaluate", str(files / "rainy_config.py"), str(files / "weights.pth"), "--data", "rainy"]
    try:
        assert main([*command, "--root", str(files / "data"), "--cfg-options", *options]) == 0
        said = capsys.readouterr().out
        assert "drizzle" in said
        assert "downpour" in said
    finally:
        LAYOUTS.pop("rainy", None)


def test_an_unknown_data_set_in_words(files, capsys):
    from harness.cli import main

    command = ["evaluate", "daformer_dg_cosine_small", str(files / "none.pth"), "--data", "moon", "--root", "."]
    assert main(command) != 0
    assert "--data moon: expected recording, stream or one of cityscapes" in capsys.readouterr().err
