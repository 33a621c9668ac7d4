"""MiT-B0 to B5 by name: mmsegmentation's MixVisionTransformer, with weights in any naming and faster attention."""

from __future__ import annotations

from typing import Any

import torch
from mmseg.models.backbones import MixVisionTransformer
from mmseg.registry import MODELS
from torch import Tensor, nn

from harness.checkpoint import load_weights
from harness.encoder_names import load_encoder
from protocols.errors import InputError

VARIANTS = {
    "B0": (32, (2, 2, 2, 2)),
    "B1": (64, (2, 2, 2, 2)),
    "B2": (64, (3, 4, 6, 3)),
    "B3": (64, (3, 4, 18, 3)),
    "B4": (64, (3, 8, 27, 3)),
    "B5": (64, (3, 6, 40, 3)),
}
"""Channels of the first stage, blocks of each stage."""

HEADS = (1, 2, 5, 8)


@MODELS.register_module()
class MixTransformer(MixVisionTransformer):
    """Return the feature maps of four stages at strides 4, 8, 16, 32, layer-normed over channels.

    Attributes:
        pretrained: whether it was given weights.
    """

    def __init__(
        self, variant: str = "B5", weights: str | None = None, drop_path_rate: float = 0.1, **kwargs: Any
    ) -> None:
        """Build the encoder; its weights are read by `init_weights`.

        Args:
            variant: B0 to B5.
            weights: file of ImageNet weights in NVIDIA's, mmsegmentation's or Hugging Face's naming; None is random.
            drop_path_rate: of the last block; it grows from 0.
            kwargs: as `MixVisionTransformer`.

        Raises:
            InputError: an unknown variant.
        """
        if variant not in VARIANTS:
            raise InputError(f"variant: expected one of {', '.join(VARIANTS)}, got {variant!r}")
        width, layers = VARIANTS[variant]
        super().__init__(
            embed_dims=width,
            num_layers=list(layers),
            num_heads=list(HEADS),
            sr_ratios=[8, 4, 2, 1],
            mlp_ratio=4,
            qkv_bias=True,
            drop_path_rate=drop_path_rate,
            **kwargs,
        )
        self.weights = weights
        self.pretrained = weights is not None
        for module in self.modules():
            if type(module) is nn.MultiheadAttention:
                module.__class__ = _Attention

    def init_weights(self) -> None:
        """Read the weights, or draw random ones: linear layers normal with sd 0.02, cut at 2 sd.

        Raises:
            InputError: the file is not there, or holds other weights than this encoder's.
        """
        if self.weights is not None:
            load_encoder(self, load_weights(self.weights), self.weights)
            return
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.MultiheadAttention):  # its input layer is none of torch's linear layers
                nn.init.trunc_normal_(module.in_proj_weight, std=0.02)
                nn.init.zeros_(module.in_proj_bias)
            elif isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):  # a linear layer, in mmseg's clothes
                nn.init.trunc_normal_(module.weight, std=0.02)


class _Attention(nn.MultiheadAttention):
    """Leave the attention's weights unsaid: then torch need not write them out, and takes its fused kernels."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **kwargs: Any) -> tuple[Tensor, torch.Tensor | None]:
        return super().forward(query, key, value, **{**kwargs, "need_weights": False})
