"""Samples as bytes and back: the same values, types and sharing, whatever the fields are."""

import msgpack
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from harness.parcel import decode, encode
from protocols.errors import InputError


def sample(label, **metainfo):
    made = SegDataSample(metainfo=metainfo)
    if label is not None:
        made.gt_sem_seg = PixelData(data=label)
    return made


@pytest.fixture
def mixed():
    """A bundle of two appearances and a reference that share a label, and a target that has none, but a region."""
    dice = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8, generator=dice) for _ in range(4)]
    label = torch.randint(0, 16, (1, 5, 7), generator=dice)
    target = sample(None, view=-2, img_shape=(5, 7), identity="a/b.png")
    target.valid = PixelData(data=torch.rand((1, 5, 7), generator=dice) > 0.5)
    ours = [sample(label, view=view, img_shape=(5, 7), appearance=f"{view}") for view in (0, 1, -1)]
    return {"inputs": images, "data_samples": [*ours, target]}


def test_comes_out_as_it_went_in(mixed):
    header, payload = encode([mixed, {"inputs": [], "data_samples": []}, mixed])
    found = decode(header, payload.clone())
    assert [len(one["inputs"]) for one in found] == [4, 0, 4]
    for one in (found[0], found[2]):
        for image, other in zip(mixed["inputs"], one["inputs"], strict=True):
            assert image.dtype == other.dtype
            assert torch.equal(image, other)
        for before, after in zip(mixed["data_samples"], one["data_samples"], strict=True):
            assert type(after) is SegDataSample
            assert after.metainfo == before.metainfo
            assert set(after.keys()) == set(before.keys())
            for name, field in before.items():
                assert after.get(name).data.dtype == field.data.dtype
                assert torch.equal(after.get(name).data, field.data)


def test_what_is_shared_goes_once_and_is_shared_again(mixed):
    header, payload = encode([mixed])
    assert payload.numel() == 4 * 112 + 280 + 40  # images, one label, one region; each padded to 8 bytes
    samples = decode(header, payload)[0]["data_samples"]
    assert samples[0].gt_sem_seg.data is samples[2].gt_sem_seg.data  # so that it is uploaded once, too


def test_texts_numbers_lists_and_tuples_keep_their_kind():
    meta = {"a": 1, "b": 1.5, "c": None, "d": True, "e": (1, (2, [3, (4,)])), "f": {"g": ["h"]}, "i": "ö"}
    header, payload = encode([{"inputs": [], "data_samples": [sample(None, **meta)]}])
    assert decode(header, payload)[0]["data_samples"][0].metainfo == meta
    assert msgpack.unpackb(header)  # nothing but msgpack: no code


def test_anything_else_is_refused_in_words():
    with pytest.raises(InputError, match="beside the tensors, got set"):
        encode([{"inputs": [], "data_samples": [sample(None, odd={1, 2})]}])
    strange = sample(None)
    strange.set_data({"odd": [1, 2]})
    with pytest.raises(InputError, match="sample: odd: expected PixelData of tensors, got list"):
        encode([{"inputs": [], "data_samples": [strange]}])
