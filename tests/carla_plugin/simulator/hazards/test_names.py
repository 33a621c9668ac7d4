"""What a command line may ask for."""

from __future__ import annotations

import pytest

from carla_plugin.simulator.hazards import HAZARDS, parse
from protocols.errors import InputError


def test_names_and_amounts_are_read():
    hazards = parse(["foliage", "stall=0.25", "foliage"], 7)
    assert "foliage" in hazards
    assert "stall" in hazards
    assert "rain" not in hazards
    assert (hazards.on["stall"], hazards.seed) == (0.25, 7)
    assert parse(["stall"], 1).on["stall"] == 5.0
    assert not parse([], 1).on


@pytest.mark.parametrize("word", ["fog", "", "stall=", "stall=-1", "stall=nan", "stall=61", "rain=1", "Rain"])
def test_anything_else_is_refused_with_what_was_given(word):
    with pytest.raises(InputError) as told:
        parse([word], 1)
    assert f"--hazard {word}" in str(told.value)


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(InputError) as told:
        parse(["fog"], 1)
    assert all(name in str(told.value) for name in HAZARDS)
