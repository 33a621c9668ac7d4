"""Pictures as other programs know them: arrays packed as PNG, PNG files known to be whole, JPEG unpacked."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.jpeg import check_jpeg
from protocols.planes import Buffer

END = bytes.fromhex("0000000049454e44ae426082")
"""The last chunk of every PNG."""

LEVEL = 1
"""Higher levels save a tenth of the bytes and take three times as long."""


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG.

    Args:
        image: `(H, W, 3)` uint8 RGB, or `(H, W)` uint8.

    Raises:
        LocalProtocolError: OpenCV refuses it.
    """
    shown = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, packed = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, LEVEL])
    if not done:
        raise LocalProtocolError(f"PNG: expected an image that OpenCV packs, got {image.dtype} {image.shape}")
    return bytes(packed.data)


def is_whole(file: Path) -> bool:
    """Return whether a PNG is there to its end: after a power cut a file may have its name and not its bytes."""
    try:
        with open(file, "rb") as found:
            found.seek(-len(END), os.SEEK_END)
            return found.read() == END
    except OSError:
        return False


def unpack_jpeg(packed: Buffer) -> NDArray[np.uint8]:
    """Return a JPEG as `(H, W, 3)` uint8 RGB.

    Raises:
        RemoteProtocolError: not a JPEG, or one larger than any image of a bundle.
    """
    check_jpeg(packed)
    try:
        found = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        found = None
    if found is None:
        raise RemoteProtocolError(f"expected a JPEG, got {len(packed)} bytes that are none")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
