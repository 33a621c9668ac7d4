"""JPEG for slow links and small disks: only if asked, and marked in each bundle's header as lossy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Packed
from protocols.errors import InputError


def jpeg_packer(quality: int) -> Packed:
    """Return the function that packs `(H, W, 3)` uint8 RGB as a JPEG.

    Args:
        quality: 1..100, OpenCV's.

    Raises:
        InputError: out of range.
    """
    if not 1 <= quality <= 100:
        raise InputError(f"--jpeg {quality}: expected a quality of 1..100")

    def pack(image: NDArray[np.uint8]) -> bytes:
        import cv2

        _, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return bytes(packed.data)

    return pack
