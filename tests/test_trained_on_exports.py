"""Exports as the trainer reads them: the bundles that were recorded, in their order, and a run that learns the same."""

import json

import numpy as np
import pytest
import torch

from carla_plugin.cli import main
from harness.journal import read_journal
from harness.supply import open_stream
from harness.training import find_config, train
from protocols.bundle import Bundle, BundleHeader, encode_bundle, mask_hash
from protocols.errors import InputError
from protocols.labels import TAGS, tag_to_train_id
from protocols.recording import RecordingWriter

APPEARANCES = ("noon", "hard_rain", "night")  # in no alphabetical order, and one with a name that no file may have
SIZE = (64, 128)
CONFIG = """
_base_ = ["{base}"]
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(
        _delete_=True,
        type="MixVisionTransformer",
        embed_dims=8,
        num_layers=[1, 1, 1, 1],
        num_heads=[1, 2, 5, 8],
    ),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=8),
)
train_dataloader = dict(
    dataset=dict(
        bundle_size=(128, 64),
        capacity=8,
        first=4,
        pace=1.5,
        pipeline=[
            dict(type="DrawAppearances", count=2),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(64, 64)),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    )
)
"""


def bundle_of(index, town="Town_01"):
    dice = np.random.default_rng([index, len(town)])
    mask = np.kron(dice.integers(0, len(TAGS), (8, 16)), np.ones((8, 8), np.int64)).astype(np.uint8)
    tints = np.array([[8, 6, 4], [3, 5, 8], [1, 2, 3]])
    images = mask[None, ..., None] * tints[:, None, None] + dice.integers(0, 20, (3, *SIZE, 3))
    header = BundleHeader("made", 1, index // 5, index, town, APPEARANCES, *SIZE, 9, mask_hash(mask))
    return Bundle(header, images.astype(np.uint8), mask)


@pytest.fixture
def exports(tmp_path):
    """Return a function that records and exports bundles, and returns the recording's endpoint."""

    def export(folder, indices, town="Town_01", split="train"):
        file = tmp_path / f"{town}-{split}.rec"
        with open(file, "x+b", buffering=0) as opened:
            writer = RecordingWriter(opened)
            for index in indices:
                writer.append(encode_bundle(bundle_of(index, town), mask_codec="zstd"))
            writer.close()
        assert main(["export", str(file), str(folder), "--format", "cityscapes", "--split", split]) == 0
        return f"file:{file}"

    return export


def taken(endpoint, count, **settings):
    with open_stream(endpoint, wanted=((0, count),), **settings) as stream:
        return list(stream)


def assert_same(found, expected):
    """Compare all that training looks at."""
    table = tag_to_train_id()
    assert found.header.appearances == expected.header.appearances
    assert found.header.town == expected.header.town
    assert np.array_equal(found.images, expected.images)
    assert np.array_equal(table[found.mask], table[expected.mask])


def test_bundles_are_found_together_again_in_their_order(tmp_path, exports):
    indices = [0, 1, 2, 5, 9, 10, 11, 400]
    exports(tmp_path / "set", [2, 0, 1, 11, 10, 9, 5, 400])
    found = taken(f"export:{tmp_path}/set", 17, seed=3)
    for bundle, index in zip(found, 2 * indices + [0], strict=True):
        assert_same(bundle, bundle_of(index))
    assert [bundle.header.index for bundle in found] == list(range(17))
    assert [bundle.header.episode for bundle in found] == 8 * [0] + 8 * [1] + [2]
    for file in tmp_path.glob("set/gtFine/**/*_labelTrainIds.png"):
        file.unlink()
    assert_same(taken(f"export:{tmp_path}/set", 1)[0], bundle_of(0))  # by label ids


def test_other_splits_and_towns(tmp_path, exports):
    """Two towns whose names begin alike stand in one folder; a split is named by its own folder."""
    folder = tmp_path / "set"
    exports(folder, range(3), "Town_01")
    exports(folder, range(2, 4), "Town_01_Opt")
    exports(folder, range(4), "Town_05", split="val")
    towns = [bundle.header.town for bundle in taken(f"export:{folder}", 5)]
    assert towns == ["Town_01", "Town_01", "Town_01", "Town_01_Opt", "Town_01_Opt"]
    for place in (folder / "leftImg8bit/val", f"{folder}/leftImg8bit/val/"):
        for bundle, index in zip(taken(f"export:{place}", 4), range(4), strict=True):
            assert_same(bundle, bundle_of(index, "Town_05"))


def test_exports_of_older_versions_are_read_in_the_order_of_names(tmp_path, exports):
    exports(tmp_path / "set", range(2))
    note = tmp_path / "set/export-train-Town-01.json"
    said = json.loads(note.read_text())
    assert said.pop("appearances") == {name: f"Town-01-{name.replace('_', '-')}" for name in APPEARANCES}
    note.write_text(json.dumps(said))
    found = taken(f"export:{tmp_path}/set", 1)[0]
    assert found.header.appearances == ("hard-rain", "night", "noon")
    assert np.array_equal(found.images, bundle_of(0).images[[1, 2, 0]])
    again = ["export", str(tmp_path / "Town_01-train.rec"), str(tmp_path / "set"), "--format", "cityscapes"]
    assert main(again) == 0  # such an export is gone on with, too


def test_moments_that_lack_an_image_are_left_out_and_told(tmp_path, exports):
    exports(tmp_path / "set", range(4))
    next(tmp_path.glob("set/leftImg8bit/train/Town-01-night/*_000002_*")).unlink()
    said = []
    with open_stream(f"export:{tmp_path}/set", wanted=((0, 3),)) as stream:
        stream.warn = said.append
        found = list(stream)
    assert said == [f"export:{tmp_path}/set: left out of 4: 1 that lack an image"]
    for bundle, index in zip(found, (0, 1, 3), strict=True):
        assert_same(bundle, bundle_of(index))


def test_images_are_brought_to_the_size_of_the_config(tmp_path, exports):
    exports(tmp_path / "set", range(2))
    found = taken(f"export:{tmp_path}/set", 1, bundle_size=(64, 32))[0]
    assert found.images.shape == (3, 32, 64, 3)
    table = tag_to_train_id()
    assert np.array_equal(table[found.mask], table[bundle_of(0).mask[::2, ::2]])


def test_a_wrong_folder_gives_one_message(tmp_path, exports):
    folder = tmp_path / "set"
    with pytest.raises(
        InputError, match=rf"expected images at {folder}/leftImg8bit/train/\*/\*_leftImg8bit.png, found"
    ):
        open_stream(f"export:{folder}")
    exports(folder, range(2), split="val")
    with pytest.raises(InputError, match=f"found none; there is export:{folder}/leftImg8bit/val$"):
        open_stream(f"export:{folder}")
    endpoint = f"export:{folder}/leftImg8bit/val"
    next(folder.glob("gtFine/val/*-noon/*_000001_*TrainIds.png")).unlink()
    with pytest.raises(InputError, match=r"expected the label of Town_01:0:1 at .*_000001_gtFine_labelTrainIds\.png"):
        open_stream(endpoint)
    note = folder / "export-val-Town-01.json"
    for wrong in ("[]", "{", '{"appearances": {"noon": 3}}', '{"appearances": []}'):
        note.write_text(wrong)
        with pytest.raises(InputError, match=f"{note}: expected a note of `carla-plugin export`, got something else"):
            open_stream(endpoint)
    note.unlink()
    with pytest.raises(InputError, match=rf"expected a note of `carla-plugin export` at {folder}/export-val-\*.json"):
        open_stream(endpoint)


def test_training_from_an_export_equals_training_from_its_recording(tmp_path, exports, scale):
    """Parameters and losses, bit by bit; a bundle that was never recorded is no gap."""
    iterations = 20 if scale == "soak" else 3
    recording = exports(tmp_path / "set", sorted({*range(4 + 2 * iterations)} - {3}))
    config = tmp_path / "tiny.py"
    config.write_text(CONFIG.format(base=find_config("daformer_dg_cosine_small")))
    results = []
    for name, endpoint in (("recording", recording), ("export", f"export:{tmp_path}/set")):
        work_dir = tmp_path / name
        train(str(config), endpoint=endpoint, work_dir=work_dir, seed=5, iterations=iterations, options=[])
        journal = read_journal(work_dir / "journal.jsonl")
        drawn = [[one["appearances"], one["window"]] for line in journal for one in line["bundles"]]
        results.append((torch.load(work_dir / "weights.pth"), [line["values"] for line in journal], drawn))
    (weights, values, drawn), (others, other_values, other_drawn) = results
    assert weights.keys() == others.keys()
    assert all(torch.equal(value, others[key]) for key, value in weights.items())
    assert values == other_values
    assert drawn == other_drawn
    assert len(values) == iterations
