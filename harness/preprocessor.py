"""Preprocessor: one upload of bytes for a whole batch, normalised where the network is."""

from __future__ import annotations

from typing import Any

import torch
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BundlePreProcessor(SegDataPreProcessor):
    """Do what mmseg's does, in one piece, where all images have one size; bit for bit the same values."""

    def __init__(self, *args: Any, channels_last: bool = False, **kwargs: Any) -> None:
        """Set the memory's order.

        Args:
            args: as `SegDataPreProcessor`.
            channels_last: lay the images out channels last; convolutions then do so, too.
            kwargs: as `SegDataPreProcessor`.
        """
        super().__init__(*args, **kwargs)
        self.channels_last = channels_last

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return `inputs (N, 3, H, W)` float32, normalised, and `data_samples`, both on the network's device.

        Args:
            data: `inputs`, N of `(3, H, W)` uint8, and `data_samples`, N samples or None.
            training: whether images are padded to the size of the crops, if they are smaller.
        """
        images, samples = data["inputs"], data.get("data_samples")
        shape = tuple(images[0].shape)
        whole = all(image.dtype == torch.uint8 and tuple(image.shape) == shape for image in images)
        padded = shape[1:] != tuple(self.size or shape[1:]) if training else bool(self.test_cfg)
        if not whole or padded or self.size_divisor or self.batch_augments or self._channel_conversion:
            found: dict[str, Any] = super().forward(data, training)
            return found
        moved: dict[int, Tensor] = {}
        for sample in samples or ():
            for field in (sample.get("gt_sem_seg"), sample.get("valid")):
                if field is not None:  # one label for all appearances of a bundle: it is moved once
                    field.data = moved.setdefault(id(field.data), self._upload(field.data))
        values = self._upload(torch.stack(list(images)))
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        normalised = values.to(torch.float32, memory_format=order)
        if self._enable_normalize:
            normalised = normalised.sub_(self.mean).div_(self.std)
        return {"inputs": normalised, "data_samples": samples}

    def _upload(self, values: Tensor) -> Tensor:
        if self.device.type == "cuda" and values.device.type == "cpu":
            values = values.pin_memory()
        return values.to(self.device, non_blocking=True)
