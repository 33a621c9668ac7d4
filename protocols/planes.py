"""Planes: how one array of a bundle is described in its header, packed, and checked before a byte of it is used."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from protocols.errors import RemoteProtocolError

CODECS = ("raw", "zstd", "jpeg")
DTYPES = {name: np.dtype(name).newbyteorder("<") for name in ("uint8", "uint16", "uint32", "float32")}
IMAGE, MASK = "image", "mask"
CHANNEL_LIMIT = 16
ZSTD_LEVEL = 1
"""The cheapest level already packs a mask to a fiftieth; higher ones cost the simulator's cores."""

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Plane:
    """Describe one plane of a bundle as it travels.

    Attributes:
        name: "image", "mask", or the name of an extra such as "depth".
        appearance: whose image it is; empty for what all appearances share.
        dtype: one of `DTYPES`, little-endian.
        shape: `(H, W)` or `(H, W, C)`.
        codec: "raw", "zstd", or "jpeg" (lossy, images only).
        nbytes: length as sent.
        crc32: checksum of the bytes as sent; None where the carrier is trusted (one machine).
    """

    name: str
    appearance: str
    dtype: str
    shape: tuple[int, ...]
    codec: str
    nbytes: int
    crc32: int | None = None

    @property
    def raw_bytes(self) -> int:
        """Return the length once unpacked."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize

    def validate(self) -> None:
        """Check name, type, codec and length.

        Raises:
            ValueError: a field is out of range; the message names it, with expected and got.
        """
        what = f"plane {self.name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", self.name):
            raise ValueError(f"plane: expected a name of a-z, 0-9 and _, got {self.name!r}"[:200])
        if self.dtype not in DTYPES:
            raise ValueError(f"{what}: expected a dtype of {', '.join(DTYPES)}, got {self.dtype!r}"[:200])
        if len(self.shape) not in (2, 3) or (len(self.shape) == 3 and not 1 <= self.shape[2] <= CHANNEL_LIMIT):
            raise ValueError(f"{what}: expected (H, W) or up to {CHANNEL_LIMIT} channels, got {self.shape}"[:200])
        if self.codec not in CODECS or (self.codec == "jpeg" and self.name != IMAGE):
            raise ValueError(f"{what}: expected one of {', '.join(CODECS)} (jpeg for images), got {self.codec!r}"[:200])
        raw = self.raw_bytes
        if self.codec == "raw" and self.nbytes != raw:
            raise ValueError(f"{what}: expected {raw} bytes, got {self.nbytes}")
        if not 1 <= self.nbytes <= raw + raw // 8 + 1024:
            raise ValueError(f"{what}: expected 1..{raw + raw // 8 + 1024} bytes, got {self.nbytes}")
        if self.crc32 is not None and not 0 <= self.crc32 < 2**32:
            raise ValueError(f"{what}: expected a crc32 of 32 bits, got {self.crc32}")

    def packed(self) -> dict[str, Any]:
        """Return it as the map that stands in the header."""
        values: dict[str, Any] = {
            "name": self.name,
            "appearance": self.appearance,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "codec": self.codec,
            "nbytes": self.nbytes,
        }
        return values if self.crc32 is None else values | {"crc32": self.crc32}


def plane_of(values: Any) -> Plane:
    """Read a header's map of one plane; unknown keys are ignored, and ranges are `Plane.validate`'s.

    Raises:
        ValueError: not a map, or a field of wrong type.
    """
    if type(values) is not dict:
        raise ValueError(f"plane: expected a map, got {type(values).__name__}")
    shape = typed(values, "shape", list)
    if not all(type(side) is int and 1 <= side < 2**31 for side in shape):
        raise ValueError(f"plane: expected a shape of numbers from 1, got {shape!r}"[:200])
    return Plane(
        name=typed(values, "name", str),
        appearance=typed(values, "appearance", str),
        dtype=typed(values, "dtype", str),
        shape=tuple(shape),
        codec=typed(values, "codec", str),
        nbytes=typed(values, "nbytes", int),
        crc32=typed(values, "crc32", int) if "crc32" in values else None,
    )


def typed(values: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return a field of exactly this type (a bool is no int).

    Raises:
        ValueError: missing, or of another type.
    """
    if key not in values:
        raise ValueError(f"{key}: expected {kind.__name__}, got nothing")
    value = values[key]
    if type(value) is not kind:
        raise ValueError(f"{key}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def deflate(raw: Buffer) -> bytes:
    """Return a plane's bytes as one zstd frame that names its own unpacked length."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(raw)


def inflate_into(plane: Plane, packed: Buffer, room: memoryview) -> None:
    """Unpack a zstd plane into memory that is there already, and never into more.

    Args:
        plane: what it is.
        packed: its `plane.nbytes` bytes.
        room: exactly `plane.raw_bytes` writable bytes.

    Raises:
        RemoteProtocolError: not one whole zstd frame of just that length.
    """
    size = plane.raw_bytes
    try:
        promised = zstandard.frame_content_size(packed)
        if promised != size:
            raise RemoteProtocolError(f"plane {plane.name}: expected zstd of {size} bytes, got one of {promised}")
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as reader:
            got = 0
            while got < size and (count := reader.readinto(room[got:])):
                got += count
            surplus = reader.read(1)
    except zstandard.ZstdError as error:
        raise RemoteProtocolError(f"plane {plane.name}: expected zstd of {size} bytes, got {error}") from None
    if got != size or surplus:
        raise RemoteProtocolError(f"plane {plane.name}: expected zstd of {size} bytes, got {got}, or more")


def check_plane(plane: Plane, packed: Buffer) -> None:
    """Compare length and, where there is one, checksum of a plane as sent.

    Raises:
        RemoteProtocolError: they differ.
    """
    if len(packed) != plane.nbytes:
        raise RemoteProtocolError(f"plane {plane.name}: expected {plane.nbytes} bytes, got {len(packed)}")
    if plane.crc32 is not None and zlib.crc32(packed) != plane.crc32:
        raise RemoteProtocolError(f"plane {plane.name}: expected crc32 {plane.crc32:#010x}, got another; damaged")


def as_array(plane: Plane, raw: Buffer) -> NDArray[Any]:
    """Return the array that a plane's unpacked bytes are, as a view."""
    return np.frombuffer(raw, dtype=DTYPES[plane.dtype], count=math.prod(plane.shape)).reshape(plane.shape)
