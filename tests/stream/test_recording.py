"""Recordings at both ends: recorders killed, recordings played byte by byte, JPEG, full disks, what `info` says."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from producer import bundle_bytes, fill, header_of  # noqa: E402  # beside this file

from carla_plugin.cli import main  # noqa: E402
from carla_plugin.lossy import jpeg_packer  # noqa: E402
from carla_plugin.publisher import Publisher  # noqa: E402
from carla_plugin.recorder import Recorder  # noqa: E402
from harness.receiver import BundleStream  # noqa: E402
from protocols.bundle import Bundle, encode_bundle  # noqa: E402
from protocols.errors import InputError, PeerError  # noqa: E402
from protocols.recording import Recording  # noqa: E402

SIZE = (64, 128)


def made(index):
    images = np.empty((4, *SIZE, 3), np.uint8)
    mask = np.empty(SIZE, np.uint8)
    fill(index, images, mask)
    return Bundle(header_of(index, mask), images, mask)


def frames_of(index, **how):
    return [bytes(frame) for frame in encode_bundle(made(index), mask_codec="zstd", **how)]


def assert_holds(file, indices, **how):
    """Read a recording whole and compare it with what was to be in it."""
    with file.open("rb") as opened:
        recording = Recording(opened)
        assert recording.distinct == list(indices)
        assert not recording.damaged
        for number, index in enumerate(recording.indices):
            assert [bytes(frame) for frame in recording.read(number)] == frames_of(index, **how)
        return recording.tail


@pytest.fixture
def recorded(tmp_path):
    """Return a function that records bundles and returns the file."""

    def record(indices, **how):
        recorder = Recorder(tmp_path / "made.rec", **how)
        for index in indices:
            assert recorder.put(made(index))
            assert recorder.drop(index + 10_000, "mask")
        recorder.close()
        return tmp_path / "made.rec"

    return record


RECORD = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from test_recording import Recorder, made
recorder = Recorder(Path({file!r}))
for index in range({start}, {count}):
    recorder.put(made(index))
    print(index, flush=True)
recorder.close()
"""


def test_a_killed_recorder_loses_at_most_the_record_it_was_writing(tmp_path, scale):
    """Each time at a random moment; the next start goes on with the same file."""
    kills, count = (10, 1000) if scale == "soak" else (2, 60)
    dice = random.Random(7)
    moments = sorted(dice.sample(range(1, count), kills))
    file = tmp_path / "run.rec"
    for moment in moments:
        code = RECORD.format(here=str(HERE), file=str(file), start=0, count=count)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        said = 0
        for line in process.stdout:
            said = int(line) + 1
            if said >= moment:
                time.sleep(dice.random() * 0.002)  # somewhere within a write
                process.kill()
                break
        said = max([said, *(int(line) + 1 for line in process.stdout.read().split("\n")[:-1] if line)])
        process.wait()
        with file.open("rb") as opened:
            there = len(Recording(opened))
        assert there >= said
        assert_holds(file, range(there))
    whole = file.read_bytes()
    for _ in range(kills):  # a kill seldom meets the middle of a write: so cut there
        cut = dice.randrange(len(whole) // 2, len(whole))
        file.write_bytes(whole[:cut])
        with file.open("rb") as opened:
            recording = Recording(opened)
            there = len(recording)
            assert recording.tail == cut - max(offset for offset, _ in [*recording.rows, (recording.end, 0)])
        assert_holds(file, range(there))
    recorder = Recorder(file)
    for index in range(count):
        recorder.put(made(index))
    recorder.close()
    assert assert_holds(file, range(count)) == 0


def play_into(file, *options, **settings):
    """Return what a trainer gets of a recording that is played, and the player's exit status."""
    with BundleStream("tcp://127.0.0.1:*", patience_s=60, max_bundle_bytes=bundle_bytes(*SIZE), **settings) as stream:
        arguments = ["play", str(file), "--to", stream.endpoint, *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "carla_plugin.cli", *arguments], stderr=subprocess.PIPE, text=True
        )
        got = {bundle.header.index: bundle for bundle in stream}
        said = process.communicate(timeout=120)[1]
    return got, stream.dropped, process.returncode, said


def test_what_is_played_is_received_byte_by_byte(recorded, tmp_path, scale):
    """In the soak 1,000 bundles; recorded in any order, with two indices that no producer could make."""
    count, missing = (1002, {100, 900}) if scale == "soak" else (6, {2, 4})
    there = [index for index in range(count) if index not in missing]
    file = recorded(random.Random(5).sample(there, len(there)))
    copy = tmp_path / "copy.rec"
    got, dropped, status, said = play_into(file, "--rate", "500", wanted=((0, count),), ordered=True, record=copy)
    assert status == 0, said
    assert list(got) == there
    assert dropped == dict.fromkeys(sorted(missing), "not in the recording")
    assert f"{len(there)} of {len(there)} bundles sent" in said
    for index, bundle in got.items():
        expected = made(index)
        assert np.array_equal(bundle.images, expected.images)
        assert np.array_equal(bundle.mask, expected.mask)
        assert bundle.header.mask_sha256 == expected.header.mask_sha256
    assert assert_holds(copy, there) == 0  # the trainer's recording has the frames of the plugin's


def test_damaged_records_are_dropped_and_the_others_played(recorded):
    file = recorded(range(3))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    got, dropped, status, said = play_into(file, wanted=((0, 3),))
    assert status == 1
    assert sorted(got) == [0, 2]
    assert dropped == {1: "damaged in the recording"}
    assert "bundle 1 is left out: record 1 at byte" in said


@pytest.mark.parametrize("ordered", [False, True])
def test_jpeg_is_marked_and_refused_where_every_bit_counts(ordered, recorded):
    pack = jpeg_packer(80)
    assert_holds(recorded(range(2), jpeg=pack), range(2), jpeg=pack)
    settings = {"patience_s": 30, "max_bundle_bytes": bundle_bytes(*SIZE), "wanted": ((0, 2),), "ordered": ordered}
    with BundleStream("tcp://127.0.0.1:*", **settings) as stream:
        publisher = Publisher(stream.endpoint, "lossy@1", bundle_bytes(*SIZE), jpeg=pack)
        try:
            if ordered:
                with pytest.raises(PeerError, match="expected every bit as drawn, got jpeg, which is lossy"):  # noqa: PT012
                    publisher.put(made(0))
                    publisher.close()
            else:
                publisher.put(made(0))
                publisher.put(made(1))
                for bundle in stream:
                    assert bundle.header.lossy
                    assert np.array_equal(bundle.mask, made(bundle.header.index).mask)
                    assert np.abs(bundle.images.astype(int) - made(bundle.header.index).images).mean() < 8
                publisher.close()
        finally:
            publisher.abandon()
    with pytest.raises(InputError, match=r"expected a quality of 1\.\.100"):
        jpeg_packer(0)


FULL = """
import resource, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from test_recording import Recorder, made
resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))
recorder = Recorder(Path({file!r}), or_stop={or_stop})
for index in range(5):
    assert recorder.put(made(index))
recorder.close()
"""


@pytest.mark.parametrize("or_stop", [False, True])
def test_a_full_disk_ends_the_recording_and_the_stream_only_if_asked(or_stop, tmp_path):
    file = tmp_path / "full.rec"
    code = FULL.format(here=str(HERE), file=str(file), or_stop=or_stop)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    words = "the recording ends with 2 new bundles, all whole: File too large"
    assert words in done.stderr
    assert (done.returncode == 0) is not or_stop
    assert ("; the stream goes on" in done.stderr) is not or_stop
    assert assert_holds(file, range(2)) == 0


def test_a_device_that_is_full_is_refused_at_the_start():
    with pytest.raises(InputError, match="--record /dev/full: No space left on device"):
        Recorder(Path("/dev/full"))


def test_a_recording_is_gone_on_with_only_after_its_end_was_checked(recorded, tmp_path):
    file = recorded(range(3))
    whole = file.read_bytes()
    said = []
    file.write_bytes(whole[: len(whole) // 2])
    recorder = Recorder(file, say=said.append)
    for index in range(3):
        recorder.put(made(index))
    with pytest.raises(InputError, match="another process records into it"):
        Recorder(file)
    recorder.close()
    recorder.close()
    assert file.read_bytes() == whole
    assert "removed the last" in said[0]
    broken = bytearray(whole)
    broken[20] ^= 1
    file.write_bytes(broken)
    with pytest.raises(InputError, match="expected whole records, got damage from byte 16"):
        Recorder(file)
    assert file.read_bytes() == broken
    with pytest.raises(InputError, match="begins otherwise"):
        Recorder(Path(__file__))
    with pytest.raises(InputError, match="No such file"):
        Recorder(tmp_path / "no/such/folder.rec")


def test_info_says_what_is_in_a_recording(recorded, capsys):
    file = recorded([0, 1, 4])
    assert main(["info", str(file), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["bundles"], values["first_index"], values["last_index"]) == (3, 0, 4)
    assert values["runs"] == {"made, seed 1": 3}
    assert values["sizes"] == {"128x64": 3}
    assert values["appearances"] == dict.fromkeys(("noon", "night", "rain", "fog"), 3)
    assert values["planes"] == {"image uint8 raw": 3, "mask uint8 zstd": 3}
    assert values["certificates"] == {"none": 3}
    counted = np.bincount(np.concatenate([made(index).mask.reshape(-1) for index in (0, 1, 4)]), minlength=29)
    assert values["class_shares"]["wall"] == pytest.approx(counted[4] / counted.sum(), abs=1e-6)
    assert sum(values["class_shares"].values()) == pytest.approx(1.0, abs=1e-5)
    assert main(["info", str(file)]) == 0
    assert "every byte is as it was written" in capsys.readouterr().out
    assert main(["info", str(file), "--quick"]) == 0
    assert "planes were not read" in capsys.readouterr().out
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[5000] ^= 1
    file.write_bytes(flipped)
    assert main(["info", str(file)]) == 1
    assert "record 0 at byte 16: expected another checksum; the record is damaged" in capsys.readouterr().out
    file.write_bytes(whole[:-20_000])
    assert main(["info", str(file)]) == 1
    assert "bytes are a record that was never finished" in capsys.readouterr().out
    assert main(["info", __file__]) == 2
    assert "expected a recording, got a file that begins otherwise" in capsys.readouterr().err
    assert main(["play", "/no/such.rec", "--to", "tcp://127.0.0.1:1"]) == 2
