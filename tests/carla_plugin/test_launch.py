"""Starting a server by a command, and ending what was started."""

import shlex
import sys

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


def test_a_command_that_fails_is_named():
    launch = Launch(shlex.join([sys.executable, "-c", "raise SystemExit(7)"]), "box", 1)
    launch.start()
    while launch.started:
        pass
    with pytest.raises(PeerError, match="ended with status 7"):
        launch.check()
    launch.end()
