"""DAFormer's decode head: context-aware fusion of all stages by a depth-wise separable ASPP (Hoyer et al. 2022).

Written from the description in the paper: embed each stage, upsample to the finest, concatenate, four branches with
dilations 1, 6, 12, 18, fuse, classify.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 6, 12, 18)


@MODELS.register_module()
class DAFormerHead(BaseDecodeHead):
    """Decode features of all stages into class logits at the finest stage's size.

    With `channels=256` on MiT-B5 and 19 classes it has 3,712,275 parameters, as published.
    """

    def __init__(self, in_channels: Sequence[int], channels: int = 256, **kwargs: Any) -> None:
        """Build the layers.

        Args:
            in_channels: of each stage, finest first.
            channels: inside the head; 256 as published.
            kwargs: as `BaseDecodeHead`: num_classes, loss_decode, dropout_ratio, ...
        """
        kwargs.setdefault("norm_cfg", {"type": "BN", "requires_grad": True})
        super().__init__(
            in_channels=list(in_channels),
            channels=channels,
            in_index=list(range(len(in_channels))),
            input_transform="multiple_select",
            **kwargs,
        )
        self.embed_layers = nn.ModuleList(nn.Linear(width, channels) for width in in_channels)
        stacked = channels * len(in_channels)
        layer = {"norm_cfg": self.norm_cfg, "act_cfg": self.act_cfg}
        self.aspp = nn.ModuleList(
            ConvModule(stacked, channels, 1, **layer)
            if dilation == 1
            else DepthwiseSeparableConvModule(stacked, channels, 3, dilation=dilation, padding=dilation, **layer)
            for dilation in DILATIONS
        )
        self.bottleneck = ConvModule(len(DILATIONS) * channels, channels, 3, padding=1, **layer)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return logits `(N, num_classes, H_1, W_1)`.

        Args:
            inputs: feature maps `(N, C_l, H_l, W_l)`, finest first.
        """
        features = self._transform_inputs(inputs)
        size = features[0].shape[2:]
        embedded = []
        for feature, embed in zip(features, self.embed_layers, strict=True):
            flat = embed(feature.flatten(2).transpose(1, 2))  # (N, H*W, channels)
            image = flat.transpose(1, 2).unflatten(2, feature.shape[2:])
            if image.shape[2:] != size:
                image = functional.interpolate(image, size=size, mode="bilinear", align_corners=self.align_corners)
            embedded.append(image)
        stacked = torch.cat(embedded, dim=1)
        return self.cls_seg(self.bottleneck(torch.cat([branch(stacked) for branch in self.aspp], dim=1)))
