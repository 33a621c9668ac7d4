"""IoU as the report needs it: unrounded, by class name, by appearance, and a class that is missing counts 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmseg.evaluation.metrics import IoUMetric
from mmseg.registry import METRICS
from numpy.typing import NDArray


def mean_iou(intersections: NDArray[Any], unions: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
    """Return the plain mean over all classes, and the IoU of each; a class that never occurs counts 0.

    Args:
        intersections: `(C,)` pixels.
        unions: `(C,)` pixels.
    """
    iou = np.divide(intersections, unions, out=np.zeros(len(unions)), where=np.asarray(unions) > 0)
    return float(iou.mean()), iou


@METRICS.register_module()
class BundleIoU(IoUMetric):
    """mmseg's IoUMetric, per class and appearance, in 0..1."""

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep intersection and union of each prediction, with the appearance it was made under.

        mmengine cuts the results to as many as the dataset has samples, and a sample is a bundle of several images: so
        all images of a batch make one result.
        """
        kept = []
        for sample in data_samples:
            predicted = sample["pred_sem_seg"]["data"].squeeze()
            label = sample["gt_sem_seg"]["data"].squeeze().to(predicted)
            areas = self.intersect_and_union(predicted, label, len(self.dataset_meta["classes"]), self.ignore_index)
            kept.append((sample.get("appearance", ""), *areas))
        self.results.append(kept)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return `mIoU`, `aAcc`, `IoU/<class>`, `mIoU/<appearance>`, `classes` (how many occur in the labels)."""
        images = [image for batch in results for image in batch]
        names = [image[0] for image in images]
        areas = np.stack([np.stack([area.numpy() for area in image[1:]]) for image in images])  # (N, 4, C)
        intersections, unions, _, labels = areas.sum(axis=0)
        mean, iou = mean_iou(intersections, unions)
        metrics = {
            "mIoU": mean,
            "aAcc": float(intersections.sum() / max(1.0, labels.sum())),
            "classes": float(np.count_nonzero(labels)),
        }
        metrics |= {f"IoU/{name}": float(value) for name, value in zip(self.dataset_meta["classes"], iou, strict=True)}
        for appearance in dict.fromkeys(names):
            chosen = areas[[name == appearance for name in names]].sum(axis=0)
            metrics[f"mIoU/{appearance}"] = mean_iou(chosen[0], chosen[1])[0]
        return metrics
