"""Exports: names that are safe, files that are whole, a second run that goes on, and words where something is wrong."""

import fcntl
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tarfile

import cv2
import numpy as np
import pytest

from carla_plugin.cli import main
from carla_plugin.export import ExportError, Order, export
from carla_plugin.export_names import plain, plain_each
from carla_plugin.pictures import END, unpack_jpeg
from protocols.bundle import Bundle, BundleHeader, encode_bundle, mask_hash
from protocols.errors import InputError
from protocols.labels import TAGS
from protocols.recording import Recording, RecordingWriter

SIZE = (24, 32)
APPEARANCES = ("noon", "heavy fog")


def bundle_of(index, *, seed=1, appearances=APPEARANCES, town="Grid_07", extras=True):
    dice = np.random.default_rng([seed, index])
    images = dice.integers(0, 256, (len(appearances), *SIZE, 3), np.uint8)
    mask = dice.integers(0, len(TAGS), SIZE, np.uint8)
    header = BundleHeader("made", seed, index // 10, index, town, appearances, *SIZE, 9, mask_hash(mask))
    depth = {"depth": dice.random(SIZE, np.float32)} if extras else {}
    return Bundle(header, images, mask, depth)


def record(file, bundles, **how):
    """Append bundles to a recording on disk."""
    with open(file, "r+b" if file.exists() else "x+b", buffering=0) as opened:
        writer = RecordingWriter(opened)
        for bundle in bundles:
            writer.append(encode_bundle(bundle, mask_codec="zstd", **how))
        writer.close()
    return file


@pytest.fixture
def recording(tmp_path):
    """Return a recording of bundles 12, 3, 4."""
    return record(tmp_path / "made.rec", map(bundle_of, (12, 3, 4)))


def run(*arguments):
    return main(["export", *map(str, arguments)])


def files_below(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rgb(file):
    return cv2.cvtColor(cv2.imread(str(file), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_cityscapes_layout(recording, tmp_path, capsys):
    folder = tmp_path / "out"
    assert run(recording, folder, "--format", "cityscapes", "--split", "val") == 0
    said = capsys.readouterr().err
    assert f"{folder}: 3 bundles written\n" in said
    assert "no place for depth" in said
    found = {name for name in files_below(folder) if name.endswith(".png")}
    expected = set()
    for index in (12, 3, 4):
        bundle = bundle_of(index)
        for image, appearance in zip(bundle.images, ("noon", "heavy-fog"), strict=True):
            city = f"Grid-07-{appearance}"
            stem = f"{city}_{index // 10:06d}_{index:06d}"
            names = [
                f"leftImg8bit/val/{city}/{stem}_leftImg8bit.png",
                f"gtFine/val/{city}/{stem}_gtFine_labelIds.png",
                f"gtFine/val/{city}/{stem}_gtFine_labelTrainIds.png",
            ]
            expected |= set(names)
            assert np.array_equal(rgb(folder / names[0]), image)
            label_ids, train_ids = (cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for name in names[1:])
            assert train_ids.ravel().tolist() == [TAGS[tag].train_id for tag in bundle.mask.ravel()]
            roads = np.isin(bundle.mask, (1, 24))
            assert np.array_equal(label_ids == 7, roads)
            assert np.array_equal(label_ids == 26, bundle.mask == 14)
            assert np.array_equal(label_ids == 4, bundle.mask == 20)
    assert found == expected


def test_webdataset_members(recording, tmp_path, capsys):
    folder = tmp_path / "out"
    assert run(recording, folder, "--format", "webdataset", "--together", 2) == 0
    tars = sorted(folder.rglob("*.tar"))
    assert [str(file.relative_to(folder)) for file in tars] == ["train/Grid-07-000000.tar", "train/Grid-07-000001.tar"]
    keys = []
    for tar in tars:
        with tarfile.open(tar) as opened:
            members = opened.getmembers()
            assert all((member.mtime, member.uid, member.gname) == (0, 0, "") for member in members)
            content = {member.name: opened.extractfile(member).read() for member in members}
        keys += dict.fromkeys(name.partition(".")[0] for name in content)
    assert keys == ["Grid-07-000000-000003", "Grid-07-000000-000004", "Grid-07-000001-000012"]
    bundle = bundle_of(12)
    sample = {name.partition(".")[2]: value for name, value in content.items()}
    assert list(sample) == [
        *("image.noon.png", "image.heavy-fog.png", "tags.png", "labelids.png", "labeltrainids.png", "depth.npy", "json")
    ]
    tags = cv2.imdecode(np.frombuffer(sample["tags.png"], np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(tags, bundle.mask)
    depth = np.load(io.BytesIO(sample["depth.npy"]), allow_pickle=False)
    assert np.array_equal(depth, bundle.extras["depth"])
    said = json.loads(sample["json"])
    assert (said["identity"], said["lossy"]) == ("made:1:1:12", False)
    assert said["appearances"] == {"noon": "noon", "heavy fog": "heavy-fog"}


@pytest.mark.parametrize("form", ["cityscapes", "webdataset"])
def test_equal_recordings_give_equal_files(form, tmp_path):
    first = record(tmp_path / "one.rec", map(bundle_of, (1, 2, 3)))
    other = record(tmp_path / "two.rec", map(bundle_of, (3, 1, 2)))
    for file in (first, other):
        assert run(file, tmp_path / file.stem, "--format", form) == 0
    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")


@pytest.mark.parametrize("form", ["cityscapes", "webdataset"])
def test_goes_on_where_it_was(form, recording, tmp_path, capsys):
    folder, whole = tmp_path / "out", tmp_path / "whole"
    assert run(recording, folder, "--format", form, "--together", 1) == 0
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    spoiled = sorted(file for file in before if file.suffix in (".png", ".tar"))[0]
    spoiled.write_bytes(spoiled.read_bytes()[: spoiled.stat().st_size // 2])
    record(recording, [bundle_of(13)])
    capsys.readouterr()
    assert run(recording, folder, "--format", form, "--together", 1) == 0
    assert "2 bundles written, 2 were there" in capsys.readouterr().err
    assert run(recording, whole, "--format", form, "--together", 1) == 0
    assert files_below(folder) == files_below(whole)
    untouched = [file for file, time in before.items() if file.stat().st_mtime_ns == time]
    assert len(untouched) > len(before) // 2


KILLED = """
import sys
from carla_plugin.cli import main
print("ready", flush=True)
sys.exit(main(["export", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("form", ["cityscapes", "webdataset"])
def test_a_kill_leaves_whole_files(form, tmp_path, scale):
    """Kill -9 it once so many files are there: each file of a final name is whole, and the next run ends as usual."""
    count, kills = (300, 10) if scale == "soak" else (30, 1)
    file = record(tmp_path / "made.rec", (bundle_of(index, extras=False) for index in range(count)))
    folder, whole = tmp_path / "out", tmp_path / "whole"
    options = ["--format", form, "--together", "3"]
    assert run(file, whole, *options) == 0
    expected = files_below(whole)
    dice = random.Random(4)
    for goal in sorted(dice.randrange(1, len(expected) * 3 // 4) for _ in range(kills)):
        command = [sys.executable, "-c", KILLED, str(file), str(folder), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdout.readline()
            while process.poll() is None and sum(not name.endswith(".part") for name in _names(folder)) < goal:
                pass
            process.send_signal(signal.SIGKILL)
        for name, content in files_below(folder).items():
            if not name.endswith((".part", ".json")):
                assert content == expected[name]
    assert run(file, folder, *options) == 0
    assert files_below(folder) == expected


def _names(folder):
    return [name for _, _, names in os.walk(folder) for name in names]


def test_damage_is_told_and_left_out(tmp_path, capsys):
    file = record(tmp_path / "made.rec", map(bundle_of, range(3)))
    with open(file, "rb") as opened:
        second = Recording(opened).rows[1][0]
    content = bytearray(file.read_bytes())
    content[second + 2000] ^= 1
    file.write_bytes(content)
    assert run(file, tmp_path / "out", "--format", "cityscapes") == 1
    said = capsys.readouterr().err
    assert "left out: bundle 1: record 1 at byte" in said
    assert "2 bundles written, 1 damaged and left out" in said
    assert len(list((tmp_path / "out").rglob("*_leftImg8bit.png"))) == 4
    assert run(file, tmp_path / "tars", "--format", "webdataset") == 1
    with tarfile.open(tmp_path / "tars/train/Grid-07-000000.tar") as tar:
        assert {name.partition(".")[0][-1] for name in tar.getnames()} == {"0", "2"}


def test_another_recording_is_refused(recording, tmp_path, capsys):
    folder = tmp_path / "out"
    other = record(tmp_path / "other.rec", [bundle_of(3, seed=2)])
    town = record(tmp_path / "town.rec", [bundle_of(3, town="Grid_08")])
    assert run(recording, folder, "--format", "cityscapes") == 0
    before = files_below(folder)
    assert run(other, folder, "--format", "cityscapes") == 2
    assert '"seed": 2' in capsys.readouterr().err
    assert files_below(folder) == before
    assert run(other, folder, "--format", "cityscapes", "--split", "val") == 0
    assert run(town, folder, "--format", "cityscapes") == 0
    assert files_below(folder).items() > before.items()


def test_two_at_once_are_refused(recording, tmp_path, capsys):
    folder = tmp_path / "out"
    assert run(recording, folder, "--format", "cityscapes") == 0
    with open(folder / "export-train-Grid-07.json") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        assert run(recording, folder, "--format", "cityscapes") == 2
    assert "another process exports there" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["cityscapes", "webdataset"])
def test_a_full_disk_ends_in_words(form, recording, tmp_path):
    """Let no file grow over what labels have, but images and tar files have not."""
    folder, whole = tmp_path / "out", tmp_path / "whole"
    limit = 4096 if form == "webdataset" else 1024
    code = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    code += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY}));" + KILLED.strip()
    command = [sys.executable, "-c", code, str(recording), str(folder), "--format", form]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "File too large; what is there is whole" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(recording, whole, "--format", form) == 0
    found, expected = files_below(folder), files_below(whole)
    assert all(content == expected[name] for name, content in found.items() if not name.endswith(".part"))
    assert run(recording, folder, "--format", form) == 0
    assert files_below(folder) == expected


def test_wrong_files_end_in_words(recording, tmp_path, capsys):
    text = tmp_path / "made.txt"
    text.write_text("no recording, but some words that are long enough")
    for file, word in ((text, "expected a recording"), (tmp_path / "none", "No such file"), (tmp_path, "Is a dir")):
        assert run(file, tmp_path / "out", "--format", "cityscapes") == 2
        assert word in capsys.readouterr().err
    assert run(recording, tmp_path / "out", "--format", "cityscapes", "--split", "../up") == 2
    assert run(recording, tmp_path / "out", "--format", "webdataset", "--together", 0) == 2
    assert not (tmp_path / "out").exists()
    text.unlink()
    (tmp_path / "out").write_text("in the way")
    assert run(recording, tmp_path / "out", "--format", "cityscapes") == 1
    assert "carla-plugin: " in capsys.readouterr().err


def test_lossy_images_come_out_as_they_were_unpacked(tmp_path):
    def pack(image):
        return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()

    bundle = bundle_of(0, extras=False)
    file = record(tmp_path / "made.rec", [bundle], jpeg=pack)
    assert run(file, tmp_path / "out", "--format", "cityscapes") == 0
    found = rgb(next((tmp_path / "out").rglob("*Grid-07-noon*_leftImg8bit.png")))
    assert np.array_equal(found, unpack_jpeg(pack(bundle.images[0])))
    with open(file, "rb") as opened:
        exact = export(Recording(opened), Order(tmp_path / "exact"))
    assert (exact.bundles, len(exact.damaged)) == (0, 1)
    assert "jpeg, which is lossy" in exact.damaged[0]


HOSTILE = ["../../etc/passwd", "/root", "a/b", "noon\n", "日本", "", "." * 300, "x" * 300, "a\0b", "C:\\windows"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_plain(name):
    assert plain(name).replace("-", "").isalnum()
    assert plain(name).isascii()
    assert len(plain(name)) <= 64


@pytest.mark.parametrize("form", ["cityscapes", "webdataset"])
def test_hostile_names_stay_below_the_folder(form, tmp_path):
    appearances = (*HOSTILE, "Noon", "NOON", "noon", "noon-1")
    bundle = bundle_of(0, appearances=appearances, town="../../../town", extras=False)
    file = record(tmp_path / "made.rec", [bundle])
    folder = tmp_path / "deep" / "down" / "out"
    assert run(file, folder, "--format", form) == 0
    assert {file} == {path for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents}
    if form == "cityscapes":
        images = list(folder.rglob("*_leftImg8bit.png"))
    else:
        with tarfile.open(next(folder.rglob("*.tar"))) as tar:
            images = [name for name in tar.getnames() if ".image." in name]
    assert len(set(images)) == len(appearances)


def test_plain_names_differ_whatever_the_case():
    found = plain_each(["a b", "A-B", "a-b", "a-b-1", "a-b-2"])
    assert len({name.lower() for name in found}) == 5
    assert found[0] == "a-b"


def test_an_unwritable_folder_ends_in_words(recording):
    with open(recording, "rb") as opened, pytest.raises(ExportError, match="Not a directory"):
        export(Recording(opened), Order(recording / "below-a-file"))
    with pytest.raises(InputError, match="--format"):
        Order(recording, format="zip").validate()


def test_a_png_ends_with_its_mark():
    packed = cv2.imencode(".png", np.zeros(SIZE, np.uint8))[1].tobytes()
    assert packed.endswith(END)
