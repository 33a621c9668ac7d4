"""Capture: one still moment under every appearance, with proof that all images share one mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from carla_plugin.scenario import Settle
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.carla_rpc.types import WeatherParameters
from protocols.errors import ManyskiesError

TAG_CHANNEL = 2
"""CARLA's semantic images carry the tag in red, the third of BGRA."""


class RefusedBundleError(ManyskiesError):
    """A bundle is not what it claims to be; it is counted and never streamed.

    Attributes:
        cause: short name under which it is counted.
    """

    cause = "other"


class MaskMismatchError(RefusedBundleError):
    """The masks of two appearances differ."""

    cause = "mask"


class MotionError(RefusedBundleError):
    """An actor moved while the appearances were taken."""

    cause = "motion"


class UnsettledError(RefusedBundleError):
    """An image kept changing."""

    cause = "unsettled"


class Still(Protocol):
    """What capture needs of the world: a moment that stands still, as `replay.Stage` gives it."""

    def set_weather(self, weather: WeatherParameters) -> None:
        """Set the weather and wait until it is confirmed."""

    def tick(self) -> int:
        """Advance by one step and return the frame number."""

    def take(self, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return image and tags of a frame, two `(H, W, 4)` uint8 BGRA views, valid until the second next call."""

    def poses(self) -> bytes:
        """Return the bytes of all actors' transforms."""


@dataclass(frozen=True)
class Identity:
    """Say which bundle is being made; see `protocols.bundle.BundleHeader`."""

    scenario: str
    seed: int
    episode: int
    index: int
    town: str


def capture_bundle(
    still: Still,
    weathers: Mapping[str, WeatherParameters],
    settle: Settle,
    identity: Identity,
    size: tuple[int, int],
    meta: Mapping[str, Any],
) -> Bundle:
    """Photograph the moment that stands on the stage under each appearance.

    Args:
        still: the stage.
        weathers: A appearances by name.
        settle: when an image counts as settled.
        identity: which bundle it is.
        size: height and width in pixels.
        meta: further small values for the header.

    Returns:
        Images `(A, H, W, 3)` uint8 RGB and the mask `(H, W)` uint8 of tags that all of them have.

    Raises:
        MaskMismatchError: the masks of two appearances differ in a pixel.
        MotionError: an actor's transform is not bit-equal before and after.
        UnsettledError: an image still changed after the ceiling of ticks.
    """
    height, width = size
    images = np.empty((len(weathers), height, width, 3), dtype=np.uint8)
    mask = np.empty((height, width), dtype=np.uint8)
    other = np.empty_like(mask)
    before = b""
    frame = 0
    ticks: list[int] = []
    for number, (name, weather) in enumerate(weathers.items()):
        still.set_weather(weather)
        frame, image, tags, used = _settled(still, settle, name, identity)
        ticks.append(used)
        cv2.cvtColor(image, cv2.COLOR_BGRA2RGB, dst=images[number])
        if number == 0:
            cv2.extractChannel(tags, TAG_CHANNEL, dst=mask)
            before = still.poses()
            continue
        cv2.extractChannel(tags, TAG_CHANNEL, dst=other)
        if not np.array_equal(mask, other):
            raise MaskMismatchError(
                f"bundle {identity.index} of episode {identity.episode}: expected one mask under all appearances, "
                f"got {int(np.count_nonzero(mask != other))} pixels that differ under {name}"
            )
    if still.poses() != before:
        raise MotionError(
            f"bundle {identity.index} of episode {identity.episode}: expected still actors, got one that moved"
        )
    header = BundleHeader(
        scenario=identity.scenario,
        seed=identity.seed,
        episode=identity.episode,
        index=identity.index,
        town=identity.town,
        appearances=tuple(weathers),
        height=height,
        width=width,
        frame=frame,
        mask_sha256=mask_hash(mask),
        meta={**meta, "settle_ticks": ticks},
    )
    return Bundle(header, images, mask)


def _settled(
    still: Still, settle: Settle, name: str, identity: Identity
) -> tuple[int, NDArray[np.uint8], NDArray[np.uint8], int]:
    """Tick until two successive images agree; return frame, image, tags and the ticks it took."""
    last: NDArray[np.uint8] | None = None
    for ticks in range(1, settle.ceiling_ticks + 1):
        frame = still.tick()
        image, tags = still.take(frame)
        agrees = last is not None and difference(last, image) <= settle.grain
        if ticks >= settle.floor_ticks and (agrees or settle.floor_ticks == 1):
            return frame, image, tags, ticks
        last = image
    raise UnsettledError(
        f"bundle {identity.index} of episode {identity.episode}: expected a settled image of {name} within "
        f"{settle.ceiling_ticks} ticks, it still changes"
    )


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference of two `(H, W, 4)` uint8 images; 0.0 only for equal bytes."""
    if np.array_equal(one, other):
        return 0.0
    return float(cv2.norm(one, other, cv2.NORM_L1)) / one.size
