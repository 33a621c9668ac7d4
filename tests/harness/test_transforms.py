"""Transforms: all appearances and the label move together, byte for byte; colours change one by one."""

import numpy as np
import pytest

from harness.chance import chance
from harness.datasets import as_results
from harness.transforms import CropAll, DistortEach, DrawAppearances, FlipAll, PackAppearances, TagsToClasses
from protocols.errors import InputError
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


class Counting(CropAll):
    """Keep the windows that were tried."""

    def __init__(self, *args):
        super().__init__(*args)
        self.windows = []

    def _any(self, label, dice):
        self.windows.append(super()._any(label, dice))
        return self.windows[-1]


@pytest.mark.parametrize(("alone", "wanted", "tried"), [(False, 9, 11), (True, -1, 11), (True, 9, 121)])
def test_crop_gives_up_after_ten_windows_more(results, alone, wanted, tried):
    """No window can be accepted: one class is all there is, or a class that is nowhere is wanted, or both."""
    crop, one = Counting((8, 8)), results(wanted=wanted)
    one["label"] = (np.arange(32 * 64).reshape(32, 64) % (1 if alone else 5)).astype(np.uint8)
    assert np.array_equal(crop.transform(dict(one))["label"], one["label"][crop.windows[-1]])
    assert len(crop.windows) == tried


@pytest.mark.parametrize(
    ("counts", "wanted", "accepted"),
    [
        ({0: 74, 1: 26}, -1, True),
        ({0: 75, 1: 25}, -1, False),  # less than three quarters, not as much
        ({0: 50, 255: 50}, -1, False),  # more than one class, the ignored not counted
        ({0: 37, 1: 13, 255: 50}, -1, True),  # shares are of the labelled pixels
        ({0: 38, 1: 12, 255: 50}, -1, False),
        ({0: 60, 1: 39, 2: 1}, 2, True),
        ({0: 60, 1: 40}, 2, False),
    ],
)
def test_rule_of_acceptance_by_hand(results, counts, wanted, accepted):
    crop, one = Counting((10, 10)), results(wanted=wanted)
    one["label"] = np.repeat(list(counts), list(counts.values())).astype(np.uint8).reshape(10, 10)
    crop.transform(one)
    assert len(crop.windows) == (1 if accepted else 11)


def test_anchor_is_in_every_pair(results):
    pairs = {DrawAppearances(2, pairs="anchor", anchor="night").transform(results(s))["appearances"] for s in range(40)}
    assert pairs == {("night", "noon"), ("night", "fog")}
    with pytest.raises(InputError, match="expected an appearance 'dusk', got noon, night, fog"):
        DrawAppearances(2, pairs="anchor", anchor="dusk").transform(results())


def test_same_appearance_twice_is_the_control(results):
    seen = set()
    for seed in range(40):
        one = DrawAppearances(2, pairs="same").transform(results(seed))
        assert one["appearances"][0] == one["appearances"][1]
        assert np.array_equal(one["images"][0], one["images"][1])
        seen.add(one["appearances"][0])
        distorted = DistortEach(probability=1.0).transform(one)["images"]
        assert not np.array_equal(distorted[0], distorted[1])
    assert seen == {"noon", "night", "fog"}


def test_reference_moves_with_the_others_but_keeps_its_colours(results):
    one = DrawAppearances(2, reference="noon").transform(results(3))
    assert len(one["images"]) == 3
    assert len(one["appearances"]) == 2
    packed = DistortEach(probability=1.0).transform(FlipAll(1.0).transform(CropAll((16, 24)).transform(one)))
    reference = packed["images"][2]
    assert (reference[..., 2] == 0).all()  # noon, as it was
    place = reference[..., 0].astype(int) + 256 * reference[..., 1].astype(int)
    assert np.array_equal(packed["label"], results(3)["label"].ravel()[place])
    samples = PackAppearances().transform(packed)["data_samples"]
    assert [sample.metainfo["view"] for sample in samples] == [0, 1, -1]


def test_unknown_pairs_are_refused():
    with pytest.raises(InputError, match="one of uniform, anchor, same, got 'twins'"):
        DrawAppearances(2, pairs="twins")


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


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("parts", range(16))
def test_distortion_is_that_of_mmseg(parts, first, monkeypatch):
    """The same decisions put into both: each subset of the four parts, contrast before and after the colours."""
    from mmseg.datasets.transforms import transforms as theirs

    wanted = [bool(parts >> bit & 1) for bit in range(4)]
    shift, gain, colourful, turn = 21.0, 1.3, 0.7, -7

    class Dice:
        def random(self, count):
            return np.array([0.0 if each else 0.9 for each in (*wanted, first)])

        def uniform(self, low, high):
            return shift if low < 0 else {True: gain, False: colourful}[next(gains)]

        def integers(self, low, high):
            return turn

    class Random:
        """What mmseg asks: two-sided coins in its own order, then values."""

        def randint(self, low, high=None):
            if high is None or (low, high) == (0, 2):
                return int(next(coins))
            return turn

        def uniform(self, low, high):
            return shift if low < 0 else next(values)

    gains = iter([each for each, part in ((True, wanted[1]), (False, wanted[2])) if part])
    order = [wanted[0], first, *([wanted[1]] if first else []), wanted[2], wanted[3], *([] if first else [wanted[1]])]
    coins = iter(order)
    ordered = [(gain, wanted[1]), (colourful, wanted[2])] if first else [(colourful, wanted[2]), (gain, wanted[1])]
    values = iter([each for each, part in ordered if part])
    monkeypatch.setattr(theirs, "random", Random())
    image = np.random.default_rng(parts).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    expected = theirs.PhotoMetricDistortion().transform({"img": image[..., ::-1].copy()})["img"][..., ::-1]
    found = DistortEach()._distort(image, Dice())
    apart = np.abs(found.astype(int) - expected.astype(int))
    assert apart.max() <= 3  # mmseg goes to hue and back twice, rounds each time, and contrast enlarges that
    assert apart.mean() < 0.5
    assert parts == 0 or not np.array_equal(found, image)


def test_packed_as_mmseg_takes_it(results):
    one = PackAppearances().transform(results())
    assert [tuple(image.shape) for image in one["inputs"]] == [(3, 32, 64)] * 3
    assert [sample.metainfo["appearance"] for sample in one["data_samples"]] == ["noon", "night", "fog"]
    assert one["data_samples"][0].gt_sem_seg.data.shape == (1, 32, 64)
