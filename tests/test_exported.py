"""Exports as others read them: mmseg's CityscapesDataset, webdataset and our own reader score as the recording does."""

import numpy as np
import pytest

from carla_plugin.cli import main
from harness.evaluation import evaluate, examples
from harness.photographs import Example, Photographs
from harness.supply import open_stream
from protocols.bundle import Bundle, BundleHeader, encode_bundle, mask_hash
from protocols.labels import TAGS, tag_to_label_id, tag_to_train_id
from protocols.recording import RecordingWriter

APPEARANCES = ("noon", "hard_rain", "night")
SIZE = (40, 56)


def bundle_of(index):
    """Return a bundle whose images have to do with its mask, so that scores are neither 0 nor 1."""
    dice = np.random.default_rng(index)
    mask = dice.integers(0, len(TAGS), SIZE, np.uint8)
    noise = dice.integers(0, 256, (len(APPEARANCES), *SIZE, 3), np.uint8)
    images = np.where(dice.random((len(APPEARANCES), *SIZE, 1)) < 0.5, mask[None, :, :, None], noise).astype(np.uint8)
    header = BundleHeader("made", 1, index // 5, index, "Grid_07", APPEARANCES, *SIZE, 9, mask_hash(mask))
    return Bundle(header, images, mask)


@pytest.fixture(scope="module")
def count(scale):
    return 1000 if scale == "soak" else 12


@pytest.fixture(scope="module")
def recording(tmp_path_factory, count):
    file = tmp_path_factory.mktemp("recording") / "made.rec"
    with open(file, "x+b", buffering=0) as opened:
        writer = RecordingWriter(opened)
        for index in range(count):
            writer.append(encode_bundle(bundle_of(index), mask_codec="zstd"))
        writer.close()
    return file


def answer(image):
    """Stand in for a network: answers depend on every byte of the image."""
    weights = np.array([tag_to_train_id()[value % len(TAGS)] % 19 for value in range(256)], np.int64)
    free = ((weights[image[..., 0]] + image[..., 1].astype(np.int64) // 128 + image[..., 2] // 128) % 19).astype(
        np.uint8
    )
    return free, free


@pytest.fixture(scope="module")
def expected(recording):
    """Return the scores of the recording itself, as the trainer reads it."""
    with open_stream(f"file:{recording}") as stream:
        found = evaluate(answer, examples(stream))
    assert 0.01 < found["all"]["nineteen"]["mIoU"] < 0.99
    assert set(found) == {"all", *APPEARANCES}
    return found


@pytest.fixture(scope="module")
def layout(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cityscapes")
    assert main(["export", str(recording), str(folder), "--format", "cityscapes", "--split", "val"]) == 0
    return folder


def test_mmseg_opens_it_and_scores_the_same(layout, expected, count):
    from mmengine.registry import init_default_scope
    from mmseg.datasets import CityscapesDataset

    init_default_scope("mmseg")
    dataset = CityscapesDataset(
        data_root=str(layout),
        data_prefix={"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"},
        pipeline=[{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}],
    )
    assert len(dataset) == count * len(APPEARANCES)

    def read():
        for sample in (dataset[number] for number in range(len(dataset))):
            group = next(name for name in APPEARANCES if f"-{name.replace('_', '-')}_" in sample["img_path"])
            yield Example(group, sample["img_path"], sample["img"][..., ::-1], sample["gt_seg_map"].astype(np.uint8))

    assert evaluate(answer, read()) == expected


def test_our_reader_scores_the_same_by_either_label(layout, expected):
    assert evaluate(answer, Photographs("folder", layout))["all"] == expected["all"]
    train_ids = sorted(layout.rglob("*_labelTrainIds.png"))
    for file in train_ids:
        file.rename(file.with_suffix(".away"))
    try:
        assert evaluate(answer, Photographs("folder", layout))["all"] == expected["all"]
    finally:
        for file in train_ids:
            file.with_suffix(".away").rename(file)


def test_webdataset_opens_it_and_scores_the_same(recording, tmp_path, expected, count):
    import webdataset

    assert main(["export", str(recording), str(tmp_path), "--format", "webdataset", "--together", "5"]) == 0
    files = sorted(map(str, tmp_path.rglob("*.tar")))
    assert len(files) == -(-count // 5)
    samples = webdataset.WebDataset(files, shardshuffle=False).decode("pil")
    indices = []

    def read():
        for sample in samples:
            said = sample["json"]
            indices.append(said["index"])
            names = ("tags.png", "labelids.png", "labeltrainids.png")
            tags, label_ids, labels = (np.asarray(sample[name])[..., 0] for name in names)  # "pil" makes all RGB
            assert np.array_equal(labels, tag_to_train_id()[tags])
            assert np.array_equal(label_ids, tag_to_label_id()[tags])
            assert mask_hash(tags) == said["mask_sha256"]
            for appearance, name in said["appearances"].items():
                yield Example(appearance, sample["__key__"], np.asarray(sample[f"image.{name}.png"]), labels)

    assert evaluate(answer, read()) == expected
    assert indices == list(range(count))
