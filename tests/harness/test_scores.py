"""Scores of the evaluate command against a loop over pixels, against mmseg's IoUMetric, and worked by hand."""

import numpy as np
import pytest
import torch
from mmseg.evaluation.metrics import IoUMetric

from harness.scores import NAMES_19, confusion, scores
from protocols.labels import LEFT_OUT, TRAIN_IDS_16


def pictures(seed, classes=19):
    dice = np.random.default_rng(seed)
    labels = dice.integers(0, classes, (3, 12, 9)).astype(np.uint8)
    labels[dice.random(labels.shape) < 0.2] = 255
    predicted = np.where(dice.random(labels.shape) < 0.6, labels, dice.integers(0, 19, labels.shape)).astype(np.uint8)
    predicted[predicted == 255] = 3
    return labels, predicted


def by_loop(labels, predicted, classes):
    """Return IoU and recall of each class, None where it is in no label."""
    iou, recall = {}, {}
    for number in classes:
        hit = union = labelled = 0
        for true, said in zip(labels.ravel(), predicted.ravel(), strict=True):
            if true != 255:
                hit += true == number == said
                union += number in (true, said)
                labelled += true == number
        iou[NAMES_19[number]] = hit / union if labelled else None
        recall[NAMES_19[number]] = hit / labelled if labelled else None
    return iou, recall


def matrices(labels, predicted, masked):
    return (
        sum(confusion(one, two) for one, two in zip(labels, predicted, strict=True)),
        sum(confusion(one, two) for one, two in zip(labels, masked, strict=True)),
    )


def mean(values):
    return np.mean([value for value in values.values() if value is not None])


@pytest.mark.parametrize("seed", range(3))
def test_all_conventions_against_a_loop(seed):
    labels, predicted = pictures(seed)
    masked = np.where(np.isin(predicted, LEFT_OUT), 8, predicted)
    found = scores(*matrices(labels, predicted, masked))
    ignored = np.where(np.isin(labels, LEFT_OUT), 255, labels)
    for convention, (true, said, classes) in {
        "sixteen_strict": (labels, predicted, TRAIN_IDS_16),
        "sixteen_ignore": (ignored, masked, TRAIN_IDS_16),
        "nineteen": (labels, predicted, range(19)),
    }.items():
        iou, recall = by_loop(true, said, classes)
        one = found[convention]
        assert one["IoU"] == pytest.approx(iou)
        assert one["Acc"] == pytest.approx(recall)
        assert one["mIoU"] == pytest.approx(mean(iou))
        assert one["mAcc"] == pytest.approx(mean(recall))
        assert one["aAcc"] == pytest.approx((true == said)[true != 255].mean())
        assert (one["classes"], one["of"]) == (len(classes), len(classes))


def test_over_nineteen_as_mmseg_has_it():
    labels, predicted = pictures(5)
    areas = [
        IoUMetric.intersect_and_union(torch.from_numpy(two), torch.from_numpy(one), 19, 255)
        for one, two in zip(labels, predicted, strict=True)
    ]
    metric = IoUMetric()
    metric.dataset_meta = {"classes": NAMES_19}
    theirs = metric.total_area_to_metrics(*(sum(part) for part in zip(*areas, strict=True)), ["mIoU"])
    ours = scores(*matrices(labels, predicted, predicted))["nineteen"]
    assert list(ours["IoU"].values()) == pytest.approx(theirs["IoU"].tolist())
    assert list(ours["Acc"].values()) == pytest.approx(theirs["Acc"].tolist())
    assert ours["aAcc"] == pytest.approx(float(theirs["aAcc"]))
    assert ours["mIoU"] == pytest.approx(np.mean(theirs["IoU"]))


def test_absent_classes_have_no_score_and_the_mean_says_so():
    labels = np.array([[0, 0, 1, 255]], np.uint8)
    predicted = np.array([[0, 2, 1, 2]], np.uint8)  # 2 is said, but in no label
    found = scores(*matrices(labels[None], predicted[None], predicted[None]))["sixteen_strict"]
    assert found["IoU"]["road"] == 0.5
    assert found["IoU"]["sidewalk"] == 1
    assert found["IoU"]["building"] is None
    assert (found["mIoU"], found["classes"], found["of"]) == (0.75, 2, 16)


def test_conventions_differ_where_terrain_is_by_hand():
    """Two pixels of vegetation, one right; one of terrain taken for vegetation; one vegetation taken for terrain."""
    labels = np.array([[8, 8, 9]], np.uint8)
    predicted, masked = np.array([[8, 9, 8]], np.uint8), np.array([[8, 0, 8]], np.uint8)
    found = scores(*matrices(labels[None], predicted[None], masked[None]))
    assert found["sixteen_strict"]["IoU"]["vegetation"] == pytest.approx(1 / 3)
    assert found["sixteen_ignore"]["IoU"]["vegetation"] == pytest.approx(1 / 2)
    assert found["nineteen"]["mIoU"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["nineteen"]["classes"] == 2


def test_nothing_labelled_gives_no_mean():
    labels = np.full((1, 2, 2), 255, np.uint8)
    assert scores(*matrices(labels, labels * 0, labels * 0))["nineteen"]["mIoU"] is None
