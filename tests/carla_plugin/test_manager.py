"""The traffic manager's port: another is taken when somebody else was faster."""

import contextlib
import socket

import pytest

from carla_plugin.world.manager import FIRST_PORT, TRIES, free_port, start_manager


class FakeWorld:
    """A world whose client finds some ports taken."""

    def __init__(self, taken, words="trying to create rpc server for traffic manager; ... because of bind error."):
        self.client = self
        self.asked = []
        self._taken, self._words = taken, words

    def asking(self, what):
        return contextlib.nullcontext()

    def get_trafficmanager(self, port):
        self.asked.append(port)
        if len(self.asked) <= self._taken:
            raise RuntimeError(self._words)
        return "manager"


@pytest.mark.parametrize("taken", [0, 1, TRIES - 1])
def test_another_port_is_tried_when_one_is_taken(taken):
    world = FakeWorld(taken)
    assert start_manager(world) == ("manager", world.asked[-1])
    assert len(world.asked) == taken + 1


@pytest.mark.parametrize(("taken", "words", "asked"), [(TRIES, "bind error", TRIES), (1, "time-out", 1)])
def test_what_trying_again_does_not_mend_is_raised(taken, words, asked):
    world = FakeWorld(taken, words)
    with pytest.raises(RuntimeError, match=words):
        start_manager(world)
    assert len(world.asked) == asked


def test_a_port_in_use_is_not_given(monkeypatch):
    port = free_port()
    draws = iter([port, port, port + 1, port + 2, port + 3])
    monkeypatch.setattr("secrets.randbelow", lambda count: next(draws) - FIRST_PORT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        assert free_port() > port
