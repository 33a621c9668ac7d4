"""Strong augmentation against kornia 0.5.8, which DAFormer was trained with, and how often it happens."""

import colorsys
import warnings

import pytest
import torch

from harness.strong_augmentation import (
    Draw,
    Jitter,
    StrongAugmentation,
    blur,
    hsv_to_rgb,
    jitter,
    kernel_px,
    rgb_to_hsv,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kornia

assert kornia.__version__ == "0.5.8"  # later ones mean something else by the same names


@pytest.fixture
def images():
    """Return `(4, 3, 24, 40)` colours, with greys, black, white and pure colours among them."""
    found = torch.rand(4, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    found[0, :, :3] = 0.5
    found[0, :, 3:5] = 0
    found[0, :, 5:7] = 1
    for channel in range(3):
        found[1, :, channel] = 0
        found[1, channel, channel] = 1
    return found


def test_jitter_is_kornias(images):
    """Whatever kornia draws, order included: the same pictures."""
    theirs = kornia.augmentation.ColorJitter(0.2, 0.2, 0.2, 0.2, p=1.0)
    orders = set()
    for seed in range(12):
        torch.manual_seed(seed)
        expected = theirs(images)
        drawn = theirs._params
        orders.add(tuple(drawn["order"].tolist()))
        for number, image in enumerate(images):
            values = (
                drawn[f"{name}_factor"][number].item() for name in ("brightness", "contrast", "saturation", "hue")
            )
            brightness, contrast, saturation, hue = values
            mine = jitter(
                image[None], Jitter(brightness - 1, contrast, saturation, hue, tuple(drawn["order"].tolist()))
            )
            assert torch.allclose(mine[0], expected[number], atol=2e-5)
    assert len(orders) > 5


@pytest.mark.parametrize("sigma", [0.15, 0.6, 1.15])
def test_blur_is_kornias(images, sigma):
    sides = (kernel_px(24), kernel_px(40))
    assert torch.allclose(blur(images, sigma), kornia.filters.GaussianBlur2d(sides, (sigma, sigma))(images), atol=1e-6)


def test_kernel_is_a_tenth_of_the_side_and_odd():
    assert [kernel_px(side) for side in (512, 510, 505, 128, 256)] == [51, 51, 51, 13, 25]
    for side in range(11, 600):
        tenth = -(-side // 10)
        assert kernel_px(side) == tenth - (tenth % 2 == 0)


def test_colours_there_and_back_as_pythons_own(images):
    few = images[0, :, ::6, ::7]
    hue, saturation, value = rgb_to_hsv(few[None])
    for row in range(few.shape[1]):
        for column in range(few.shape[2]):
            expected = colorsys.rgb_to_hsv(*few[:, row, column].tolist())
            found = [float(part[0, row, column]) for part in (hue, saturation, value)]
            assert found == pytest.approx(expected, abs=1e-6)
    assert torch.allclose(hsv_to_rgb(hue, saturation, value)[0], few, atol=1e-6)


def test_how_often_and_how_far_it_is_drawn():
    augmentation, dice = StrongAugmentation(), torch.Generator().manual_seed(3)
    draws = [augmentation.draw(2, dice) for _ in range(3000)]
    assert all((one.jitter is None) == (two.jitter is None) for one, two in draws)  # decided once for the batch
    assert all((one.sigma is None) == (two.sigma is None) for one, two in draws)
    assert all(one.jitter != two.jitter for one, two in draws if one.jitter)  # and drawn for each image
    jitters = [one.jitter for pair in draws for one in pair if one.jitter]
    sigmas = [one.sigma for pair in draws for one in pair if one.sigma]
    assert len(jitters) / 6000 == pytest.approx(0.8, abs=0.03)
    assert len(sigmas) / 6000 == pytest.approx(0.5, abs=0.04)
    for values, low, high in (
        ([one.brightness for one in jitters], -0.2, 0.2),
        ([one.contrast for one in jitters], 0.8, 1.2),
        ([one.saturation for one in jitters], 0.8, 1.2),
        ([one.hue for one in jitters], -0.2, 0.2),
        (sigmas, 0.15, 1.15),
    ):
        assert low <= min(values) < low + 0.01
        assert high - 0.01 < max(values) <= high
        assert sum(values) / len(values) == pytest.approx((low + high) / 2, abs=0.02)
    assert len({one.order for one in jitters}) == 24


def test_normalised_images_are_jittered_in_their_colours_and_blurred_as_they_are(images):
    mean, std = (
        torch.tensor([123.675, 116.28, 103.53])[:, None, None],
        torch.tensor([58.395, 57.12, 57.375])[:, None, None],
    )
    drawn = Jitter(0.1, 0.9, 1.1, -0.05, (2, 0, 3, 1))
    normalised = (images * 255 - mean) / std
    found = StrongAugmentation.apply(
        normalised, [Draw(drawn, 0.8), Draw(None, None), Draw(drawn, None), Draw(None, 0.8)], mean, std
    )
    assert torch.equal(found[1], normalised[1])
    expected = (jitter(images[2:3], drawn) * 255 - mean) / std
    assert torch.allclose(found[2], expected[0], atol=1e-4)
    assert torch.allclose(found[3], blur(normalised[3:], 0.8)[0], atol=1e-5)
    both = blur((jitter(images[:1], drawn) * 255 - mean) / std, 0.8)
    assert torch.allclose(found[0], both[0], atol=1e-4)
