"""Pixels: CARLA's BGRA images turned into RGB, tags, metres and instance numbers, and how far two images differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TAG_CHANNEL = 2
"""CARLA's semantic images carry the tag in red, the third of BGRA."""

SKY_TAG = 11
LEAST_GROUND = 0.05
"""Share of pixels that must not be sky for them to speak for the whole image."""

DEPTH_STEPS, DEPTH_RANGE_M = (1 << 24) - 1, 1000.0

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Shot:
    """Hold what one camera saw in one frame.

    Attributes:
        image: `(H, W, 4)` uint8 BGRA.
        tags: `(H, W, 4)` uint8 BGRA with tags in red.
        planes: further `(H, W, 4)` uint8 BGRA images by name, "depth" or "instance", as CARLA encodes them.
        frames: frame number of each of these images.
        owner: what the memory belongs to; the views live as long as it.
    """

    image: Pixels
    tags: Pixels
    planes: Mapping[str, Pixels] = field(default_factory=dict)
    frames: tuple[int, ...] = ()
    owner: Any = None


def rgb_into(image: Pixels, out: Pixels) -> None:
    """Write a `(H, W, 4)` BGRA image as RGB straight into a contiguous `(H, W, 3)` uint8 array."""
    cv2.cvtColor(image, cv2.COLOR_BGRA2RGB, dst=out)


def tags_into(image: Pixels, out: Pixels) -> None:
    """Write the tags of a `(H, W, 4)` BGRA semantic image into a contiguous `(H, W)` uint8 array."""
    cv2.extractChannel(image, TAG_CHANNEL, dst=out)


def decoded(name: str, image: Pixels) -> NDArray[Any]:
    """Return a further plane as values: "depth" `(H, W)` float32 metres, "instance" `(H, W)` uint16 numbers.

    Args:
        name: of the plane.
        image: `(H, W, 4)` uint8 BGRA, as CARLA encodes it.

    Raises:
        ValueError: there is no such plane.
    """
    if name == "depth":
        return depth_m(image)
    if name == "instance":
        return instances(image)
    raise ValueError(f"plane: expected depth or instance, got {name!r}")


def depth_m(image: Pixels) -> NDArray[np.float32]:
    """Return `(H, W)` float32 metres along the camera's axis of a depth image, 0..1000.

    CARLA 0.9.16's documentation: (R + 256 G + 65536 B) / (2^24 - 1) of a kilometre.
    """
    wide = image.astype(np.uint32)
    steps = wide[..., 2] | wide[..., 1] << 8 | wide[..., 0] << 16
    return (steps * (DEPTH_RANGE_M / DEPTH_STEPS)).astype(np.float32)


def instances(image: Pixels) -> NDArray[np.uint16]:
    """Return `(H, W)` uint16 instance numbers of an instance image: green is the low byte, blue the high one."""
    wide = image[..., :2].astype(np.uint16)
    return wide[..., 1] | np.left_shift(wide[..., 0], 8, dtype=np.uint16)


def ground_of(tags: Pixels) -> Pixels | None:
    """Return a `(H, W)` uint8 mask of what is not sky, or None where that is too little to judge by."""
    ground = (tags[..., TAG_CHANNEL] != SKY_TAG).view(np.uint8)
    return ground if cv2.countNonZero(ground) >= LEAST_GROUND * ground.size else None


def difference(one: Pixels, other: Pixels, within: Pixels | None = None, dead: int = 0) -> float:
    """Return the root of the mean squared difference of two images, in levels.

    The square, unlike the mean, sees a lamp of a few pixels; 20 log10(255 / difference) is the PSNR in dB.

    Args:
        one: `(H, W, 4)` uint8 BGRA.
        other: the same.
        within: `(H, W)` uint8, not 0 where pixels count; all do if it is None.
        dead: levels that are taken off each difference, so that slight changes of all pixels do not count.
    """
    if dead:
        apart = np.asarray(cv2.absdiff(one, other), dtype=np.uint8)
        one, other = np.maximum(apart, np.uint8(dead)), np.full_like(apart, dead)
    if within is None:
        return float(cv2.norm(one, other, cv2.NORM_L2)) / float(np.sqrt(one.size * 0.75))  # alpha never differs
    return float(cv2.norm(one, other, cv2.NORM_L2, mask=within)) / float(np.sqrt(cv2.countNonZero(within) * 3))
