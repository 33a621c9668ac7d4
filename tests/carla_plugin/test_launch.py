"""Starting a server by a command, again where that makes sense, and ending what was started."""

import shlex
import sys
import time

import pytest

from carla_plugin.launch import Launch
from protocols.errors import InputError, PeerError


def test_host_and_port_are_filled_in():
    launch = Launch("run.sh --host={host} -p {port} 'two words'", "box", 2000)
    assert launch.command == ["run.sh", "--host=box", "-p", "2000", "two words"]


@pytest.mark.parametrize("command", ["", "'open", "/no/such/program"])
def test_what_cannot_be_run(command):
    with pytest.raises(InputError, match="--start: expected a command"):
        Launch(command, "box", 1).start()


def test_it_ends_what_it_started():
    launch = Launch(shlex.join([sys.executable, "-c", "import sys; sys.stdin.read()"]), "box", 1)
    launch.start()
    assert launch.started
    launch.check()
    launch.end()
    assert not launch.started
    launch.end()


def ended(how: str) -> Launch:
    """Return a launch whose command has just ended as a line of Python says."""
    launch = Launch(shlex.join([sys.executable, "-c", f"import os; {how}"]), "box", 1)
    launch.start()
    while launch.started:
        time.sleep(0.005)
    return launch


def test_a_command_that_fails_at_its_first_start_is_named():
    launch = ended("raise SystemExit(7)")
    with pytest.raises(PeerError, match="ended with status 7; run it by hand"):
        launch.check()
    launch.end()


@pytest.mark.parametrize(
    ("how", "words"),
    [("os.kill(os.getpid(), 9)", "status -9"), ("raise SystemExit(137)", "status 137"), ("os._exit(0)", "")],
)
def test_who_was_killed_or_left_quietly_is_started_again(how, words):
    launch = ended(how)
    launch.check()
    assert words in launch.last_words
    launch.end()


def test_who_brought_a_server_up_is_started_again():
    launch = ended("raise SystemExit(7)")
    launch.came_up()
    launch.check()
    launch.start()
    assert "status 7" in launch.last_words  # until the server is up again
    launch.came_up()
    while launch.started:
        time.sleep(0.005)
    launch.check()
    launch.end()


def test_a_server_that_somebody_else_started_says_nothing_for_the_command():
    launch = Launch(shlex.join([sys.executable, "-c", "raise SystemExit(7)"]), "box", 1)
    launch.came_up()
    launch.start()
    while launch.started:
        time.sleep(0.005)
    with pytest.raises(PeerError, match="ended with status 7"):
        launch.check()
    launch.end()


def test_pauses_grow_until_it_is_up(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("carla_plugin.launch.time.monotonic", lambda: clock[0])
    launch = Launch("true", "box", 1)

    def pause_s() -> float:
        """Return how long after its start it may be started again."""
        assert launch.due
        launch.start()
        began = clock[0]
        while not launch.due:
            clock[0] += 0.25
        return clock[0] - began

    assert [pause_s() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    launch.came_up()
    assert pause_s() == 1.0
    launch.end()
