"""Recording: the bundles of a run on disk, each as it was sent, in an open binary file; append-only.

Whatever happens while it is written, all records but the last are whole: what is cut off or damaged is found by lengths
and checksums, and said. The wings open the files.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO

from protocols.bundle import (
    HEADER_LIMIT,
    Bundle,
    BundleHeader,
    Pixels,
    decode_bundle,
    decode_header,
    places,
    plane_sizes,
)
from protocols.errors import InputError, LocalProtocolError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.records import (
    BUNDLE,
    FILE_HEAD_BYTES,
    FOOTER_BYTES,
    INDEX,
    INDEX_LIMIT,
    LONGEST,
    Head,
    check_file_head,
    file_head,
    head_for,
    head_of,
    index_frames,
    index_offset,
    index_rows,
    read_at,
    read_block,
)

BUNDLE_LIMIT = 1 << 30
"""Bytes of a bundle, as sent and unpacked, that a reader takes memory for."""

SEARCH_BYTES = 1 << 20
MARKS = re.compile(b"|".join(map(re.escape, (BUNDLE, INDEX))))
FALSE_MARKS = 4096
"""Places that look like a record and are none, after which the search for the next one is given up."""


class Recording:
    """Read a recording: which bundles are in it at once, their frames when asked for.

    Attributes:
        indices: index of each record's bundle, in the order of the file.
        tail: bytes behind the last whole record: of one that was never finished.
        damaged: first and last byte (exclusive) of what is no record, with whole ones behind it.
        indexed: whether the file had an index; else the records were gone through.
        end: where the next record belongs.
    """

    def __init__(self, file: BinaryIO, limit: int = BUNDLE_LIMIT, *, use_index: bool = True) -> None:
        """Find the records; no plane is read.

        Args:
            file: open for reading, seekable.
            limit: bytes of a bundle, as sent and unpacked, that memory is taken for.
            use_index: whether to believe the file's index; else every record's head is looked at.

        Raises:
            RemoteProtocolError: no recording, or of another version.
        """
        self._file = file
        self._limit = limit
        self._size = file.seek(0, 2)
        check_file_head(read_at(file, 0, FILE_HEAD_BYTES))
        self.indices: list[int] = []
        self.tail = 0
        self.damaged: list[tuple[int, int]] = []
        self.end = FILE_HEAD_BYTES
        self._offsets: list[int] = []
        self.indexed = use_index and self._read_index()
        if not self.indexed:
            self._scan()
        self._first: dict[int, int] = {}
        for number, index in enumerate(self.indices):
            self._first.setdefault(index, number)

    def __len__(self) -> int:
        return len(self._offsets)

    def number_of(self, index: int) -> int | None:
        """Return which record holds a bundle, the first one if it was recorded twice; None: it is not there."""
        return self._first.get(index)

    @property
    def distinct(self) -> list[int]:
        """Return the indices of the bundles, ascending, each once."""
        return sorted(self._first)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Return where each record begins, and the index of its bundle."""
        return list(zip(self._offsets, self.indices, strict=True))

    def header(self, number: int) -> BundleHeader:
        """Return what a record's bundle is, without reading its planes.

        Raises:
            RemoteProtocolError: damaged, or larger than the limit.
        """
        return self._look(number)[1]

    def read(self, number: int) -> list[Buffer]:
        """Return the frames of a record, as they were sent, after comparing their checksum.

        Raises:
            RemoteProtocolError: damaged, or larger than the limit.
        """
        head, _ = self._look(number)
        offset = self._offsets[number]
        block = read_block(self._file, offset + head.nbytes, sum(head.sizes)).data
        if zlib.crc32(block) != head.crc32:
            raise RemoteProtocolError(f"{self._name(number)}: expected another checksum; the record is damaged")
        frames: list[Buffer] = []
        start = 0
        for size in head.sizes:
            frames.append(block[start : start + size])
            start += size
        return frames

    def bundle(self, number: int, jpeg: Pixels | None = None) -> Bundle:
        """Return a record's bundle, unpacked.

        Args:
            number: of the record.
            jpeg: unpacks lossy images; None refuses them.

        Raises:
            RemoteProtocolError: damaged, larger than the limit, or lossy where that is refused.
        """
        return decode_bundle(self.read(number), jpeg)

    def _name(self, number: int) -> str:
        return f"record {number} at byte {self._offsets[number]}"

    def _look(self, number: int) -> tuple[Head, BundleHeader]:
        try:
            head, header = self._open(self._offsets[number])
        except RemoteProtocolError as error:
            raise RemoteProtocolError(f"{self._name(number)}: {error}") from None
        if header is None or header.index != self.indices[number]:
            raise RemoteProtocolError(
                f"{self._name(number)}: expected bundle {self.indices[number]}, got {header and header.index}"
            )
        size = max(sum(head.sizes), places(header.planes)[-1])
        if size > self._limit:
            raise RemoteProtocolError(f"{self._name(number)}: expected at most {self._limit} bytes, got {size}")
        return head, header

    def _head(self, offset: int) -> tuple[Head, bytes]:
        """Return the head of a record that ends within the file, and some bytes from its beginning on."""
        block = read_at(self._file, offset, LONGEST + 4096)
        head = head_of(block)
        if offset + head.record_bytes > self._size:
            raise RemoteProtocolError(f"expected {head.record_bytes} bytes, got {self._size - offset}; it is cut off")
        return head, block

    def _open(self, offset: int) -> tuple[Head, BundleHeader | None]:
        """Return head and header of a record, whose planes may be damaged; an index has no header."""
        head, block = self._head(offset)
        if head.mark == INDEX:
            return head, None
        if head.sizes[0] > HEADER_LIMIT:
            raise RemoteProtocolError(f"expected a header of at most {HEADER_LIMIT} bytes, got {head.sizes[0]}")
        end = head.nbytes + head.sizes[0]
        if len(block) < end:
            block = read_at(self._file, offset, end)
        header = decode_header(block[head.nbytes : end])
        if plane_sizes(header) != head.sizes[1:]:
            raise RemoteProtocolError(f"expected planes of {plane_sizes(header)} bytes, got {head.sizes[1:]}"[:300])
        return head, header

    def _read_index(self) -> bool:
        """Take the records from the file's index; return whether there is one that fits."""
        offset = index_offset(read_at(self._file, max(0, self._size - FOOTER_BYTES), FOOTER_BYTES))
        if offset is None or not FILE_HEAD_BYTES <= offset < self._size:
            return False
        try:
            head, _ = self._head(offset)
            if head.mark != INDEX or len(head.sizes) != 2 or head.sizes[0] > INDEX_LIMIT:
                return False
            if offset + head.record_bytes != self._size:
                return False
            block = read_block(self._file, offset + head.nbytes, sum(head.sizes)).data
            if zlib.crc32(block) != head.crc32:
                return False
            rows = index_rows(block[: head.sizes[0]])
        except RemoteProtocolError:
            return False
        offsets = rows["offset"].tolist()
        if any(after <= before for before, after in pairwise([FILE_HEAD_BYTES - 1, *offsets, offset])):
            return False
        self._offsets, self.indices = offsets, rows["index"].tolist()
        self.end = self._size
        return True

    def _scan(self) -> None:
        """Go from record to record; where one is damaged, look for the next."""
        offset = FILE_HEAD_BYTES
        while offset < self._size:
            try:
                head, header = self._open(offset)
                if header is not None:
                    self._offsets.append(offset)
                    self.indices.append(header.index)
                offset = self.end = offset + head.record_bytes
            except RemoteProtocolError:
                found = self._next_record(offset + 1)
                if found is None:
                    break
                self.damaged.append((offset, found))
                offset = found
        self.tail = self._size - self.end
        if self._offsets and self.tail == 0 and not self._whole(len(self) - 1):
            # the length is there, the bytes are not: so it looks after a power cut
            self.end = self._offsets.pop()
            self.indices.pop()
            self.tail = self._size - self.end

    def _whole(self, number: int) -> bool:
        """Return whether a record's checksum is right, whatever its size."""
        head, _ = self._head(self._offsets[number])
        offset, left, crc32 = self._offsets[number] + head.nbytes, sum(head.sizes), 0
        while left:
            block = read_at(self._file, offset, min(left, SEARCH_BYTES))
            crc32 = zlib.crc32(block, crc32)
            offset, left = offset + len(block), left - len(block)
        return crc32 == head.crc32

    def _next_record(self, offset: int) -> int | None:
        """Return where the next whole head begins, None when there is none."""
        false = 0
        while offset < self._size:
            block = read_at(self._file, offset, SEARCH_BYTES)
            for mark in MARKS.finditer(block):
                with contextlib.suppress(RemoteProtocolError):
                    self._open(offset + mark.start())
                    return offset + mark.start()
                false += 1
                if false > FALSE_MARKS:
                    return None
            if len(block) < SEARCH_BYTES:
                return None
            offset += len(block) - len(BUNDLE) + 1
        return None


class RecordingWriter:
    """Append bundles to a recording, each index once.

    Attributes:
        cut: bytes of a record that was never finished, which were cut off at the start.
        bundles: how many were appended.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Begin a recording, or go on with one whose end was checked first.

        Args:
            file: open for reading and writing, seekable, best unbuffered; empty, or a recording.

        Raises:
            RemoteProtocolError: no recording, or damaged anywhere but at its end.
            OSError: from the file.
        """
        self._file = file
        self._rows: list[tuple[int, int]] = []
        self._run: tuple[str, int] | None = None
        self._indexed = False
        self.cut = self.bundles = 0
        size = file.seek(0, 2)
        whole = file_head()
        if size < FILE_HEAD_BYTES and whole.startswith(read_at(file, 0, size)):
            if size:
                file.truncate(0)
            self.cut = size
            self._end = 0
            self._write([whole])
        else:
            self._go_on()
        self._known = {index for _, index in self._rows}

    def _go_on(self) -> None:
        old = Recording(self._file)
        if old.indexed:  # the index says where, but not whether the bytes are there
            old = Recording(self._file, use_index=False)
        if old.damaged:
            start, end = old.damaged[0]
            raise RemoteProtocolError(
                f"expected whole records, got damage from byte {start} to {end}; begin another file "
                "(what is whole in this one can still be played)"
            )
        self._rows, self._end, self.cut = old.rows, old.end, old.tail
        self._file.truncate(self._end)
        if len(old):
            header = old.header(len(old) - 1)
            self._run = (header.scenario, header.seed)

    def has(self, index: int) -> bool:
        """Return whether a bundle is there already."""
        return index in self._known

    def append(self, frames: Sequence[Buffer]) -> bool:
        """Append a bundle; when that fails, the file is as it was before.

        Args:
            frames: as `encode_bundle` gives them, or as they were received.

        Returns:
            Whether it was appended; one whose index is there already is left out.

        Raises:
            InputError: of another scenario or seed than what is there already.
            LocalProtocolError: not the frames of a bundle.
            OSError: from the file: the disk is full.
        """
        try:
            header = decode_header(frames[0])
        except RemoteProtocolError as error:
            raise LocalProtocolError(str(error)) from None
        sizes = tuple(len(frame) for frame in frames[1:])
        if sizes != plane_sizes(header):
            raise LocalProtocolError(f"record: expected planes of {plane_sizes(header)} bytes, got {sizes}"[:300])
        if max(sum(sizes), places(header.planes)[-1]) > BUNDLE_LIMIT - HEADER_LIMIT:
            raise LocalProtocolError(f"record: expected a bundle of at most {BUNDLE_LIMIT} bytes, got {sum(sizes)}")
        run = (header.scenario, header.seed)
        if self._run is not None and self._run != run:
            raise InputError(
                f"expected bundles of scenario {self._run[0]}, seed {self._run[1]}, as the recording has, "
                f"got {run[0]}, seed {run[1]}; record into another file"
            )
        if header.index in self._known:
            return False
        offset = self._end
        self._write([head_for(BUNDLE, frames).pack(), *frames])
        self._run = run
        self._rows.append((offset, header.index))
        self._known.add(header.index)
        self._indexed = False
        self.bundles += 1
        return True

    def close(self) -> None:
        """Append the index, if there is anything new; the file itself stays open.

        Raises:
            OSError: from the file; the recording is whole all the same.
        """
        if self._indexed or not self._rows:
            return
        frames = index_frames(self._rows, self._end)
        self._write([head_for(INDEX, frames).pack(), *frames])
        self._indexed = True

    def _write(self, parts: Sequence[Buffer]) -> None:
        """Write all of it or nothing."""
        try:
            self._file.seek(self._end)
            for part in parts:
                rest = memoryview(part).cast("B")
                while rest:
                    rest = rest[self._file.write(rest) or 0 :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end = self._file.tell()
