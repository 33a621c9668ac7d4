"""IoU and the baselines against brute force."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from harness.baselines import Baselines, ColourTable, PositionPrior, colour_keys, score
from harness.datasets import METAINFO
from harness.metrics import BundleIoU, mean_iou
from protocols.labels import NAMES_16, tag_to_class16


def brute_force(labels, predictions):
    """Return the mean over all 16 classes and each IoU, pixel by pixel."""
    hits, unions = np.zeros(16), np.zeros(16)
    for label, predicted in zip(labels, predictions, strict=True):
        for true, said in zip(label.ravel(), predicted.ravel(), strict=True):
            if true == 255:
                continue
            for number in range(16):
                hits[number] += true == number == said
                unions[number] += number in (true, said)
    iou = [hit / union if union else 0.0 for hit, union in zip(hits, unions, strict=True)]
    return np.mean(iou), iou


def sample(label, predicted, appearance):
    one = SegDataSample(metainfo={"appearance": appearance})
    one.gt_sem_seg = PixelData(data=torch.from_numpy(label.astype(np.int64))[None])
    one.pred_sem_seg = PixelData(data=torch.from_numpy(predicted.astype(np.int64))[None])
    return one.to_dict()


def test_metric_equals_brute_force_in_all_and_by_appearance():
    dice = np.random.default_rng(0)
    labels = dice.integers(0, 9, (6, 7, 5)).astype(np.uint8)  # classes 9 to 15 never occur
    labels[dice.random(labels.shape) < 0.2] = 255
    predictions = np.where(dice.random(labels.shape) < 0.5, labels, dice.integers(0, 12, labels.shape)) % 255
    names = ["noon", "night", "noon", "fog", "night", "noon"]
    metric = BundleIoU()
    metric.dataset_meta = METAINFO
    samples = [sample(*each) for each in zip(labels, predictions, names, strict=True)]
    for bundle in (samples[:3], samples[3:]):
        metric.process({}, bundle)
    found = metric.evaluate(size=2)  # as mmengine does: with the number of bundles
    mean, iou = brute_force(labels, predictions)
    assert found["mIoU"] == pytest.approx(mean)
    assert [found[f"IoU/{name}"] for name in NAMES_16] == pytest.approx(iou)
    known = labels != 255
    assert found["aAcc"] == pytest.approx((labels == predictions)[known].mean())
    assert found["classes"] == 9
    for name in set(names):
        chosen = [index for index, each in enumerate(names) if each == name]
        assert found[f"mIoU/{name}"] == pytest.approx(brute_force(labels[chosen], predictions[chosen])[0])


def test_absent_class_counts_as_zero():
    assert mean_iou(np.array([4, 0]), np.array([4, 0]))[0] == 0.5


def test_colour_table_learns_colours_and_nothing_else(bundle):
    table = ColourTable()
    one = bundle(0)
    one.images[...] = (one.mask * 8)[None, ..., None]  # two tags share a cell of 16 levels
    one.mask[...] = one.mask // 2 * 2
    one.images[...] = (one.mask * 8)[None, ..., None]
    for _ in range(2):
        table.fit(one)
    label = tag_to_class16()[one.mask]
    known = label != 255
    assert np.array_equal(table.predict(one.images)[0][known], label[known])


def test_colour_keys_are_numbers_of_cells():
    assert colour_keys(np.array([[0, 0, 0], [255, 255, 255], [16, 0, 15]], np.uint8)).tolist() == [0, 4095, 256]


def test_position_prior_knows_the_mean_place(bundle):
    prior = PositionPrior(32, 64)
    one = bundle(0)
    one.mask[:16], one.mask[16:] = 11, 1
    prior.fit(one)
    predicted = prior.predict(one.images)
    assert predicted.shape == (3, 32, 64)
    assert np.array_equal(predicted[0], tag_to_class16()[one.mask])


def test_scores_equal_brute_force(bundle):
    baselines = Baselines()
    for index in range(4):
        baselines(bundle(index))
    test = [bundle(index) for index in (10, 11)]
    labels = [tag_to_class16()[one.mask] for one in test]
    predictions = [baselines.colour.predict(one.images) for one in test]
    expected = brute_force(
        [label for label in labels for _ in range(3)], [each for several in predictions for each in several]
    )[0]
    found = score(baselines.colour, test)
    assert found["all"] == pytest.approx(expected)
    assert found["night"] == pytest.approx(brute_force(labels, [each[1] for each in predictions])[0])
    assert set(baselines.score(test)) == {"colour", "position"}
    with pytest.raises(ValueError, match="at least one bundle"):
        Baselines().score(test)
