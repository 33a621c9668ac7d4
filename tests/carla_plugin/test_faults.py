"""Each fault a user can meet ends `stream` in a clear line and an exit status, and the server is left as it was."""

import contextlib
import re
import signal
import socket
import threading

import msgpack
import pytest


@pytest.fixture
def stream(command):
    """Starts `stream` with a server's address, a trainer's endpoint and a scenario."""

    def start(address, endpoint, scenario, *more):
        return command("stream", scenario, "--server", address, "--to", endpoint, *more)

    return start


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_simulator(tiny, stream, ended):
    port = free_port()
    status, lines = ended(stream(f"127.0.0.1:{port}", "tcp://127.0.0.1:9", tiny))
    assert status == 3
    assert len(lines) == 1
    assert f"no simulator at 127.0.0.1:{port}: expected a CARLA 0.9.16 server" in lines[0]


@pytest.mark.parametrize("address", ["nonsense", "host:0", "host:99999", ":1", "a:b"])
def test_not_an_address(address, tiny, stream, ended):
    status, lines = ended(stream(address, "tcp://127.0.0.1:9", tiny))
    assert (status, len(lines)) == (2, 1)
    assert "expected HOST:PORT" in lines[0]


def test_broken_scenario(tmp_path, stream, ended):
    file = tmp_path / "bad.yaml"
    file.write_text("seed: 1\ntown: Grid_07\nappearances: [noon]\ntraffic:\n  carz: 3\n")
    status, lines = ended(stream("127.0.0.1:9", "tcp://127.0.0.1:9", str(file)))
    assert (status, len(lines)) == (2, 2)
    assert f"{file}:5: traffic.carz: unknown key" in lines[0]
    assert lines[1].strip() == "carz: 3"


@contextlib.contextmanager
def answering_version(version):
    """Serve CARLA's call `version` alone: msgpack-rpc, the answer wrapped as carla_wire section 2 says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        unpacker = msgpack.Unpacker()
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(4096):
                unpacker.feed(data)
                for message in unpacker:
                    if message[0] == 0:
                        connection.sendall(msgpack.packb([1, message[1], None, [[1, version]]]))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_another_version(tiny, stream, ended):
    with answering_version("0.9.15") as port:
        status, lines = ended(stream(f"127.0.0.1:{port}", "tcp://127.0.0.1:9", tiny))
    assert (status, len(lines)) == (3, 1)
    assert "expected CARLA 0.9.16, got 0.9.15" in lines[0]


def test_unknown_town(simulator, tiny, stream, ended):
    status, lines = ended(stream(simulator.address, "tcp://127.0.0.1:9", tiny, "--town", "Atlantis"))
    assert (status, len(lines)) == (2, 1)
    assert "town Atlantis: expected a map of the simulator" in lines[0]


def test_no_trainer(simulator, tiny, stream, ended, found):
    before = found(simulator)
    port = free_port()
    process = stream(simulator.address, f"tcp://127.0.0.1:{port}", tiny, "--patience", "0.5")
    status, lines = ended(process)
    assert (status, len(lines)) == (3, 1)
    assert f"no trainer at tcp://127.0.0.1:{port}" in lines[0]
    assert found(simulator) == before


@pytest.mark.parametrize("bundles_before", [0, 1])
def test_simulator_killed(request, scale, trainer, tiny, bundles_before, stream, ended):
    if bundles_before and scale == "test":
        pytest.skip("test_recovery kills in mid-stream, too; part of make soak")
    own_simulator = request.getfixturevalue("own_simulator")
    process = stream(own_simulator.address, trainer.endpoint, tiny, "--bundles", "1000", "--wait", "0")
    trainer.pump(lambda t: t.consumer.producers and len(t.bundles) >= bundles_before)
    own_simulator.kill()
    status, lines = ended(process)
    assert status == 3
    assert len(lines) <= 2, lines
    assert re.search(r"simulator at 127.0.0.1:\d+", lines[-1])


def test_simulator_hangs(request, scale, trainer, tiny, stream, ended):
    if scale == "test":
        pytest.skip("waits out the wheel's 20 s; part of make soak")
    own_simulator = request.getfixturevalue("own_simulator")
    process = stream(own_simulator.address, trainer.endpoint, tiny, "--bundles", "1000", "--wait", "0")
    trainer.pump(lambda t: t.bundles)
    own_simulator.process.send_signal(signal.SIGSTOP)
    status, lines = ended(process)
    assert (status, len(lines)) == (3, 1)
    assert f"simulator at {own_simulator.address}" in lines[0]


def test_trainer_killed(simulator, trainer, tiny, stream, ended, found):
    before = found(simulator)
    process = stream(simulator.address, trainer.endpoint, tiny, "--bundles", "1000", "--patience", "1")
    trainer.pump(lambda t: t.bundles)
    trainer.socket.close(linger=0)
    status, lines = ended(process)
    assert (status, len(lines)) == (3, 1)
    assert "no word for 1 s; is it still running?" in lines[0]
    assert found(simulator) == before


def test_end_of_standard_input(simulator, trainer, tiny, stream, ended, found):
    before = found(simulator)
    process = stream(simulator.address, trainer.endpoint, tiny, "--bundles", "1000", "--stay-with-stdin")
    trainer.pump(lambda t: t.bundles)
    process.stdin.close()
    process.stdin = None
    status, _ = ended(process)
    assert status == 143
    assert found(simulator) == before
