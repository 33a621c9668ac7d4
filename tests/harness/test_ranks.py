"""Which process this is, and how one ends: what happened is said once, and the others leave without a word."""

import threading

import pytest
from torch import distributed

from harness.ranks import ALONE, LostError, Ranks, _end, joined, told_by
from harness.resume import StoppedError
from protocols.errors import InputError

TORCHRUN = {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
BROKEN = RuntimeError("[/x/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [::1]:1. This is")


def test_place_is_what_torchrun_says():
    assert told_by(TORCHRUN) == Ranks(3, 4, 1)
    assert not told_by(TORCHRUN).leads
    assert told_by({"WORLD_SIZE": "4"}) is ALONE  # another launcher's, of which we know nothing
    with pytest.raises(InputError, match="got RANK=x LOCAL_RANK=1 WORLD_SIZE=4"):
        told_by({**TORCHRUN, "RANK": "x"})


def test_one_process_joins_nobody(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    with joined() as ranks:
        ranks.wait()
        assert ranks is ALONE
    assert not distributed.is_initialized()


@pytest.fixture
def ends():
    """Return a function that ends a rank, of 3 with one store, and returns what it raises."""
    store = distributed.HashStore()

    def end(rank, error):
        with pytest.raises(BaseException) as raised:  # noqa: PT011  # told apart by the tests
            _end(store, Ranks(rank, 3), error)
        return raised.value

    return end


def test_of_a_dead_rank_the_first_to_notice_tells(ends):
    told = ends(2, BROKEN)
    assert isinstance(told, LostError)
    assert str(told) == (
        "rank 2: expected all 3 ranks to stay, one has died; the same command with --resume goes on from the newest "
        "checkpoint"
    )
    silent = ends(0, BROKEN)
    assert (type(silent), silent.code) == (SystemExit, 3)


def test_who_leaves_in_words_is_the_only_one_to_tell(ends):
    assert str(ends(0, StoppedError("stopped after 7"))) == "stopped after 7"
    for rank in (1, 2):
        silent = ends(rank, BROKEN)
        assert (type(silent), silent.code) == (SystemExit, 143)


def test_the_same_fault_on_all_ranks_is_told_once(ends):
    assert isinstance(ends(1, InputError("no such config")), InputError)
    assert ends(0, InputError("no such config")).code == 2
    assert isinstance(ends(2, InputError("something else")), InputError)


def test_ctrl_c_is_told_once(ends):
    assert isinstance(ends(1, KeyboardInterrupt()), KeyboardInterrupt)
    assert ends(0, KeyboardInterrupt()).code == 130


def test_fault_of_the_program_is_seen_and_the_others_are_silent(ends):
    fault = ZeroDivisionError("oh")
    assert ends(1, fault) is fault
    assert ends(0, BROKEN).code == 1


def test_silence_is_told_from_death(ends):
    slow = RuntimeError("[/x/gloo/gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 5000ms for recv")
    assert "one has said nothing for too long" in str(ends(1, slow))
    assert ends(0, RuntimeError("shape mismatch")).args == ("shape mismatch",)


def test_a_store_that_is_gone_hushes_nobody():
    server = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    store = distributed.TCPStore("127.0.0.1", server.port, is_master=False, wait_for_workers=False)
    del server
    raised = []

    def end():
        try:
            _end(store, Ranks(1, 2), BROKEN)
        except BaseException as error:
            raised.append(error)

    ending = threading.Thread(target=end)
    ending.start()
    ending.join(30)
    assert isinstance(raised[0], LostError)
