"""Transforms: all appearances and the label move together, byte for byte; colours change one by one."""

import numpy as np
import pytest

from harness.chance import chance
from harness.datasets import as_results
from harness.transforms import CropAll, DistortEach, DrawAppearances, FlipAll, PackAppearances, TagsToClasses
from protocols.labels import tag_to_class16


@pytest.fixture
def results(bundle):
    """Images whose pixels name their own place, the same in every appearance but for the third channel."""

    def make(seed=0, wanted=-1):
        one = as_results(bundle(seed), wanted, chance(seed, 2, 0))
        height, width = one["mask"].shape
        place = np.arange(height * width).reshape(height, width)
        images = np.zeros_like(one["images"])
        images[..., 0], images[..., 1] = place % 256, place // 256
        images[..., 2] = np.arange(len(images))[:, None, None]
        one["images"] = images
        return TagsToClasses().transform(one)

    return make


@pytest.mark.parametrize("seed", range(8))
def test_crop_and_flip_are_shared_byte_for_byte(results, bundle, seed):
    one = FlipAll().transform(CropAll((16, 24)).transform(results(seed)))
    images, label = one["images"], one["label"]
    assert images.shape == (3, 16, 24, 3)
    assert all(np.array_equal(images[0][..., :2], image[..., :2]) for image in images)
    # each pixel says where it came from: the label must have come from there too
    place = images[0][..., 0].astype(int) + 256 * images[0][..., 1].astype(int)
    assert np.array_equal(label, tag_to_class16()[bundle(seed).mask].ravel()[place])


def test_flip_happens_half_the_time(results):
    flips = [not np.array_equal(FlipAll().transform(results(s))["images"], results(s)["images"]) for s in range(60)]
    assert 15 < sum(flips) < 45


def test_crop_looks_for_the_wanted_class(results):
    one = results(wanted=5)
    one["label"] = np.zeros((32, 64), np.uint8)
    one["label"][::2] = 1
    one["label"][20:24, 50:54] = 5
    assert (CropAll((8, 8), tries=400).transform(one)["label"] == 5).mean() > 0.00572


def test_crop_avoids_one_class_alone_but_gives_up(results):
    one = results()
    one["label"] = np.full((32, 64), 3, np.uint8)
    one["label"][:16, :8] = 4
    shares = np.bincount(CropAll((8, 8), tries=400).transform(dict(one, chance=chance(0, 2, 0)))["label"].ravel())
    assert shares.max() < 0.75 * 64
    one["label"][:] = 3
    assert (CropAll((8, 8)).transform(one)["label"] == 3).all()


class Counted:
    """Dice that count what is drawn."""

    def __init__(self):
        self.dice, self.draws = np.random.default_rng(0), 0

    def integers(self, *limits):
        self.draws += 1
        return self.dice.integers(*limits)


@pytest.mark.parametrize(("wanted", "label", "windows"), [(-1, 3, 11), (5, 3, 121), (3, 3, 11)])
def test_crop_retries_stop_at_ten(results, wanted, label, windows):
    """Ten refused windows and the last one; for a wanted class that is nowhere, ten times that and once more."""
    one = results(wanted=wanted)
    one["label"] = np.full((32, 64), label, np.uint8)
    one["chance"] = Counted()
    CropAll((8, 8)).transform(one)
    assert one["chance"].draws == 2 * windows


def test_crop_stops_at_the_first_window_that_will_do(results):
    one = results(wanted=1)
    one["label"] = np.tile(np.array([0, 1], np.uint8), (32, 32))
    one["chance"] = Counted()
    cut = CropAll((8, 8)).transform(one)
    assert cut["chance"].draws == 2
    top, left = cut["window"]
    assert np.array_equal(cut["images"], results()["images"][:, top : top + 8, left : left + 8])


def test_crop_larger_than_the_image_is_the_image(results):
    assert CropAll((100, 100)).transform(results())["label"].shape == (32, 64)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_appearances_are_drawn_without_repetition(results, count):
    one = DrawAppearances(count).transform(results())
    assert len(set(one["appearances"])) == len(one["images"]) == min(count, 3)
    names = ("noon", "night", "fog")
    assert [names[index] for index in one["images"][:, 0, 0, 2]] == list(one["appearances"])


def test_every_pair_is_drawn(results):
    pairs = {DrawAppearances(2).transform(results(seed))["appearances"] for seed in range(60)}
    assert len(pairs) == 6


def test_distortion_is_independent_and_leaves_the_label(results):
    one = results()
    one["images"][:] = one["images"][:1]
    label = one["label"].copy()
    images = DistortEach(probability=1.0).transform(one)["images"]
    assert not np.array_equal(images[0], images[1])
    assert np.array_equal(one["label"], label)
    assert images.dtype == np.uint8


def test_no_distortion_is_the_identity(results):
    one = results()
    before = one["images"].copy()
    assert np.array_equal(DistortEach(probability=0.0).transform(one)["images"], before)


def test_distortion_follows_its_formula(results):
    class Dice:
        """Brightness +20, contrast 1.2 first, no colour."""

        def random(self, count):
            return np.array([0.0, 0.0, 0.9, 0.9, 0.0])

        def uniform(self, low, high):
            return 20.0 if low < 0 else 1.2

    image = results()["images"][0]
    expected = np.clip(np.clip(image.astype(int) + 20, 0, 255) * 1.2, 0, 255).astype(np.uint8)
    assert np.abs(DistortEach()._distort(image, Dice()).astype(int) - expected).max() <= 1


def test_packed_as_mmseg_takes_it(results):
    one = PackAppearances().transform(results())
    assert [tuple(image.shape) for image in one["inputs"]] == [(3, 32, 64)] * 3
    assert [sample.metainfo["appearance"] for sample in one["data_samples"]] == ["noon", "night", "fog"]
    assert one["data_samples"][0].gt_sem_seg.data.shape == (1, 32, 64)
