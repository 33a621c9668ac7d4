"""A recording in place of a stream: the trainer's side of recordings, written and read."""

import contextlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from harness.journal import read_journal
from harness.receiver import BundleStream, StreamEnd, StreamError
from harness.recorded import RecordedStream
from harness.recorder import Recorder
from harness.supply import open_stream
from harness.training import train
from protocols.bundle import encode_bundle
from protocols.errors import InputError
from protocols.recording import Recording, RecordingWriter


@pytest.fixture
def write(bundle, tmp_path):
    """Return a function that writes a recording and returns its endpoint."""

    def write(indices, jpeg=None):
        with (tmp_path / "some.rec").open("w+b") as opened:
            writer = RecordingWriter(opened)
            for index in indices:
                writer.append(encode_bundle(bundle(index), mask_codec="zstd", jpeg=jpeg))
            writer.close()
        return f"file:{tmp_path}/some.rec"

    return write


def pack(image):
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def test_bundles_come_in_the_order_of_their_indices(bundle, write):
    endpoint = write([3, 0, 5, 1])
    with open_stream(endpoint, slots=2, ordered=True) as stream:
        assert stream.take(wait=False) is None
        for index, found in zip([0, 1, 3, 5], stream, strict=True):
            expected = bundle(index)
            assert found.header.index == index
            assert np.array_equal(found.images, expected.images)
            assert np.array_equal(found.mask, expected.mask)
        assert list(stream.receipts) == [0, 1, 3, 5]
        assert stream.dropped.keys() == {2, 4}
        assert stream.wanted == ((6, None),)
        assert stream.stats().bundles == 4
        with pytest.raises(StreamEnd, match="the recording has ended after 4 bundles"):
            stream.take()
    with pytest.raises(StreamError, match="closed"):
        stream.take()


def test_only_what_is_wanted_comes(write):
    endpoint = write(range(12))
    wanted = ((3, 4), (7, 9), (10, 14), (20, None))
    with open_stream(endpoint, wanted=wanted, run_id="this") as stream:
        assert [found.header.index for found in stream] == [3, 7, 8, 10, 11]
        assert stream.dropped.keys() == {12, 13}
        assert stream.wanted == ((20, None),)
        assert stream.run_id == "this"


def test_memory_goes_round(bundle, write):
    """A slot that is kept is made up for by other memory; without any, the trainer is told."""
    endpoint = write(range(5))
    with RecordedStream(endpoint, max_bundle_bytes=30_000, slots=1) as stream:
        kept = stream.take()
        with pytest.raises(StreamError, match="slots to be given back"):
            stream.take()
        stream.give_back(np.zeros(30_000, np.uint8))
        assert stream.take().bundle.header.index == 2  # the one that found no room is lost to a careless caller
        assert np.array_equal(kept.bundle.images, bundle(0).images)
        with pytest.raises(ValueError, match="expected uint8"):
            stream.give_back(np.zeros(3, np.uint8))


def test_faults_are_told_in_words(tmp_path, write):
    with pytest.raises(InputError, match="expected a recording, got: No such file"):
        open_stream(f"file:{tmp_path}/none.rec")
    other = tmp_path / "other.rec"
    other.write_bytes(b"something else, long enough")
    with pytest.raises(InputError, match="rec: expected a recording"):
        open_stream(f"file:{other}")
    endpoint = write(range(3))
    with open_stream(endpoint, max_bundle_bytes=1000) as stream, pytest.raises(StreamError, match="at most 1000 bytes"):
        stream.take()
    content = (tmp_path / "some.rec").read_bytes()
    (tmp_path / "some.rec").write_bytes(content[:-900])
    said = []
    with open_stream(endpoint) as stream:
        stream.warn = said.append
        with contextlib.suppress(StreamError):
            stream.take()
    assert "left out the last" in said[0]
    with pytest.raises(InputError, match="which is a recording; copy it"):
        open_stream(endpoint, record=tmp_path / "copy.rec")


@pytest.mark.parametrize("place", [100, 5000], ids=["header", "planes"])
def test_a_damaged_record_is_told_and_dropped(place, tmp_path, write):
    """Training goes on with all that is whole, from the beginning of a run and when it is resumed."""
    endpoint = write(range(4))
    content = bytearray((tmp_path / "some.rec").read_bytes())
    with (tmp_path / "some.rec").open("rb") as opened:
        content[Recording(opened).rows[1][0] + place] ^= 1
    (tmp_path / "some.rec").write_bytes(content)
    for wanted in (((0, None),), ((1, 2), (3, None))):
        said = []
        with open_stream(endpoint, wanted=wanted) as stream:
            stream.warn = said.append
            assert [found.header.index for found in stream] == ([0, 2, 3] if wanted[0][0] == 0 else [3])
            assert stream.dropped == {1: "damaged in the recording"}
            assert stream.wanted == ((4, None),)
        assert "left out bundle 1: record 1 at byte" in said[0]


def test_lossy_recordings_are_refused_by_ordered_runs_only(bundle, write):
    endpoint = write(range(2), jpeg=pack)
    with open_stream(endpoint, ordered=True) as stream, pytest.raises(StreamError, match="got jpeg, which is lossy"):
        stream.take()
    with open_stream(endpoint) as stream:
        for found in stream:
            expected = bundle(found.header.index)
            assert found.header.lossy
            assert np.array_equal(found.mask, expected.mask)
            assert np.abs(found.images.astype(int) - expected.images).mean() < 12
            assert not np.array_equal(found.images, expected.images)


def test_bombs_of_jpeg_are_refused_before_memory_is_taken():
    from harness.jpeg import unpacker
    from protocols.errors import RemoteProtocolError
    from protocols.jpeg import jpeg_shape

    packed = bytearray(pack(np.zeros((16, 24, 3), np.uint8)))
    assert jpeg_shape(packed) == (16, 24, 3)
    assert unpacker()(packed).shape == (16, 24, 3)
    place = packed.index(b"\xff\xc0") + 5
    packed[place : place + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(RemoteProtocolError, match="65535x65535"):
        unpacker()(packed)
    for wrong in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"nothing", bytes(packed[:place])):
        with pytest.raises(RemoteProtocolError, match="expected a JPEG"):
            unpacker()(wrong)


def test_what_is_received_is_recorded_as_it_came(tmp_path, fake_plugin, bundle):
    file = tmp_path / "run.rec"
    with BundleStream("tcp://127.0.0.1:*", wanted=((0, 6),), record=file) as stream:
        fake_plugin(stream.endpoint)
        got = [bundle.header.index for bundle in stream]
    assert sorted(got) == list(range(6))
    with file.open("rb") as opened:
        recording = Recording(opened)
        assert recording.indexed
        for index in range(6):
            frames = encode_bundle(bundle(index), mask_codec="zstd" if index % 2 else "raw")
            assert list(map(bytes, recording.read(recording.number_of(index)))) == list(map(bytes, frames))
    with BundleStream("tcp://127.0.0.1:*", wanted=((4, 8),), record=file) as stream:  # as after a resume
        fake_plugin(stream.endpoint, name="fake@2")
        list(stream)
    with file.open("rb") as opened:
        assert Recording(opened).distinct == list(range(8))
        assert len(Recording(opened)) == 8


def test_a_recording_in_use_or_damaged_is_not_written_to(tmp_path, bundle):
    said = []
    file = tmp_path / "run.rec"
    first = Recorder(file, said.append)
    with pytest.raises(InputError, match="another process records into it"):
        Recorder(file, said.append)
    first.put(encode_bundle(bundle(0)))
    first.put(encode_bundle(bundle(1)))
    first.close()
    first.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:25_000])
    again = Recorder(file, said.append)
    again.put(encode_bundle(bundle(1)))
    again.close()
    assert file.read_bytes() == whole
    assert "removed the last" in said[0]
    with pytest.raises(InputError, match="expected a recording"):
        Recorder(Path(__file__), said.append)
    with pytest.raises(InputError, match="Is a directory"):
        Recorder(tmp_path, said.append)


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import make_bundle
from harness.recorder import Recorder
from protocols.bundle import encode_bundle
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
recorder = Recorder(Path({file!r}), print)
for index in range(10):
    recorder.put(encode_bundle(make_bundle(index)))
recorder.close()
"""


def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path):
    file = tmp_path / "run.rec"
    code = FULL.format(tests=str(Path(__file__).parent), file=str(file))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("\n") == 1
    assert "the recording ends with 2 new bundles, all whole: File too large; the run goes on" in done.stdout
    with file.open("rb") as opened:
        recording = Recording(opened)
        assert (recording.indices, recording.tail) == ([0, 1], 0)
        assert all(recording.read(number) for number in range(2))


def test_training_from_the_file_equals_training_from_the_wire(tmp_path, fake_plugin, bundle, tiny_config, scale):
    """Once from a socket, recorded meanwhile, and once from that recording: the same parameters, losses, journal."""
    iterations = 30 if scale == "soak" else 4
    config = tmp_path / "tiny.py"
    config.write_text(tiny_config("cosine"))
    file = tmp_path / "run.rec"
    wire = f"ipc://{tmp_path}/socket"
    fake_plugin(wire, size=1 << 17, bundles=lambda index: bundle(index, 64, 128))
    results = []
    for name, endpoint, record in (("wire", wire, file), ("file", f"file:{file}", None)):
        work_dir = tmp_path / name
        train(
            str(config), endpoint=endpoint, work_dir=work_dir, seed=5, iterations=iterations, options=[], record=record
        )
        results.append((torch.load(work_dir / "weights.pth"), read_journal(work_dir / "journal.jsonl")))
    (weights, journal), (others, other_journal) = results
    assert weights.keys() == others.keys()
    assert all(torch.equal(value, others[key]) for key, value in weights.items())
    assert journal == other_journal
    assert len(journal) == iterations
