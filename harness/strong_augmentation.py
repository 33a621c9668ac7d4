"""Strong augmentation of mixed images: colour jitter and blur, with the numbers DAFormer draws them by.

The jitter has the meaning of kornia 0.5.8, which DAFormer was trained with: brightness is added, contrast is a gain,
and hue turns; later versions of kornia mean something else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

FULL_TURN = 2 * math.pi


class Jitter(NamedTuple):
    """One draw of the colour jitter.

    Attributes:
        brightness: added, of 1.
        contrast: gain.
        saturation: gain of HSV's S.
        hue: turn, in turns.
        order: the order of the four, by number.
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: tuple[int, ...]


class Draw(NamedTuple):
    """What is done to an image.

    Attributes:
        jitter: of its colours, or None.
        sigma: of the blur in pixels, or None.
    """

    jitter: Jitter | None
    sigma: float | None


class StrongAugmentation:
    """Draw for a batch whether its images are jittered and blurred, then how, for each image."""

    def __init__(
        self,
        strength: float = 0.2,
        jitter_above: float = 0.2,
        blur_above: float = 0.5,
        sigma: tuple[float, float] = (0.15, 1.15),
    ) -> None:
        """Set the ranges.

        Args:
            strength: largest change of brightness, contrast, saturation (of 1) and hue (of a turn).
            jitter_above: the batch is jittered when a uniform draw exceeds this: in 80 % of iterations as published.
            blur_above: likewise of the blur.
            sigma: smallest and largest of the blur, in pixels.
        """
        self.strength = strength
        self.jitter_above = jitter_above
        self.blur_above = blur_above
        self.sigma = sigma

    def draw(self, count: int, generator: torch.Generator | None = None) -> list[Draw]:
        """Return what is done to each of `count` images.

        Args:
            count: images.
            generator: of the draw, on the CPU.
        """
        jittered = float(torch.rand((), generator=generator)) > self.jitter_above
        blurred = float(torch.rand((), generator=generator)) > self.blur_above
        found = []
        for _ in range(count):
            shifts = ((2 * torch.rand(4, generator=generator) - 1) * self.strength).tolist()
            order = tuple(torch.randperm(4, generator=generator).tolist())
            low, high = self.sigma
            sigma = low + (high - low) * float(torch.rand((), generator=generator))
            jitter = Jitter(shifts[0], 1 + shifts[1], 1 + shifts[2], shifts[3], order)
            found.append(Draw(jitter if jittered else None, sigma if blurred else None))
        return found

    @staticmethod
    def apply(images: Tensor, draws: Sequence[Draw], mean: Tensor, std: Tensor) -> Tensor:
        """Return the images so changed.

        Args:
            images: `(N, 3, H, W)` float, normalised.
            draws: N of them.
            mean: `(3, 1, 1)` of the normalisation, in 0..255.
            std: likewise.
        """
        changed = []
        for image, (drawn, sigma) in zip(images, draws, strict=True):
            if drawn is not None:
                image = (jitter(((image * std + mean) / 255)[None], drawn)[0] * 255 - mean) / std
            changed.append(image if sigma is None else blur(image[None], sigma)[0])
        return torch.stack(changed)


def jitter(images: Tensor, drawn: Jitter) -> Tensor:
    """Return images with brightness, contrast, saturation and hue changed, one after the other, cut to 0..1 in between.

    Args:
        images: `(N, 3, H, W)` float RGB in 0..1.
        drawn: how.
    """
    steps = (
        lambda seen: (seen + drawn.brightness).clamp(0, 1),
        lambda seen: (seen * drawn.contrast).clamp(0, 1),
        lambda seen: _saturated(seen, drawn.saturation),
        lambda seen: _turned(seen, drawn.hue),
    )
    for number in drawn.order:
        images = steps[number](images)
    return images


def _saturated(images: Tensor, gain: float) -> Tensor:
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue, (saturation * gain).clamp(0, 1), value)


def _turned(images: Tensor, turn: float) -> Tensor:
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue + turn, saturation, value)


def rgb_to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return hue in turns, saturation and value, `(N, H, W)` each, in 0..1.

    Args:
        images: `(N, 3, H, W)` float RGB in 0..1.
    """
    value, largest = images.max(dim=1)
    range_ = value - images.amin(dim=1)
    safe = torch.where(range_ > 0, range_, torch.ones_like(range_))
    red, green, blue = images.unbind(dim=1)
    sixths = torch.stack([(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4], dim=1)
    hue = sixths.gather(1, largest[:, None])[:, 0] / 6
    return torch.where(range_ > 0, hue % 1, torch.zeros_like(hue)), range_ / value.clamp_min(1e-8), value


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Return `(N, 3, H, W)` RGB in 0..1.

    Args:
        hue: `(N, H, W)` in turns, any number.
        saturation: `(N, H, W)` in 0..1.
        value: `(N, H, W)` in 0..1.
    """
    channels = []
    for offset in (5, 3, 1):  # where on the wheel each channel fades out and in
        place = (offset + 6 * hue) % 6
        share = torch.minimum(place, 4 - place).clamp(0, 1)
        channels.append(value * (1 - saturation * share))
    return torch.stack(channels, dim=1)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Return images blurred by a Gaussian, mirrored at their borders.

    Args:
        images: `(N, C, H, W)` float.
        sigma: in pixels.
    """
    for dim in (2, 3):
        size = kernel_px(images.shape[dim])
        places = torch.arange(size, device=images.device, dtype=images.dtype) - size // 2
        kernel = torch.exp(-(places**2) / (2 * sigma**2))
        shape = [1, 1, 1, 1]
        shape[dim] = size
        weight = (kernel / kernel.sum()).view(shape).expand(images.shape[1], 1, *shape[2:])
        padding = [0, 0, size // 2, size // 2] if dim == 2 else [size // 2, size // 2, 0, 0]
        images = functional.conv2d(functional.pad(images, padding, "reflect"), weight, groups=images.shape[1])
    return images


def kernel_px(side: int) -> int:
    """Return the side of the blur's kernel: a tenth of the image's, rounded up, made odd by taking 1 away."""
    tenth = math.ceil(0.1 * side)
    return tenth - 1 + tenth % 2
