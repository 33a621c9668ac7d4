"""GTA and SYNTHIA in place of a stream: stand-ins in the layouts and encodings they are published in."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from harness import cli
from harness.folder_stream import DAMAGED_LIMIT
from harness.journal import read_journal
from harness.pictures import fitted, fitted_height
from harness.receiver import StreamEnd, StreamError
from harness.resume import StoppedError
from harness.supply import open_stream
from harness.training import train
from protocols.errors import InputError
from protocols.labels import TAGS

NAMES = ("gta", "synthia")
TAG_NAMES = np.array([tag.name for tag in TAGS])


@pytest.mark.parametrize("name", NAMES)
def test_images_and_classes_are_those_of_the_files(name, labelled):
    folder = labelled(name)
    made = {folder.files(number)[0].name: folder.write(number) for number in (0, 7, 12, 500)}
    assert {value for _, names in made.values() for value in np.unique(names)} >= {"road", "unlabeled", "bicycle"}
    with open_stream(f"{name}:{folder.root}", wanted=((0, 4),)) as stream:
        assert stream.take(wait=False) is None
        found = {bundle.header.meta["file"]: bundle for bundle in stream}
        assert list(stream.receipts) == [0, 1, 2, 3]
        assert stream.wanted == ()
        with pytest.raises(StreamEnd, match="all 4 bundles that were wanted"):
            stream.take()
    assert found.keys() == made.keys()
    for file, (image, names) in made.items():
        assert found[file].header.appearances == ("image",)
        assert np.array_equal(found[file].images, [image])
        assert np.array_equal(found[file].images[0], np.asarray(Image.open(folder.images / file)))
        assert np.array_equal(TAG_NAMES[found[file].mask], names)


def test_images_are_resized_as_published():
    assert fitted_height(1914, 1052, 1280) == 704
    assert fitted_height(1914, 1052, 512) == 281
    assert fitted_height(1280, 760, 512) == 304
    dice = np.random.default_rng(0)
    image = dice.integers(0, 256, (66, 96, 3)).astype(np.uint8)
    label = dice.integers(0, 20, (66, 96)).astype(np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(planes, (33, 48), mode="bilinear", align_corners=False)
    for height in (32, 33, 36):  # a row too many, as it is, three rows missing
        found = fitted(image, (48, height), smooth=True)
        assert found.shape == (height, 48, 3)
        assert np.abs(found[:33] - expected[0].permute(1, 2, 0).numpy()[:height]).max() <= 1
        classes = fitted(label, (48, height), smooth=False)
        assert np.array_equal(classes[:33], label[::2, ::2][:height])
        assert not found[33:].any()
        assert not classes[33:].any()


@pytest.mark.parametrize("name", NAMES)
def test_bundles_have_the_size_they_are_brought_to(name, labelled):
    folder = labelled(name)
    for number, height in enumerate((32, 33, 31)):  # GTA's images are not all of one height
        folder.write(number, height=height)
    with open_stream(f"{name}:{folder.root}", bundle_size=(24, 16), wanted=((0, 3),)) as stream:
        found = list(stream)
    assert {bundle.images.shape for bundle in found} == {(1, 16, 24, 3)}
    assert {bundle.mask.shape for bundle in found} == {(16, 24)}


def test_pairs_that_differ_in_size_are_left_out_and_told_once(labelled):
    folder = labelled("gta")
    for number in range(5):
        folder.write(number)
    folder.write(5, label_size=(48, 31))
    folder.write(6, label_size=(24, 16))
    folder.write(7, width=16)
    said = []
    with open_stream(f"gta:{folder.root}", bundle_size=(48, 32), wanted=((0, 10),)) as stream:
        stream.warn = said.append
        files = [bundle.header.meta["file"] for bundle in stream]
    assert sorted(files) == sorted(2 * [f"{number:05d}.png" for number in range(5)])
    assert said == [
        f"gta:{folder.root}: left out of 8: 2 whose image and label differ in size, "
        "1 of other proportions than bundle_size (48, 32)"
    ]


def test_bundle_k_is_the_same_whenever_it_is_asked_for(labelled):
    folder = labelled("gta")
    for number in range(7):
        folder.write(number)

    def files(wanted, seed=1):
        with open_stream(f"gta:{folder.root}", seed=seed, wanted=wanted) as stream:
            return {bundle.header.index: bundle.header.meta["file"] for bundle in stream}

    whole = files(((0, 28),))
    assert list(whole) == list(range(28))
    passes = [tuple(whole[index] for index in range(start, start + 7)) for start in range(0, 28, 7)]
    assert {tuple(sorted(one)) for one in passes} == {tuple(sorted(passes[0]))}
    assert len(set(passes[0])) == 7
    assert len(set(passes)) == 4
    some = files(((3, 4), (8, 11), (20, 28)))
    assert list(some) == [3, 8, 9, 10, *range(20, 28)]
    assert some.items() <= whole.items()
    assert files(((0, 28),), seed=2) != whole


def _without_images(folder):
    for file in folder.images.iterdir():
        file.unlink()


def _without_a_label(folder):
    folder.files(1)[1].unlink()


def _with_a_text(folder):
    folder.files(1)[0].write_text("nothing to see")


def _with_colours(folder):
    for number in range(3):
        Image.new("RGB", (48, 32)).save(folder.files(number)[1])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_images, "expected images at {images}/*.png, found none"),
        (_without_a_label, "expected the label of {file} at {labels}/{file}, found none"),
        (_with_a_text, "{images}/{file}: expected a PNG, got another file"),
        (_with_colours, "expected labels"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_folder_gives_one_message(name, spoil, words, labelled):
    folder = labelled(name)
    for number in range(3):
        folder.write(number)
    spoil(folder)
    with pytest.raises(InputError) as told, open_stream(f"{name}:{folder.root}") as stream:
        stream.take()
    file = folder.files(1)[0].name
    assert words.format(images=folder.images, labels=folder.labels, file=file) in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_other_proportions_are_refused_with_those_that_fit(labelled):
    folder = labelled("synthia")
    folder.write(0, width=80, height=40)
    with pytest.raises(InputError, match=r"bundle_size \(40, 40\), got 80x40; set bundle_size to \(40, 20\)"):
        open_stream(f"synthia:{folder.root}", bundle_size=(40, 40))
    folder.write(1, label_size=(3, 3))
    folder.files(0)[0].unlink()
    with pytest.raises(InputError, match="expected images as large as their labels, found none of 1"):
        open_stream(f"synthia:{folder.root}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", [0, 1], ids=["image", "label"])
def test_a_damaged_file_is_told_once_and_dropped(name, part, labelled):
    folder = labelled(name)
    for number in range(4):
        folder.write(number)
    spoilt = folder.files(2)[part]
    spoilt.write_bytes(spoilt.read_bytes()[:-40])
    said = []
    with open_stream(f"{name}:{folder.root}", wanted=((0, 12),)) as stream:
        stream.warn = said.append
        files = [bundle.header.meta["file"] for bundle in stream]
        assert list(stream.dropped.values()) == 3 * ["damaged in the folder"]
        assert sorted([*stream.dropped, *stream.receipts]) == list(range(12))
        assert stream.stats().dropped == 3
    assert len(said) == 1
    assert str(spoilt) in said[0]
    assert sorted(set(files)) == [folder.files(number)[0].name for number in (0, 1, 3)]
    for number in (0, 1, 3):
        folder.files(number)[part].write_bytes(spoilt.read_bytes())
    with open_stream(f"{name}:{folder.root}") as stream:
        stream.warn = said.append
        with pytest.raises(StreamError, match=f"{DAMAGED_LIMIT} damaged in a row"):
            stream.take()


def test_memory_goes_round_and_is_large_enough(labelled, tmp_path):
    folder = labelled("gta")
    for number in range(3):
        folder.write(number)
    endpoint = f"gta:{folder.root}"
    with open_stream(endpoint, slots=1) as stream:
        first = stream.take()
        kept = first.bundle.images.copy()
        with pytest.raises(StreamError, match="slots to be given back"):
            stream.take()
        stream.give_back(np.zeros(stream.max_bundle_bytes, np.uint8))
        assert stream.take().bundle.header.index == 2
        assert np.array_equal(first.bundle.images, kept)
    with open_stream(endpoint, max_bundle_bytes=100) as stream, pytest.raises(StreamError, match="at most 100 bytes"):
        stream.take()
    with pytest.raises(InputError, match="which is a folder; copy it"):
        open_stream(endpoint, record=tmp_path / "copy.rec")
    stream.stop()
    with pytest.raises(StreamError, match="the folder is closed"):
        stream.take()


@pytest.mark.parametrize("name", NAMES)
def test_training_from_a_folder_goes_on_as_if_never_stopped(name, labelled, tiny_config, tmp_path, scale):
    """3 iterations, and a checkpoint, and the rest: parameters and journal of a run that never stopped."""
    iterations = 20 if scale == "soak" else 6
    folder = labelled(name)
    for number in range(9):  # several passes
        folder.write(number, 128, 64)
    folder.write(9, 128, 64, label_size=(64, 64))
    config = tmp_path / "tiny.py"
    config.write_text(tiny_config(name))

    def run(work_dir, told=lambda: False, resume=False, **more):
        train(
            str(config),
            **{"endpoint": f"{name}:{folder.root}", "seed": 5, "iterations": iterations, "options": []} | more,
            work_dir=tmp_path / work_dir,
            told=told,
            resume=resume,
        )

    run("whole")
    asked = itertools.count()
    with pytest.raises(StoppedError):
        run("part", told=lambda: (tmp_path / "part/checkpoints/checkpoint_0000004.pth").exists() and next(asked) > 3)
    run("part", resume=True)
    whole, part = (torch.load(tmp_path / place / "weights.pth") for place in ("whole", "part"))
    assert whole.keys() == part.keys()
    assert all(torch.equal(value, part[key]) for key, value in whole.items())
    journal = read_journal(tmp_path / "whole/journal.jsonl")
    assert journal == read_journal(tmp_path / "part/journal.jsonl")
    assert len(journal) == iterations
    assert [one["appearances"] for one in journal[0]["bundles"]] == 4 * [["image"]]
    assert "loss_consistency" not in journal[0]["values"]


def test_what_a_user_says_wrong_is_told_in_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        (["daformer_dg_gta_small", "--from", "gta:nowhere"], "gta:nowhere: expected images at nowhere/images/*.png"),
        (["daformer_dg_synthia_small"], "synthia:data/synthia: expected images at data/synthia/RGB/*.png, found none"),
        (["daformer_dg_cosine_small"], "the following arguments are required: --from"),
    ):
        assert cli.main(["train", *arguments]) == 2
        errors = capsys.readouterr().err
        assert words in errors
        assert len(errors.strip().splitlines()) <= 2
