"""The teacher: a copy of the network whose parameters follow the student's as a moving average (DAFormer 3.1)."""

from __future__ import annotations

import copy
from typing import Any

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

DROPS = (_DropoutNd, DropPath)


def alpha_at(update: int, limit: float = 0.999) -> float:
    """Return how much of itself the teacher keeps: min(1 - 1 / (t + 1), limit), so that the first update copies.

    Args:
        update: t, 0-based.
        limit: largest share.
    """
    return min(1 - 1 / (update + 1), limit)


class Teacher(nn.Module):
    """Encoder and head that only a moving average changes.

    In training it normalises by the statistics of what it sees and keeps running statistics of its own, which are not
    averaged; dropout and stochastic depth are off.
    """

    def __init__(self, backbone: nn.Module, decode_head: nn.Module) -> None:
        """Copy the student's parts.

        Args:
            backbone: encoder.
            decode_head: of the segmentor.
        """
        super().__init__()
        self.backbone = copy.deepcopy(backbone)
        self.decode_head = copy.deepcopy(decode_head)
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Teacher:
        """Switch the mode, but for what drops something."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, DROPS):
                module.training = False
        return self

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Return `(N, K, H, W)` logits at the images' own size.

        Args:
            images: `(N, 3, H, W)` float, normalised.
        """
        logits = self.decode_head(self.backbone(images)).float()
        size = images.shape[2:]
        return nn.functional.interpolate(logits, size, mode="bilinear", align_corners=self.decode_head.align_corners)

    @torch.no_grad()
    def follow(self, backbone: nn.Module, decode_head: nn.Module, alpha: float) -> None:
        """Move the parameters, and nothing else: mine become alpha * mine + (1 - alpha) * the student's.

        Args:
            backbone: of the student.
            decode_head: of the student.
            alpha: 0 copies.
        """
        own = list(self.parameters())
        theirs = [*backbone.parameters(), *decode_head.parameters()]
        torch._foreach_mul_(own, alpha)
        torch._foreach_add_(own, theirs, alpha=1 - alpha)


@HOOKS.register_module()
class FollowStudent(Hook):
    """Update the teacher at the start of every iteration, by a share that follows from the iteration's number alone."""

    priority = "NORMAL"

    def __init__(self, alpha: float = 0.999) -> None:
        """Set the limit.

        Args:
            alpha: largest share that the teacher keeps of itself; 0.999 in DAFormer.
        """
        self.alpha = alpha

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Follow the student as the last step left it; between the parts of an accumulated step it has not moved."""
        parts = getattr(runner.optim_wrapper, "_accumulative_counts", 1)
        if runner.iter % parts == 0:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            model.teacher.follow(model.backbone, model.decode_head, alpha_at(runner.iter // parts, self.alpha))
