"""Late images and wrong pixels: how often, how late, and the same each time."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.hazards.dice import lot
from carla_plugin.simulator.hazards.late import Late, stalls
from carla_plugin.simulator.hazards.pictures import OPENING, wrong_pixel
from protocols.labels import TAGS


def test_the_lot_is_fair_and_always_the_same():
    assert [lot(100, 7, frame) for frame in range(6)] == [lot(100, 7, frame) for frame in range(6)]
    assert [lot(1000, 7, frame) for frame in range(20)] != [lot(1000, 8, frame) for frame in range(20)]
    counts = np.bincount([lot(4, 3, frame) for frame in range(4000)], minlength=4)
    assert counts.min() > 900


def test_messages_come_once_at_most_three_ticks_late_and_not_in_order():
    late, came = Late(5), []
    for frame in range(400):
        late.hold(frame, 2, str(frame).encode())
        came += [(int(held.message), frame) for held in late.due(frame)]
    came += [(int(held.message), 400) for held in late.everything()]
    assert sorted(sent for sent, _ in came) == list(range(400))
    delays = [tick - sent for sent, tick in came[:-3]]
    assert set(delays) == {0, 1, 2, 3}
    assert [sent for sent, _ in came] != list(range(400))
    assert late.everything() == []


def test_two_masks_in_a_hundred_have_one_pixel_of_another_tag():
    mask = bytes(OPENING) + bytes([0, 0, 7, 255]) * 64
    spoilt = {frame: wrong_pixel(mask, 7, frame, 12) for frame in range(5000)}
    wrong = [each for each in spoilt.values() if each != mask]
    assert 60 <= len(wrong) <= 140
    for each in wrong:
        (at,) = np.flatnonzero(np.frombuffer(each, np.uint8) != np.frombuffer(mask, np.uint8)).tolist()
        assert (at - OPENING) % 4 == 2
        assert each[at] in {row.tag for row in TAGS} - {7}
    assert wrong_pixel(mask, 7, 3, 12) == spoilt[3]


def test_every_two_hundredth_tick_is_held_up():
    assert [frame for frame in range(1, 801) if stalls(frame)] == [200, 400, 600, 800]
