"""Target images: read by mmseg's data sets, drawn by counters, cut with what is not to be trusted in them."""

import threading

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile

import harness.modules  # noqa: F401
from harness.chance import TARGET_IMAGE, chance, reseed
from harness.target_stream import TargetBundles
from harness.targets import IgnoreMargins, PackTarget, Targets
from harness.transforms import TARGET
from protocols.bundle import encode_bundle
from protocols.errors import InputError
from protocols.recording import RecordingWriter


@pytest.fixture
def folder(tmp_path):
    """Return a folder in Cityscapes' layout with three images, blue, green and red, brighter downwards; no labels."""
    for channel in range(3):
        image = np.zeros((32, 64, 3), np.uint8)
        image[..., channel] = np.arange(32)[:, None] * 8
        file = tmp_path / f"leftImg8bit/train/town/{channel}_leftImg8bit.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), image)
    return tmp_path


def config_of(folder, *steps):
    return {
        "type": "mmseg.CityscapesDataset",
        "data_root": str(folder),
        "data_prefix": {"img_path": "leftImg8bit/train"},
        "serialize_data": False,
        "pipeline": [{"type": "LoadImageFromFile"}, *steps, {"type": "PackTarget"}],
    }


CROP = ({"type": "RandomCrop", "crop_size": (16, 16)}, {"type": "RandomFlip", "prob": 0.5})


def drawn(targets, iteration):
    reseed(3, iteration)
    return [targets.draw(iteration, place) for place in range(2)]


def test_images_come_as_rgb_without_a_label(folder):
    targets = Targets(config_of(folder), seed=1)
    seen = {}
    for iteration in range(20):
        packed, number = targets.draw(iteration, 0)
        seen[number] = packed["inputs"]
        sample = packed["data_samples"]
        assert (sample.view, sample.img_shape, sample.appearance) == (TARGET, (32, 64), "target")
        assert "gt_sem_seg" not in sample
    assert sorted(seen) == [0, 1, 2]
    for number, image in seen.items():  # files are blue, green, red in this order
        assert (image.dtype, image.shape) == (torch.uint8, (3, 32, 64))
        assert [int(channel.max()) for channel in image] == [
            248 if 2 - number == channel else 0 for channel in range(3)
        ]


def test_draws_follow_from_seed_and_iteration_alone(folder):
    first, second = (Targets(config_of(folder, *CROP), seed=7) for _ in range(2))
    whole = [drawn(first, iteration) for iteration in range(8)]
    for iteration in (5, 2, 7):  # in any order, as a resumed run has it
        for (one, number), (two, other) in zip(whole[iteration], drawn(second, iteration), strict=True):
            assert number == other
            assert torch.equal(one["inputs"], two["inputs"])
    assert len({tuple(number for _, number in pair) for pair in whole}) > 3
    other = [drawn(Targets(config_of(folder, *CROP), seed=8), iteration) for iteration in range(8)]
    assert [n for pair in other for _, n in pair] != [n for pair in whole for _, n in pair]


def test_files_are_read_ahead_and_nothing_else_changes(folder, monkeypatch):
    """In another thread, all but the first draws'; images, and what follows by chance, are those of reading on time."""
    readers = []
    read = LoadImageFromFile.transform

    def noted(self, results):
        readers.append(threading.current_thread())
        return read(self, results)

    monkeypatch.setattr(LoadImageFromFile, "transform", noted)
    ahead, on_time = (Targets(config_of(folder, *CROP), seed=7) for _ in range(2))
    on_time._ahead = None
    found = [drawn(ahead, iteration) for iteration in range(6)]
    own = sum(thread is threading.main_thread() for thread in readers)
    assert 2 <= own <= 8  # the first two, and where both places of a batch drew the same image
    for iteration, pair in enumerate(found):
        for (packed, number), (other, same) in zip(pair, drawn(on_time, iteration), strict=True):
            assert number == same
            assert torch.equal(packed["inputs"], other["inputs"])


def test_damaged_file_is_named_when_its_turn_comes(folder):
    for file in folder.rglob("*.png"):
        file.write_bytes(b"no picture")
    targets = Targets(config_of(folder), seed=7)
    targets._ahead.expect(targets._number(0, 0))
    with pytest.raises(InputError, match="expected a readable image as number"):
        targets.draw(0, 0)


@pytest.mark.parametrize("before", [True, False])
def test_margins_of_the_image_or_of_the_crop(folder, before):
    """Rows are told by their brightness: before the crop margins are the image's, after it the crop's."""
    margins = {"type": "IgnoreMargins", "top": 4, "bottom": 6}
    targets = Targets(config_of(folder, *([margins, *CROP] if before else [*CROP, margins])), seed=0)
    tops = set()
    for iteration in range(12):
        packed, _ = drawn(targets, iteration)[0]
        rows = packed["inputs"].amax(dim=0)[:, 0].long() // 8  # of the image
        tops.add(int(rows[0]))
        valid = packed["data_samples"].valid.data[0]
        expected = (rows >= 4) & (rows < 26) if before else (torch.arange(16) >= 4) & (torch.arange(16) < 10)
        assert torch.equal(valid.bool(), expected[:, None].expand(16, 16))
    assert len(tops) > 3


def test_margins_at_the_sides_are_flipped_with_the_image():
    image = np.arange(8, dtype=np.uint8)[None, :, None].repeat(4, 0).repeat(3, 2)
    results = IgnoreMargins(left=3, right=1).transform({"img": image})
    results |= {"img": results["img"][:, ::-1], "valid": results["valid"][:, ::-1]}
    packed = PackTarget().transform(results)
    columns = packed["inputs"][0, 0]
    assert torch.equal(packed["data_samples"].valid.data[0, 0].bool(), (columns >= 3) & (columns < 7))


def test_second_stream_as_the_target(tmp_path, bundle):
    """All appearances of the first bundles of a recording, whatever their masks."""
    file = tmp_path / "target.rec"
    with open(file, "xb+", buffering=0) as out:
        writer = RecordingWriter(out)
        for index in range(5):
            writer.append(encode_bundle(bundle(index, 64, 128)))
        writer.close()
    config = {
        **{"type": "TargetBundles", "endpoint": f"file:{file}", "bundle_size": (128, 64), "count": 3},
        "pipeline": [{"type": "PackTarget"}],
    }
    targets = Targets(config, seed=0)
    images = [image for index in range(3) for image in bundle(index, 64, 128).images]
    numbers = set()
    for iteration in range(60):
        packed, number = targets.draw(iteration, 0)
        numbers.add(number)
        assert np.array_equal(packed["inputs"].permute(1, 2, 0).numpy(), images[number])
    assert numbers == set(range(len(images)))
    assert issubclass(TargetBundles, torch.utils.data.Dataset)


def test_wrong_folders_are_refused_in_words(tmp_path, folder):
    with pytest.raises(InputError, match=r"target: expected images at data_root=.*nowhere"):
        Targets(config_of(tmp_path / "nowhere"), seed=0)
    (tmp_path / "empty/leftImg8bit/train").mkdir(parents=True)
    with pytest.raises(InputError, match=r"target: expected images at .*found none"):
        Targets(config_of(tmp_path / "empty"), seed=0)
    (folder / "leftImg8bit/train/town/0_leftImg8bit.png").write_bytes(b"no image")
    targets = Targets(config_of(folder), seed=0)
    first = next(n for n in range(99) if int(chance(0, TARGET_IMAGE, n, 0).integers(3)) == 0)
    with pytest.raises(InputError, match="target: expected a readable image as number 0"):
        targets.draw(first, 0)
