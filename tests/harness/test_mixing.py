"""Class mixing, against loops: how many classes, from where, and what is pasted."""

import pytest
import torch

from harness.mixing import class_masks, paste


@pytest.mark.parametrize(("classes", "expected"), [(1, 1), (2, 1), (5, 3), (6, 3), (7, 4)])
def test_half_of_the_classes_rounded_up_without_repetition(classes, expected):
    label = torch.arange(classes).repeat(4)[None, None].expand(3, 2, -1).clone()
    for seed in range(20):
        masks = class_masks(label, torch.Generator().manual_seed(seed))
        for mask, one in zip(masks, label, strict=True):
            assert len(one[mask].unique()) == expected
            assert not torch.isin(one[~mask], one[mask]).any()  # a class is pasted whole


def test_classes_come_from_the_whole_batch_and_255_is_one():
    """Two images without a class in common: half of *all* classes, so an image can be given nothing of its own."""
    label = torch.stack([torch.full((2, 2), 3), torch.full((2, 2), 255)])
    seen = set()
    for seed in range(60):
        masks = class_masks(label, torch.Generator().manual_seed(seed))
        seen.add(tuple(bool(mask.all()) for mask in masks))
        assert all(mask.all() or not mask.any() for mask in masks)
    assert seen == {(False, False), (False, True), (True, False), (True, True)}  # each image has a draw of its own


def test_pasted_pixel_by_pixel():
    dice = torch.Generator().manual_seed(1)
    mask = torch.rand(2, 4, 5, generator=dice) > 0.5
    source, target = torch.rand(2, 3, 4, 5, generator=dice), torch.rand(2, 3, 4, 5, generator=dice)
    mixed, label = paste(mask, source, target), paste(mask, torch.ones(2, 4, 5), torch.zeros(2, 4, 5))
    for n, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(5)).tolist():
        expected = source if mask[n, row, column] else target
        assert torch.equal(mixed[n, :, row, column], expected[n, :, row, column])
        assert bool(label[n, row, column]) == bool(mask[n, row, column])
