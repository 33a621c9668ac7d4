"""Shared slots: a block is made whole or refused, nobody writes out of turn, and nothing stays behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import BundleStream
from harness.shared_memory import SharedSlots, host_name, remove_stale
from protocols.errors import InputError
from protocols.shared_slots import PREFIX

SIZE = 1 << 16
FOLDER = Path(PREFIX).parent

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="memory is shared through /dev/shm, which is not here")


def blocks(pid: int) -> list[str]:
    return [path.name for path in FOLDER.glob(f"{Path(PREFIX).name}{pid}-*")]


@pytest.fixture
def slots():
    slots = SharedSlots(3, 5000, reserve=2)
    with contextlib.closing(slots):
        yield slots


def test_slots_are_apart_and_known_by_their_memory(slots):
    pieces = [slots.memory(number) for number in range(3)] + slots.reserve
    for value, piece in enumerate(pieces):
        piece[:] = value
    assert [int(piece.max()) for piece in pieces] == [int(piece.min()) for piece in pieces] == [0, 1, 2, 3, 4]
    taken = slots.take_out(1)
    assert np.shares_memory(taken, pieces[1])
    assert slots.put_in(slots.reserve[0]) == 3  # swapped, not copied
    assert slots.put_in(taken) == 1
    for wrong in (taken, pieces[2], np.zeros(5000, np.uint8), pieces[4][1:]):
        with pytest.raises(ValueError, match="expected a slot of the shared block"):
            slots.put_in(wrong)


def test_a_block_that_does_not_fit_is_refused_and_leaves_nothing():
    before = blocks(os.getpid())
    with pytest.raises(InputError, match=r"expected \d+ MB free in /dev/shm for 4 slots, got \d+ MB .*--shm-size"):
        BundleStream("tcp://127.0.0.1:*", slots=4, max_bundle_bytes=1 << 44, shared=True)
    assert blocks(os.getpid()) == before


def test_blocks_of_the_killed_are_removed_and_of_the_living_kept(slots):
    code = (
        "import time; from harness.shared_memory import SharedSlots; s = SharedSlots(2, 9000); "
        "print('made', flush=True); time.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "made\n"
        (name,) = blocks(child.pid)
        assert name not in remove_stale()
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        assert blocks(child.pid) == [name]
        BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE, shared=True).close()  # the next start removes it
        assert blocks(child.pid) == []
        assert blocks(os.getpid()), "one that lives was removed"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_close_leaves_nothing():
    before = blocks(os.getpid())
    stream = BundleStream("tcp://127.0.0.1:*", slots=2, max_bundle_bytes=SIZE, shared=True, reserve=3)
    assert len(blocks(os.getpid())) == len(before) + 1
    assert len(stream.reserved) == 3
    stream.close()
    assert blocks(os.getpid()) == before


def test_only_who_is_on_this_machine_is_told_where_it_is(slots):
    assert slots.describe("") == slots.describe("another") == {}
    found = slots.describe(host_name())
    assert re.fullmatch(re.escape(PREFIX) + r"\d+-[0-9a-f]{16}", found["path"])
    assert oct(os.stat(found["path"]).st_mode & 0o777) == "0o600"
