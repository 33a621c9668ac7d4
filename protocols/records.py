"""Records: how a recording lies on disk, piece by piece; `protocols.recording` reads and writes whole files of them.

A recording begins with 16 bytes that say what it is. Each record after that is a head with the lengths of its frames
and two checksums, and then the frames: those of one bundle as they were sent, or the index that closes a recording.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import APPEARANCE_LIMIT, EXTRA_LIMIT
from protocols.errors import RemoteProtocolError
from protocols.planes import Buffer

MAGIC = b"\x89MSKYREC"
MAJOR, MINOR = 1, 0
BUNDLE, INDEX = b"\xb5MSB", b"\xb5MSI"
END = b"MSKYEND\x89"
FRAME_LIMIT = 2 + APPEARANCE_LIMIT + EXTRA_LIMIT
"""A header, images, a mask, extras."""

_FILE_HEAD = struct.Struct("<8sHHI")
_BEGIN = struct.Struct("<4sI")
_CHECKS = struct.Struct("<II")
_SIZE = struct.Struct("<Q")
_FOOTER = struct.Struct("<Q8s")
FILE_HEAD_BYTES = _FILE_HEAD.size
FOOTER_BYTES = _FOOTER.size
SHORTEST = _BEGIN.size + _SIZE.size + _CHECKS.size
LONGEST = _BEGIN.size + FRAME_LIMIT * _SIZE.size + _CHECKS.size
INDEX_ROW = np.dtype([("offset", "<u8"), ("index", "<u8")])
INDEX_LIMIT = 1 << 28
"""Bytes of an index that are believed; a longer one is left alone, and the records are gone through."""


@dataclass(frozen=True)
class Head:
    """What stands before the frames of a record.

    Attributes:
        mark: `BUNDLE` or `INDEX`.
        sizes: bytes of each frame.
        crc32: checksum of all frames, one after the other.
    """

    mark: bytes
    sizes: tuple[int, ...]
    crc32: int

    @property
    def nbytes(self) -> int:
        """Return its own length."""
        return SHORTEST + (len(self.sizes) - 1) * _SIZE.size

    @property
    def record_bytes(self) -> int:
        """Return the length of the whole record."""
        return self.nbytes + sum(self.sizes)

    def pack(self) -> bytes:
        """Return its bytes."""
        begin = _BEGIN.pack(self.mark, len(self.sizes)) + b"".join(map(_SIZE.pack, self.sizes))
        begin += struct.pack("<I", self.crc32)
        return begin + struct.pack("<I", zlib.crc32(begin))


def file_head() -> bytes:
    """Return the bytes that a recording begins with."""
    begin = _FILE_HEAD.pack(MAGIC, MAJOR, MINOR, 0)[:-4]
    return begin + struct.pack("<I", zlib.crc32(begin))


def check_file_head(block: bytes) -> None:
    """Check the bytes that a recording begins with.

    Raises:
        RemoteProtocolError: no recording, a damaged one, or one of another major version.
    """
    if len(block) < FILE_HEAD_BYTES or block[: len(MAGIC)] != MAGIC:
        raise RemoteProtocolError("expected a recording, got a file that begins otherwise")
    _, major, _, check = _FILE_HEAD.unpack(block[:FILE_HEAD_BYTES])
    if zlib.crc32(block[: FILE_HEAD_BYTES - 4]) != check:
        raise RemoteProtocolError("expected a recording, got one whose first 16 bytes are damaged")
    if major != MAJOR:
        raise RemoteProtocolError(f"expected a recording of version {MAJOR}, got {major}; update the older side")


def head_for(mark: bytes, frames: Sequence[Buffer]) -> Head:
    """Return the head of a record."""
    crc32 = 0
    for frame in frames:
        crc32 = zlib.crc32(frame, crc32)
    return Head(mark, tuple(len(frame) for frame in frames), crc32)


def head_of(block: bytes) -> Head:
    """Read the head of a record.

    Args:
        block: from its first byte on; the first `LONGEST` bytes suffice.

    Raises:
        RemoteProtocolError: cut off, or damaged.
    """
    if len(block) < SHORTEST:
        raise RemoteProtocolError(f"expected the head of a record, got {len(block)} bytes")
    mark, count = _BEGIN.unpack_from(block)
    if mark not in (BUNDLE, INDEX) or not 1 <= count <= FRAME_LIMIT:
        raise RemoteProtocolError("expected the head of a record, got other bytes")
    end = SHORTEST + (count - 1) * _SIZE.size
    if len(block) < end:
        raise RemoteProtocolError(f"expected a head of {end} bytes, got {len(block)}")
    crc32, check = _CHECKS.unpack_from(block, end - _CHECKS.size)
    if zlib.crc32(block[: end - 4]) != check:
        raise RemoteProtocolError("expected the head of a record, got a damaged one")
    sizes = tuple(size for (size,) in _SIZE.iter_unpack(block[_BEGIN.size : end - _CHECKS.size]))
    return Head(mark, sizes, crc32)


def index_frames(rows: Iterable[tuple[int, int]], offset: int) -> list[Buffer]:
    """Return the frames of an index.

    Args:
        rows: where each record begins and the index of its bundle.
        offset: where the record of the index begins.
    """
    return [np.array(list(rows), INDEX_ROW).tobytes(), _FOOTER.pack(offset, END)]


def index_offset(footer: bytes) -> int | None:
    """Return where the record of the index begins, from the last `FOOTER_BYTES` of a recording; None without one."""
    if len(footer) != FOOTER_BYTES:
        return None
    offset, end = _FOOTER.unpack(footer)
    return int(offset) if end == END else None


def index_rows(frame: Buffer) -> NDArray[np.void]:
    """Return the `(N,)` rows `offset`, `index` of an index.

    Raises:
        RemoteProtocolError: not whole rows.
    """
    if len(frame) % INDEX_ROW.itemsize:
        raise RemoteProtocolError(f"index: expected rows of {INDEX_ROW.itemsize} bytes, got {len(frame)} bytes")
    return np.frombuffer(frame, INDEX_ROW)


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Return up to `size` bytes from a place in a file; fewer at its end."""
    file.seek(offset)
    found = bytearray()
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return bytes(found)


def read_block(file: BinaryIO, offset: int, size: int) -> NDArray[np.uint8]:
    """Return just `size` bytes from a place in a file as `(size,)` uint8.

    Raises:
        RemoteProtocolError: the file ends before.
    """
    block = np.empty(size, np.uint8)
    file.seek(offset)
    done = 0
    view = block.data
    while done < size:
        got = file.readinto(view[done:])  # type: ignore[attr-defined]  # every binary file has it, typeshed's does not
        if not got:
            raise RemoteProtocolError(f"expected {size} bytes from byte {offset} on, got {done}")
        done += got
    return block
