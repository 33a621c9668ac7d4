"""Scores from one confusion matrix over the 19 classes of Cityscapes: over 19, and over 16 by two conventions.

`sixteen_strict`: pixels whose label is terrain, bus or train count as errors of what is predicted there (as for
SYNTHIA). `sixteen_ignore`: such pixels are left out, and the three are never predicted. A class that occurs in no label
has no score, and a mean says over how many classes it goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.labels import LEFT_OUT, TAGS, TRAIN_IDS_16

CLASSES = 19
NAMES_19: tuple[str, ...] = tuple(TAGS[train_id + 1].name for train_id in range(CLASSES))
CONVENTIONS = ("sixteen_strict", "sixteen_ignore", "nineteen")


def confusion(labels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each pair of label and prediction.

    Args:
        labels: `(H, W)` train ids 0..18; everything else is left out.
        predicted: `(H, W)` train ids 0..18.

    Returns:
        `(19, 19)` int64: rows are labels, columns predictions.
    """
    known = labels < CLASSES
    keys = labels[known].astype(np.int64) * CLASSES + predicted[known]
    return np.bincount(keys, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)


def scores(all_predicted: NDArray[np.int64], three_masked: NDArray[np.int64]) -> dict[str, Any]:
    """Return the scores by each convention: IoU and recall a class, their means, and over how many classes these go.

    Args:
        all_predicted: `(19, 19)` confusion of the network's answers.
        three_masked: `(19, 19)` confusion of its answers where it may not say terrain, bus or train.
    """
    ignored = three_masked.copy()
    ignored[list(LEFT_OUT)] = 0
    return {
        "sixteen_strict": _scores(all_predicted, TRAIN_IDS_16),
        "sixteen_ignore": _scores(ignored, TRAIN_IDS_16),
        "nineteen": _scores(all_predicted, range(CLASSES)),
    }


def _scores(counts: NDArray[np.int64], classes: Any) -> dict[str, Any]:
    hits, labelled, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    present = [number for number in classes if labelled[number]]
    iou = {number: float(hits[number] / (labelled[number] + said[number] - hits[number])) for number in present}
    recall = {number: float(hits[number] / labelled[number]) for number in present}
    return {
        "mIoU": float(np.mean(list(iou.values()))) if present else None,
        "mAcc": float(np.mean(list(recall.values()))) if present else None,
        "aAcc": float(hits.sum() / counts.sum()) if counts.sum() else None,
        "classes": len(present),
        "of": len(classes),
        "IoU": {NAMES_19[number]: iou.get(number) for number in classes},
        "Acc": {NAMES_19[number]: recall.get(number) for number in classes},
    }
