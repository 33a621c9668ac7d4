"""Pixels against second implementations: conversion into given memory, depth, instances, and how far images differ."""

import struct

import numpy as np
import pytest

from carla_plugin.pixels import SKY_TAG, decoded, difference, ground_of, rgb_into, tags_into


@pytest.fixture
def dice():
    return np.random.default_rng(0)


def test_rgb_and_tags_are_written_into_memory_that_is_there(dice):
    image = dice.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    room, tags = np.zeros((2, 5, 7, 3), np.uint8), np.zeros((5, 7), np.uint8)
    rgb_into(image, room[1])
    tags_into(image, tags)
    assert np.array_equal(room[1], image[..., 2::-1])
    assert not room[0].any()
    assert np.array_equal(tags, image[..., 2])


def test_depth_is_carlas_24_bits_of_a_kilometre(dice):
    image = dice.integers(0, 256, (6, 9, 4), dtype=np.uint8)
    image[0, 0, :3], image[0, 1, :3] = 0, 255
    metres = decoded("depth", image)
    assert metres.dtype == np.float32
    assert (metres[0, 0], metres[0, 1]) == (0.0, 1000.0)
    for row, column in ((2, 3), (5, 8)):
        blue, green, red, _ = (int(value) for value in image[row, column])
        (steps,) = struct.unpack("<I", bytes([red, green, blue, 0]))
        assert metres[row, column] == pytest.approx(steps / 16777215 * 1000, rel=1e-7)


def test_instances_are_the_16_bits_of_green_and_blue(dice):
    image = dice.integers(0, 256, (6, 9, 4), dtype=np.uint8)
    numbers = decoded("instance", image)
    assert numbers.dtype == np.uint16
    assert numbers[4, 5] == int(image[4, 5, 1]) + 256 * int(image[4, 5, 0])
    with pytest.raises(ValueError, match="expected depth or instance, got 'flow'"):
        decoded("flow", image)


def test_difference_is_the_root_of_the_mean_square_over_three_channels(dice):
    one, other = dice.integers(0, 256, (2, 5, 7, 4), dtype=np.uint8)
    one[..., 3] = other[..., 3] = 255
    apart = np.abs(one[..., :3].astype(float) - other[..., :3])
    assert difference(one, other) == pytest.approx(np.sqrt((apart**2).mean()))
    assert difference(one, one.copy()) == 0.0
    within = np.zeros((5, 7), np.uint8)
    within[2:4, 1:6] = 1
    assert difference(one, other, within) == pytest.approx(np.sqrt((apart[2:4, 1:6] ** 2).mean()))
    assert difference(one, other, within, dead=9) == pytest.approx(
        np.sqrt((np.maximum(apart - 9, 0)[2:4, 1:6] ** 2).mean())
    )


def test_ground_is_what_is_not_sky_unless_nearly_all_is():
    tags = np.zeros((10, 10, 4), np.uint8)
    tags[..., 2] = SKY_TAG
    assert ground_of(tags) is None
    tags[8:, :, 2] = 1
    assert np.array_equal(ground_of(tags) != 0, tags[..., 2] == 1)
