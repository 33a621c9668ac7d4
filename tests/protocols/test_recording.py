"""Recordings: what is whole is read again byte by byte, what is cut off or damaged is found, what is good is kept."""

import errno
import functools
import io
import struct

import numpy as np
import pytest

from protocols.bundle import Bundle, BundleHeader, decode_bundle, encode_bundle, mask_hash
from protocols.errors import InputError, LocalProtocolError, RemoteProtocolError
from protocols.recording import Recording, RecordingWriter
from protocols.records import BUNDLE, FILE_HEAD_BYTES, INDEX, Head, file_head, head_for


@functools.cache
def frames_of(index, height=2, width=4, *, scenario="made", seed=1, codec="raw"):
    dice = np.random.default_rng(index)
    images = dice.integers(0, 256, (2, height, width, 3), np.uint8)
    mask = dice.integers(0, 29, (height, width), np.uint8)
    depth = dice.random((height, width), np.float32)
    header = BundleHeader(scenario, seed, 0, index, "Grid_01", ("noon", "fog"), height, width, 9, mask_hash(mask))
    return encode_bundle(Bundle(header, images, mask, {"depth": depth}), mask_codec=codec)


def recorded(indices, *, close=True, codec="raw"):
    """Return the bytes of a recording and the end of each of its records."""
    file = io.BytesIO()
    writer = RecordingWriter(file)
    ends = []
    for index in indices:
        assert writer.append(frames_of(index, codec=codec))
        ends.append(file.tell())
    if close:
        writer.close()
    return file.getvalue(), ends


def same(frames, others):
    return [bytes(frame) for frame in frames] == [bytes(frame) for frame in others]


@pytest.mark.parametrize("codec", ["raw", "zstd"])
@pytest.mark.parametrize("close", [True, False])
def test_records_come_back_byte_by_byte(codec, close):
    indices = [4, 0, 7]
    recording = Recording(io.BytesIO(recorded(indices, close=close, codec=codec)[0]))
    assert (recording.indices, recording.distinct, recording.indexed) == (indices, [0, 4, 7], close)
    assert (recording.tail, recording.damaged) == (0, [])
    for number, index in enumerate(indices):
        assert same(recording.read(number), frames_of(index, codec=codec))
        assert recording.header(number).index == index
        assert recording.number_of(index) == number
        expected = decode_bundle(frames_of(index))
        found = recording.bundle(number)
        assert np.array_equal(found.images, expected.images)
        assert np.array_equal(found.mask, expected.mask)
        assert np.array_equal(found.extras["depth"], expected.extras["depth"])
    assert recording.number_of(5) is None


def test_the_bytes_of_version_1_are_these():
    """Written by hand from protocols/README.md."""
    import zlib

    frames = frames_of(3)
    head = b"\x89MSKYREC" + struct.pack("<HH", 1, 0)
    head += struct.pack("<I", zlib.crc32(head))
    record = b"\xb5MSB" + struct.pack("<I", len(frames)) + b"".join(struct.pack("<Q", len(each)) for each in frames)
    record += struct.pack("<I", zlib.crc32(b"".join(frames)))
    record += struct.pack("<I", zlib.crc32(record)) + b"".join(frames)
    rows = struct.pack("<QQ", 16, 3)
    footer = struct.pack("<Q", 16 + len(record)) + b"MSKYEND\x89"
    index = b"\xb5MSI" + struct.pack("<IQQ", 2, 16, 16) + struct.pack("<I", zlib.crc32(rows + footer))
    index += struct.pack("<I", zlib.crc32(index)) + rows + footer
    assert recorded([3])[0] == head + record + index


def test_cut_off_at_any_byte_all_whole_records_remain_and_can_be_gone_on_with():
    whole, ends = recorded(range(3))
    for size in range(len(whole)):
        cut = whole[:size]
        if size >= FILE_HEAD_BYTES:
            recording = Recording(io.BytesIO(cut))
            count = sum(end <= size for end in ends)
            assert recording.indices == list(range(count))
            assert all(same(recording.read(number), frames_of(number)) for number in range(count))
            assert recording.tail == size - max([FILE_HEAD_BYTES, *(end for end in ends if end <= size)])
            assert not recording.damaged
        else:
            with pytest.raises(RemoteProtocolError):
                Recording(io.BytesIO(cut))
        file = io.BytesIO(cut)
        writer = RecordingWriter(file)
        assert writer.cut == (recording.tail if size >= FILE_HEAD_BYTES else size)
        for index in range(3):
            writer.append(frames_of(index))
        writer.close()
        assert file.getvalue() == whole


def test_any_bit_flip_is_found(scale):
    """Of three records, at least the other two are still read; what is read is what was written, or is an error."""
    whole, _ = recorded(range(3))
    for place in range(0, len(whole), 5 if scale == "test" else 1):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        if place < FILE_HEAD_BYTES:
            with pytest.raises(RemoteProtocolError):
                Recording(io.BytesIO(flipped))
            continue
        for use_index in (True, False):
            recording = Recording(io.BytesIO(flipped), use_index=use_index)
            read, faults = 0, recording.tail > 0 or bool(recording.damaged) or not recording.indexed
            for number, index in enumerate(recording.indices):
                try:
                    assert same(recording.read(number), frames_of(index))
                    read += 1
                except RemoteProtocolError:
                    faults = True
            assert read >= 2, place
            assert faults, place


def test_a_damaged_record_in_the_middle_is_stepped_over_and_never_written_behind():
    whole, ends = recorded(range(4), close=False)
    broken = bytearray(whole)
    broken[ends[0] + 5] ^= 255  # in the head of the second
    recording = Recording(io.BytesIO(broken))
    assert recording.indices == [0, 2, 3]
    assert recording.damaged == [(ends[0], ends[1])]
    file = io.BytesIO(broken)
    with pytest.raises(RemoteProtocolError, match=f"damage from byte {ends[0]} to {ends[1]}"):
        RecordingWriter(file)
    assert file.getvalue() == broken


def test_bytes_that_never_reached_the_disk_are_a_tail():
    """After a power cut a file may have its length, and zeros."""
    whole, ends = recorded(range(3), close=False)
    torn = whole[: ends[1] + 200] + bytes(len(whole) - ends[1] - 200)
    recording = Recording(io.BytesIO(torn))
    assert recording.indices == [0, 1]
    assert recording.tail == len(whole) - ends[1]


def test_going_on_leaves_out_what_is_there_and_refuses_another_run():
    file = io.BytesIO(recorded(range(3))[0])
    writer = RecordingWriter(file)
    assert not writer.append(frames_of(1))
    assert writer.append(frames_of(9))
    with pytest.raises(InputError, match="scenario made, seed 1, as the recording has, got made, seed 2"):
        writer.append(frames_of(10, seed=2))
    with pytest.raises(LocalProtocolError, match="expected planes"):
        writer.append(frames_of(11)[:-1])
    with pytest.raises(LocalProtocolError, match="msgpack"):
        writer.append([b"\xc1"])
    writer.close()
    recording = Recording(io.BytesIO(file.getvalue()))
    assert recording.indexed
    assert recording.indices == [0, 1, 2, 9]
    assert Recording(io.BytesIO(file.getvalue()), use_index=False).indices == [0, 1, 2, 9]


class FullDisk(io.BytesIO):
    """Has room for so many bytes."""

    room = 0

    def write(self, data):
        if self.tell() + len(data) > self.room:
            left = self.room - self.tell()
            if left <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = memoryview(data)[:left]
        return super().write(data)


@pytest.mark.parametrize("where", ["head", "planes", "index", "file head"])
def test_a_full_disk_keeps_what_is_good(where):
    whole, ends = recorded(range(3))
    file = FullDisk()
    room = {"file head": 5, "head": ends[1] + 9, "planes": ends[1] + 400, "index": len(whole) - 8}[where]
    file.room = room
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012  # whichever of them meets it
        writer = RecordingWriter(file)
        for index in range(3):
            writer.append(frames_of(index))
        writer.close()
    kept = {"file head": b"", "index": whole[: ends[2]]}.get(where, whole[: ends[1]])
    assert file.getvalue() == kept
    file.room = 1 << 20
    writer = RecordingWriter(file)
    assert writer.cut == 0
    for index in range(3):
        writer.append(frames_of(index))
    writer.close()
    assert file.getvalue() == whole


class Watched(io.BytesIO):
    """Notes the largest read."""

    most = 0

    def read(self, size=-1):
        self.most = max(self.most, size)
        return super().read(size)

    def readinto(self, room):
        self.most = max(self.most, len(room))
        return super().readinto(room)


def test_no_memory_is_taken_on_a_hostile_word():
    frames = frames_of(0)
    sizes = tuple(map(len, frames))
    lies = [
        Head(BUNDLE, (2**63, *sizes[1:]), 0),  # longer than the file
        Head(BUNDLE, (sizes[0], 1, *sizes[2:]), 0),  # not as the header says
        Head(BUNDLE, (70_000, *sizes[1:]), 0),  # a header over its limit
        Head(INDEX, (2**40, 16), 0),
    ]
    for lie in lies:
        file = Watched(file_head() + lie.pack() + b"".join(frames) + bytes(80_000))
        recording = Recording(file)
        assert recording.indices == []
        assert recording.tail > 0
        assert file.most < 1 << 21
    file = Watched(recorded([0])[0])
    recording = Recording(file, limit=100)
    with pytest.raises(RemoteProtocolError, match="expected at most 100 bytes, got"):
        recording.read(0)
    assert file.most < 1 << 14


def test_an_index_that_lies_is_not_believed():
    whole, ends = recorded(range(3), close=False)
    for rows in ([(16, 0), (16, 1)], [(0, 0)], [(16, 0), (len(whole) + 5, 1)]):
        frames = [np.array(rows, "<u8").tobytes(), struct.pack("<Q8s", len(whole), b"MSKYEND\x89")]
        file = io.BytesIO(whole + head_for(INDEX, frames).pack() + b"".join(frames))
        recording = Recording(file)
        assert not recording.indexed
        assert recording.indices == [0, 1, 2]
    frames = [
        np.array([(ends[0], 5), (ends[1] + 1, 2)], "<u8").tobytes(),
        struct.pack("<Q8s", len(whole), b"MSKYEND\x89"),
    ]
    recording = Recording(io.BytesIO(whole + head_for(INDEX, frames).pack() + b"".join(frames)))
    with pytest.raises(RemoteProtocolError, match="expected bundle 5, got 1"):
        recording.read(0)
    with pytest.raises(RemoteProtocolError, match="record 1 at byte"):
        recording.header(1)


def test_a_file_full_of_marks_ends_the_search():
    file = io.BytesIO(file_head() + BUNDLE * 200_000)
    assert Recording(file).tail == 800_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins otherwise"),
        (b"PK\x03\x04" + bytes(100), "begins otherwise"),
        (file_head()[:-1] + b"\0", "damaged"),
    ],
)
def test_other_files_are_refused_in_words_and_left_alone(content, words):
    with pytest.raises(RemoteProtocolError, match=words):
        Recording(io.BytesIO(content))
    if content:
        file = io.BytesIO(content)
        with pytest.raises(RemoteProtocolError, match=words):
            RecordingWriter(file)
        assert file.getvalue() == content


def test_another_major_version_is_refused():
    import zlib

    begin = b"\x89MSKYREC" + struct.pack("<HH", 2, 0)
    with pytest.raises(RemoteProtocolError, match="expected a recording of version 1, got 2"):
        Recording(io.BytesIO(begin + struct.pack("<I", zlib.crc32(begin))))
