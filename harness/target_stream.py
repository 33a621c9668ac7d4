"""A second stream as the target: its bundles are held in memory, and their masks never looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmseg.registry import DATASETS

from harness.datasets import HeldBundles


@DATASETS.register_module()
class TargetBundles(HeldBundles):
    """Hold `count` bundles of a stream or recording; one sample is one appearance of one bundle."""

    def __len__(self) -> int:
        """Return the number of images; the first time they are received, and the stream is ended."""
        if not self.bundles:
            self.fill()
            self.stream.close()
        return sum(len(bundle.images) for bundle in self.bundles)

    def __getitem__(self, index: int) -> dict[str, Any]:
        for bundle in self.bundles:
            if index < len(bundle.images):
                image = np.ascontiguousarray(bundle.images[index][..., ::-1])  # BGR, as mmcv reads files
                shape = image.shape[:2]
                name = f"{bundle.header.identity}/{bundle.header.appearances[index]}"
                return self.pipeline(
                    {"img": image, "img_shape": shape, "ori_shape": shape, "img_path": name, "seg_fields": []}
                )
            index -= len(bundle.images)
        raise IndexError(index)
