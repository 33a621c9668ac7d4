"""The lifeline: the end of the server is told at once, an idle line that is dropped is no end."""

import socket
import threading

from carla_plugin.world.lifeline import lifeline, listens


def test_the_servers_end_is_told_once():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    told = threading.Event()
    with lifeline("127.0.0.1", port, told.set, lambda: False):
        line, _ = listener.accept()
        assert not told.is_set()
        listener.close()
        line.close()
        assert told.wait(20.0)


def test_a_dropped_line_is_taken_up_again():
    told = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with lifeline("127.0.0.1", listener.getsockname()[1], told.set, lambda: False):
            for _ in range(4):  # a line, the probe whether it listens, a line, ...
                listener.accept()[0].close()
        assert not told.is_set()


def test_hanging_is_told():
    told = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        lifeline("127.0.0.1", listener.getsockname()[1], told.set, lambda: True),
    ):
        assert told.wait(20.0)


def test_leaving_is_quiet():
    told = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with lifeline("127.0.0.1", listener.getsockname()[1], told.set, lambda: False):
            line, _ = listener.accept()
        line.close()
    assert not told.is_set()


def test_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert listens("127.0.0.1", port)
    assert not listens("127.0.0.1", port)
