"""Ranges of wanted indices against plain sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.wanted import Wanted


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "pop"]), st.integers(0, 20)), max_size=60))
def test_ranges_are_a_set(steps):
    ranges, plain = Wanted(((3, 7), (9, 12))), {3, 4, 5, 6, 9, 10, 11}
    for what, index in steps:
        if what == "add":
            ranges.add(index)
            plain.add(index)
        elif what == "remove":
            ranges.remove(index)
            plain.discard(index)
        elif plain:
            assert ranges.pop() == min(plain)
            plain.remove(min(plain))
        assert [index for index in range(25) if index in ranges] == sorted(plain)
        assert ranges.first == min(plain, default=None)
        assert bool(ranges) == bool(plain)
        ends = [each for one in ranges.ranges for each in one]
        assert ends == sorted(set(ends)), "ranges that touch are one"


def test_an_open_end():
    ranges = Wanted(((5, None),))
    assert [ranges.pop() for _ in range(3)] == [5, 6, 7]
    ranges.add(6)
    ranges.remove(1000)
    assert ranges.ranges == ((6, 7), (8, 1000), (1001, None))
    ranges.add(7)
    assert ranges.ranges == ((6, 1000), (1001, None))


@pytest.mark.parametrize("wrong", [((3, 3),), ((3, 2),), ((0, None), (5, 6)), ((0, 5), (4, 6)), ((-1, 2),)])
def test_what_does_not_ascend_is_refused(wrong):
    with pytest.raises(ValueError, match="expected ascending ranges"):
        Wanted(wrong)
