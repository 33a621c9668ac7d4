"""Class mixing (DACS, as DAFormer does it): half of the source's classes are pasted onto a target image."""

from __future__ import annotations

import torch
from torch import Tensor


def class_masks(label: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return `(B, H, W)` bool: where each image shows one of the classes drawn for it.

    The classes are those of the **whole batch**, the ignored one (255) among them; of n, ceil(n / 2) are drawn without
    replacement, for each image anew. So a class that only another image has can be drawn.

    Args:
        label: `(B, H, W)` int64 of the source.
        generator: of the draw, on the CPU.
    """
    classes = label.unique()
    count = len(classes)
    lots = [torch.randperm(count, generator=generator)[: (count + 1) // 2] for _ in label]
    return torch.stack([torch.isin(one, classes[lot.to(classes.device)]) for one, lot in zip(label, lots, strict=True)])


def paste(mask: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Return the source inside the mask, and the target outside.

    Args:
        mask: `(N, H, W)` bool.
        source: `(N, H, W)` or `(N, C, H, W)`.
        target: the same shape and dtype.
    """
    return torch.where(mask if source.dim() == mask.dim() else mask[:, None], source, target)
