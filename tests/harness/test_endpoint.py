"""Which addresses a trainer may bind."""

import socket
from pathlib import Path

import pytest

from harness import BundleStream
from harness.endpoint import check_endpoint, local_endpoint
from protocols.errors import InputError


@pytest.mark.parametrize(
    "endpoint", ["tcp://127.0.0.1:5555", "tcp://localhost:*", "tcp://[::1]:80", "local", "ipc:///nowhere/x"]
)
def test_this_machine_is_allowed(endpoint):
    check_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://192.168.1.1:5555", "tcp://example.org:1", "tcp://[::]:5"),
        *("tcp://127.0.0.1:0", "tcp://127.0.0.1:70000", "tcp://127.0.0.1", "udp://127.0.0.1:5", "5555", "", "ipc://"),
    ],
)
def test_all_else_is_refused(endpoint):
    with pytest.raises(InputError, match="expected"):
        check_endpoint(endpoint)


def test_stale_socket_is_removed_a_living_one_and_a_file_are_not(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(InputError, match="another trainer"):
            check_endpoint(f"ipc://{path}")
    assert path.exists()
    check_endpoint(f"ipc://{path}")
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(InputError, match="socket"):
        check_endpoint(f"ipc://{path}")
    assert path.read_text() == "precious"


def test_local_is_a_folder_of_ones_own_and_stale_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stale = tmp_path / "manyskies-killed" / "bundles"
    stale.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    with BundleStream("local", max_bundle_bytes=1000) as stream:
        assert not stale.parent.exists()
        path = Path(stream.endpoint.removeprefix("ipc://"))
        assert path.is_socket()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        with BundleStream("local", max_bundle_bytes=1000) as other:
            assert other.endpoint != stream.endpoint
            assert path.is_socket()
    assert list(tmp_path.iterdir()) == []
    assert local_endpoint(ipc=False) == "tcp://127.0.0.1:*"
