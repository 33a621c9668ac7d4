"""JPEG, the one codec that loses something: unpacked for whoever does not need every bit as it was drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Pixels
from protocols.errors import RemoteProtocolError
from protocols.jpeg import check_jpeg
from protocols.planes import Buffer


def unpacker() -> Pixels:
    """Return the function that unpacks a JPEG to `(H, W, 3)` uint8 RGB; OpenCV is loaded when the first comes."""
    return _unpack


def _unpack(packed: Buffer) -> NDArray[np.uint8]:
    import cv2

    check_jpeg(packed)
    try:
        found: Any = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        found = None
    if found is None:
        raise RemoteProtocolError(f"expected a JPEG, got {len(packed)} bytes that are none")
    return np.ascontiguousarray(found[..., ::-1])
