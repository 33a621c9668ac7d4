"""Segmentor: mmseg's EncoderDecoder on pairs: cross entropy on both appearances and a consistency loss."""

from __future__ import annotations

from typing import Any

from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

from harness.losses import margin


@MODELS.register_module()
class PairSegmentor(EncoderDecoder):
    """Train on a batch whose images 2k and 2k+1 are two appearances of one street, cut and mirrored alike."""

    def __init__(self, *args: Any, consistency: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Build the network.

        Args:
            args: as `EncoderDecoder`.
            consistency: config of a consistency loss; None trains with cross entropy alone on the same pairs.
            kwargs: as `EncoderDecoder`.
        """
        super().__init__(*args, **kwargs)
        self.consistency = MODELS.build(consistency) if consistency is not None else None

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """Return `loss_ce`, `loss_consistency`, and, not part of the loss, `acc_seg` and `margin_1` to `margin_4`.

        Args:
            inputs: `(2B, 3, H, W)` float.
            data_samples: 2B samples with `gt_sem_seg`.
        """
        features = self.extract_feat(inputs)
        losses: dict[str, Tensor] = dict(self.decode_head.loss(features, data_samples, self.train_cfg))
        first = [feature[0::2] for feature in features]
        second = [feature[1::2] for feature in features]
        if self.consistency is not None:
            losses["loss_consistency"] = self.consistency(first, second)
        for stage, (one, two) in enumerate(zip(first, second, strict=True), start=1):
            losses[f"margin_{stage}"] = margin(one, two)
        return losses
