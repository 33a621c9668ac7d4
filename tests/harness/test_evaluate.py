"""The evaluate command on small stand-ins of the published layouts; a wrong folder gives one message."""

import json

import cv2
import numpy as np
import pytest
import torch

from harness import cli, training
from harness.evaluation import Predictor, evaluate, examples
from harness.photographs import LABEL_IDS, LAYOUTS, Photographs
from harness.scores import confusion, scores
from protocols.errors import InputError
from protocols.labels import LEFT_OUT, TRAIN_IDS_16, tag_to_train_id

IMAGE, LABEL = "leftImg8bit/val/x/b_leftImg8bit.png", "gtFine/val/x/b_gtFine_labelTrainIds.png"
LAYOUT_NAMES = ("cityscapes", "folder", "acdc", "dark_zurich")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return the options of a tiny network and a file of its weights."""
    options = [
        "model.backbone.pretrained=False",
        "model.decode_head.channels=8",
        "model.data_preprocessor.size=(32,32)",
    ]
    folder = tmp_path_factory.mktemp("network")
    with training.silence():
        import harness.modules  # noqa: F401

        config = training.load_config("daformer_dg_baseline_small", training.parse_options(options), folder)
        from mmengine.registry import init_default_scope
        from mmseg.registry import MODELS

        init_default_scope("mmseg")
        torch.manual_seed(3)
        model = MODELS.build(config.model)
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    torch.save(model.state_dict(), folder / "weights.pth")
    return options, folder / "weights.pth", model.eval()


@pytest.mark.parametrize("name", LAYOUT_NAMES)
def test_each_layout_from_command_to_json(name, network, tmp_path, capsys, stand_in):
    options, weights, model = network
    made = stand_in(tmp_path, name)
    command = ["evaluate", "daformer_dg_baseline_small", str(weights), "--data", name, "--root", str(tmp_path)]
    command += ["--size", "64x32", "--json", str(tmp_path / "out/scores.json"), "--cfg-options", *options]
    assert cli.main(command) == 0
    groups = json.loads((tmp_path / "out/scores.json").read_text())["groups"]
    assert {group: found["images"] for group, found in groups.items()} == {
        "all": len(made),
        **{group: 1 for group, _, _ in made if group},
    }
    predictor = Predictor(model)
    for group, found in groups.items():
        counts = [confusion(labels, predictor(image)[0]) for own, image, labels in made if group in ("all", own)]
        expected = scores(sum(counts), sum(counts))
        for convention in ("sixteen_strict", "sixteen_ignore", "nineteen"):
            assert found[convention]["IoU"] == pytest.approx(expected[convention]["IoU"], abs=1e-6)
            assert found[convention]["classes"] == expected[convention]["classes"] > 10
    printed = capsys.readouterr().out
    assert f"{100 * groups['all']['sixteen_strict']['mIoU']:.2f} / " in printed
    assert "(16 of 16)" in printed


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        (
            "cityscapes",
            "leftImg8bit",
            r"expected cityscapes's images at .*/leftImg8bit/val/\*/\*_leftImg8bit.png, found",
        ),
        ("acdc", "rgb_anon/night", r"expected acdc's images at .*/rgb_anon/night/val/\*/\*_rgb_anon.png, found none"),
        ("dark_zurich", "gt", r"label of z_rgb_anon.png at .*/gt/val/night/GP1/z_gt_labelTrainIds.png"),
        ("folder", "gtFine", r"label of b_leftImg8bit.png at .*/gtFine/val/x/b_gtFine_labelTrainIds.png"),
    ],
)
def test_wrong_folder_gives_one_message_with_the_file_expected(name, spoil, words, tmp_path, stand_in):
    stand_in(tmp_path, name)
    (tmp_path / spoil).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=words):
        Photographs(name, tmp_path)


def test_size_of_each_layout_is_the_published_one():
    assert {name: layout.size for name, layout in LAYOUTS.items()} == {
        **{"cityscapes": (1024, 512), "acdc": (960, 540), "dark_zurich": (960, 540), "folder": None}
    }


def test_label_ids_are_read_where_train_ids_are_missing(tmp_path, stand_in, write_png):
    stand_in(tmp_path, "cityscapes")
    file = tmp_path / "gtFine/val/town/a_gtFine_labelTrainIds.png"
    train_ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    label_ids = np.zeros_like(train_ids)  # 0: unlabelled
    for train_id, label_id in enumerate(LABEL_IDS):
        label_ids[train_ids == train_id] = label_id
    file.unlink()
    write_png(file.with_name("a_gtFine_labelIds.png"), label_ids)
    (example,) = Photographs("cityscapes", tmp_path)
    assert np.array_equal(example.labels, train_ids)


def test_label_of_another_size_is_refused(tmp_path, stand_in, write_png):
    stand_in(tmp_path, "folder")
    write_png(tmp_path / LABEL, np.zeros((8, 8), np.uint8))
    with pytest.raises(InputError, match="expected labels of the image's size 64x32"):
        list(Photographs("folder", tmp_path))
    write_png(tmp_path / LABEL, np.zeros((32, 64), np.uint8))
    (tmp_path / IMAGE).write_text("no image")
    with pytest.raises(InputError, match="expected an image of 8 bits, got none"):
        list(Photographs("folder", tmp_path))


def test_weights_of_another_network_or_hostile_ones_are_refused(network, tmp_path, capsys, stand_in):
    options, weights, _ = network
    stand_in(tmp_path, "folder")
    command = ["evaluate", "daformer_dg_baseline_small", str(weights), "--data", "folder", "--root", str(tmp_path)]
    assert cli.main([*command, "--cfg-options", options[0]]) == 2
    assert "expected weights of the config's network" in capsys.readouterr().err

    class Trap:
        def __reduce__(self):
            import os

            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"state_dict": Trap()}, tmp_path / "hostile.pth")
    command[2] = str(tmp_path / "hostile.pth")
    assert cli.main([*command, "--cfg-options", *options]) == 2
    assert "nothing else" in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()


class Says:
    """A network of 19 classes that says the same logits everywhere."""

    class decode_head:
        num_classes = 19

    def __init__(self, order):
        self.logits = torch.zeros(1, 19, 8, 16)
        for rank, train_id in enumerate(reversed(order)):
            self.logits[:, train_id] = rank + 1.0

    def data_preprocessor(self, data, training):
        return {"inputs": torch.stack([one.float() for one in data["inputs"]])}

    def encode_decode(self, inputs, metas):
        return self.logits


def test_three_classes_are_never_said_where_they_are_left_out():
    free, masked = Predictor(Says([9, 15, 16, 13]))(np.zeros((32, 64, 3), np.uint8))
    assert free.shape == masked.shape == (32, 64)
    assert set(free.ravel()) == {9}
    assert set(masked.ravel()) == {13}
    assert not set(TRAIN_IDS_16) & set(LEFT_OUT)


def test_network_of_another_kind_is_refused():
    model = Says([0])
    model.decode_head = type("Head", (), {"num_classes": 7})
    with pytest.raises(InputError, match="16 or 19 classes, got 7"):
        Predictor(model)


def test_bundles_are_scored_by_appearance(bundle):
    bundles = [bundle(0), bundle(1)]
    groups = evaluate(Predictor(Says([0])), examples(bundles))
    assert {name: group["images"] for name, group in groups.items()} == {"all": 6, "noon": 2, "night": 2, "fog": 2}
    road = np.mean([(tag_to_train_id()[one.mask] == 0)[tag_to_train_id()[one.mask] != 255].mean() for one in bundles])
    assert groups["noon"]["nineteen"]["IoU"]["road"] == pytest.approx(road, abs=0.01)
    with pytest.raises(InputError, match="at least one image"):
        evaluate(Predictor(Says([0])), [])
