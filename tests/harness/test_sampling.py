"""Reservoir and rare class sampling: everything once, nothing copied, the same dice give the same draws."""

import numpy as np
import pytest

from harness.chance import chance
from harness.receiver import Slot
from harness.reservoir import Reservoir
from harness.sampling import class_pixels, rare_class_probabilities
from protocols.labels import NAMES_16, tag_to_class16


def slot(bundle, index, **kwargs):
    return Slot(bundle(index, **kwargs), np.full(8, index, np.uint8))


def test_memory_is_swapped_never_lost_or_shared(bundle):
    reservoir = Reservoir(5, 8, seed=1)
    owned = set()
    for index in range(40):
        given = slot(bundle, index)
        owned.add(given.memory.ctypes.data)
        back = reservoir.add(given)
        assert back.shape == (8,)
        inside = {entry.slot.memory.ctypes.data for entry in reservoir._entries}
        assert back.ctypes.data not in inside
        assert given.memory.ctypes.data in inside
    assert len(reservoir) == 5
    assert reservoir.seen == 40


def test_newest_are_safe_and_the_old_are_left_evenly(bundle):
    one = bundle(0)
    ages = []
    for seed in range(60):
        reservoir = Reservoir(10, 8, seed=seed, keep_newest=4)
        for index in range(60):
            reservoir.add(Slot(one, np.zeros(8, np.uint8)))
            assert set(range(max(0, index - 3), index + 1)) <= {entry.age for entry in reservoir._entries}
        ages += [entry.age for entry in reservoir._entries]
    assert min(ages) < 40  # old ones survive: it is no queue


def test_draws_depend_on_seed_iteration_and_place_alone(bundle):
    def draws(seed, skip):
        reservoir = Reservoir(8, 8, seed=seed)
        for index in range(8):
            reservoir.add(slot(bundle, index))
        return [
            (drawn.bundle.header.index, drawn.wanted, float(drawn.chance.random()))
            for iteration in range(skip, 20)
            for drawn in (reservoir.draw(iteration, place) for place in range(2))
        ]

    assert draws(3, 0) == draws(3, 0)
    assert draws(3, 0)[10:] == draws(3, 5)  # no hidden state: earlier draws do not matter
    assert draws(3, 0) != draws(4, 0)


def test_chance_differs_in_every_coordinate():
    values = {float(chance(s, p, i, k).random()) for s in (0, 1) for p in (1, 2) for i in (0, 1) for k in (0, 1)}
    assert len(values) == 16


def test_probabilities_as_worked_by_hand():
    found = rare_class_probabilities(np.array([0.001, 0.01, 0.05, 0.939]), 0.01)
    assert found.sum() == pytest.approx(1)
    assert found[0] / found[1] == pytest.approx(2.4596, rel=1e-4)  # exp(0.9)
    assert found[0] / found[2] == pytest.approx(134.29, rel=1e-4)  # exp(4.9)
    assert rare_class_probabilities(np.array([0.2, 0.8]), np.inf) == pytest.approx([0.5, 0.5])


def test_pixels_are_counted_by_class(bundle):
    mask = bundle(3).mask
    label = tag_to_class16()[mask]
    assert class_pixels(mask).tolist() == [int((label == number).sum()) for number in range(16)]


def test_rare_class_is_wanted_and_its_bundle_drawn(bundle):
    reservoir = Reservoir(8, 8, seed=0)
    table = tag_to_class16()
    rider = NAMES_16.index("rider")
    for index in range(6):
        one = bundle(index)
        one.mask[...] = 1  # road
        if index == 4:
            one.mask[:4, :4] = 13  # 0.8 % rider
        reservoir.add(Slot(one, np.zeros(8, np.uint8)))
    drawn = [reservoir.draw(iteration, 0) for iteration in range(20)]
    assert table[13] == rider
    assert all(one.wanted == rider for one in drawn)
    assert all(one.bundle.header.index == 4 for one in drawn)


def test_infinite_temperature_draws_evenly(bundle):
    reservoir = Reservoir(4, 8, seed=0, temperature=np.inf)
    for index in range(4):
        reservoir.add(slot(bundle, index))
    drawn = [reservoir.draw(iteration, 0) for iteration in range(400)]
    counts = np.bincount([one.bundle.header.index for one in drawn])
    assert counts.min() > 60
    assert {one.wanted for one in drawn} == {-1}


def test_empty_reservoir_says_so():
    with pytest.raises(ValueError, match="at least one"):
        Reservoir(4, 8, seed=0).draw(0, 0)
