"""Targets: unlabelled images of the domain to adapt to, drawn from one of mmseg's data sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, TRANSFORMS
from mmseg.structures import SegDataSample

from harness.chance import TARGET_IMAGE, chance
from harness.reading_ahead import ReadAhead
from harness.transforms import TARGET
from protocols.errors import InputError


class Targets:
    """Draw target images, uniformly and independently of the source."""

    def __init__(self, config: dict[str, Any], seed: int) -> None:
        """Find the images.

        Args:
            config: of a data set in mmseg's registry, whose pipeline ends with `PackTarget`.
            seed: of the run.

        Raises:
            InputError: no such folder, or no image in it.
        """
        where = " ".join(f"{key}={config[key]}" for key in ("data_root", "data_prefix", "endpoint") if key in config)
        try:
            self._images = DATASETS.build(config)
        except FileNotFoundError as error:
            raise InputError(f"target: expected images at {where}, got: {error}"[:300]) from None
        if len(self._images) == 0:
            raise InputError(f"target: expected images at {where}, found none with this data set's file names")
        self._ahead = ReadAhead.of(self._images)
        self._seed = seed

    def draw(self, iteration: int, place: int) -> tuple[dict[str, Any], int]:
        """Return the packed image drawn for a place in a batch, and its number in the data set.

        Transforms of mmseg draw from numpy's global state, which every iteration begins anew. The file of the same
        place in the next iteration is read meanwhile.

        Args:
            iteration: 0-based.
            place: in the batch.

        Raises:
            InputError: the image cannot be read.
        """
        number = self._number(iteration, place)
        try:
            packed = self._images[number]
        except (OSError, AssertionError) as error:  # mmcv asserts that a file is an image
            raise InputError(f"target: expected a readable image as number {number}, got: {error}"[:300]) from None
        if self._ahead is not None:
            self._ahead.expect(self._number(iteration + 1, place))
        return packed, number

    def _number(self, iteration: int, place: int) -> int:
        return int(chance(self._seed, TARGET_IMAGE, iteration, place).integers(len(self._images)))


@TRANSFORMS.register_module()
class IgnoreMargins(BaseTransform):
    """Mark where a target image is not to be trusted: the bonnet, the edges of a rectified image.

    After the crop it masks rows of the crop, as DAFormer does; before the crop it masks margins of the image, as HRDA
    does. Only the latter means the same thing where crops are not as high as the image.
    """

    def __init__(self, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> None:
        """Set the margins.

        Args:
            top: rows; 15 in DAFormer, for crops of 512.
            bottom: rows; 120 in DAFormer.
            left: columns.
            right: columns.
        """
        self.margins = (top, bottom, left, right)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add `valid (H, W)` uint8, 0 in the margins, which mmseg's crops and flips treat like a label."""
        height, width = results["img"].shape[:2]
        top, bottom, left, right = self.margins
        results["valid"] = np.zeros((height, width), np.uint8)
        results["valid"][top : height - bottom, left : width - right] = 1
        results["seg_fields"] = [*results.get("seg_fields", []), "valid"]
        return results


@TRANSFORMS.register_module()
class PackTarget(BaseTransform):
    """Pack a target image as bundles are packed: `inputs (3, h, w)` uint8 RGB, and a sample without a label."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return `inputs` and `data_samples`, one of each."""
        image = np.ascontiguousarray(results["img"][..., ::-1].transpose(2, 0, 1))
        shape = tuple(image.shape[1:])
        sample = SegDataSample(
            metainfo={
                "view": TARGET,
                "img_shape": shape,
                "ori_shape": shape,
                "pad_shape": shape,
                "appearance": "target",
                "identity": str(results.get("img_path", "")),
            }
        )
        if "valid" in results:
            sample.valid = PixelData(data=torch.from_numpy(np.ascontiguousarray(results["valid"]))[None])
        return {"inputs": torch.from_numpy(image), "data_samples": sample}
