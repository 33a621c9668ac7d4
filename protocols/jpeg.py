"""JPEG's own word on its size, read before a library takes memory for it."""

from __future__ import annotations

from protocols.bundle import SIDE_LIMIT_PX
from protocols.errors import RemoteProtocolError
from protocols.planes import Buffer

_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive: what libraries read."""

_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length."""


def jpeg_shape(packed: Buffer) -> tuple[int, int, int]:
    """Return height, width and channels of a JPEG, from its first frame header.

    Raises:
        RemoteProtocolError: not a JPEG.
    """
    block = memoryview(packed)
    if bytes(block[:2]) != b"\xff\xd8":
        raise RemoteProtocolError("expected a JPEG, got other bytes")
    place = 2
    while place + 4 <= len(block) and block[place] == 0xFF:
        mark = block[place + 1]
        if mark == 0xFF or mark in _ALONE:
            place += 1 if mark == 0xFF else 2
            continue
        if mark in _FRAMES and place + 10 <= len(block):
            height = int.from_bytes(block[place + 5 : place + 7], "big")
            width = int.from_bytes(block[place + 7 : place + 9], "big")
            return height, width, block[place + 9]
        place += 2 + int.from_bytes(block[place + 2 : place + 4], "big")
    raise RemoteProtocolError("expected a JPEG, got one without a frame header")


def check_jpeg(packed: Buffer) -> None:
    """Check that unpacking takes no more memory than the largest image of a bundle.

    Raises:
        RemoteProtocolError: not a JPEG, or one that is too large or not of three channels.
    """
    height, width, channels = jpeg_shape(packed)
    if not (1 <= height <= SIDE_LIMIT_PX and 1 <= width <= SIDE_LIMIT_PX and channels == 3):
        raise RemoteProtocolError(
            f"expected a JPEG of 3 channels and at most {SIDE_LIMIT_PX} px a side, got {width}x{height}, {channels}"
        )
