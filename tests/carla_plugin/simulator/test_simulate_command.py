"""The command `carla-plugin simulate`: how it starts, refuses and leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

COMMAND = [sys.executable, "-m", "carla_plugin.cli", "simulate"]
LEAVES_S = 15  # a first compile of all kernels takes longer


@contextlib.contextmanager
def command(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *options], text=True, env={**os.environ, **environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--town", "Foo"], "--town Foo", 2),
        (["--seed", "-3"], "--seed -3", 2),
        (["--port", "65535"], "--port", 2),
        (["--threads", "0"], "--threads", 2),
        (["--hazard", "fog"], "--hazard fog: expected one of foliage, rain, exposure", 2),
        (["--host", "192.0.2.1", "--port", "0"], "--host 192.0.2.1: expected an address of this machine", 2),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_line(options, words, code):
    done = subprocess.run([*COMMAND, *options], text=True, timeout=60, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert done.stdout == ""


def test_a_taken_port_is_refused_in_a_line(simulator):
    for port in (simulator.port, simulator.port - 1):  # its calls' port, and our streams' on its calls'
        options = ["--port", str(port)]
        done = subprocess.run(
            [*COMMAND, *options], text=True, timeout=60, capture_output=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 3
        assert "expected two free ports" in done.stderr
        assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_it_and_free_its_ports(number, code):
    with command("--port", "0", "--town", "Grid_07") as process:
        port = int(process.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port + 1)):
            process.send_signal(number)
            assert process.wait(60) == code
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", port))
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(("how", "code"), [("ctrl-c", 130), ("stdin", 0)])
def test_it_leaves_at_once_while_kernels_compile(how, code, tmp_path, scale):
    if scale == "test" and how != "ctrl-c":
        pytest.skip("one way to leave is enough here; the other is part of make soak")
    with command("--port", "0", "--stay-with-stdin", NUMBA_CACHE_DIR=str(tmp_path)) as process:
        for line in process.stderr:
            if "compiling" in line:
                break
        if how == "stdin":
            process.stdin.close()
            process.stdin = None
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(LEAVES_S) == code
        assert "Traceback" not in process.stderr.read()
        assert process.stdout.read() == ""
