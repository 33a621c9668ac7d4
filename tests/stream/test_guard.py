"""The guard: keys, and who is heard without one."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from carla_plugin.monitor import Monitor
from carla_plugin.preview import Viewer
from carla_plugin.publisher import Publisher
from harness import BundleStream
from harness.keys import make_keys
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.errors import InputError

SIZE = 1 << 14
FAILED = {
    zmq.Event.HANDSHAKE_FAILED_AUTH: "refused by the allow-list",
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL: "not spoken",
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL: "broken off",
    zmq.Event.DISCONNECTED: "broken off",
}


def made(index: int) -> Bundle:
    mask = np.full((8, 8), index % 29, np.uint8)
    images = np.full((2, 8, 8, 3), index % 256, np.uint8)
    return Bundle(BundleHeader("s", 1, 0, index, "T", ("a", "b"), 8, 8, 0, mask_hash(mask)), images, mask)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, ["plugin"])
    make_keys(folder / "strangers", ["plugin"])
    return folder


@pytest.fixture
def stream(keys):
    with BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE, keys=keys / "trainer", patience_s=60) as stream:
        yield stream


def publish(endpoint: str, keys, count: int) -> threading.Thread:
    publisher = Publisher(endpoint, "good@1", SIZE, keys=keys)

    def work() -> None:
        while (index := publisher.next_wanted()) is not None and index < count:
            publisher.put(made(index))
        publisher.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def refusal(endpoint: str, prepare) -> str:
    """Connect as `prepare` sets it up, and return how the handshake ended."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.set(zmq.LINGER, 0)
        prepare(dealer)
        events = dealer.get_monitor_socket(sum({*FAILED, zmq.Event.HANDSHAKE_SUCCEEDED}))
        dealer.connect(endpoint)
        assert events.poll(30_000), "the handshake neither succeeded nor failed"
        event = recv_monitor_message(events)["event"]
        dealer.disable_monitor()
        events.close()
        return FAILED.get(event, "let in")


def test_who_has_a_key_is_heard(stream, keys):
    thread = publish(stream.endpoint, keys / "plugin", 10)
    for index, bundle in zip(range(10), stream, strict=False):
        assert np.array_equal(bundle.images, made(index).images)
    stream.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_who_has_none_is_refused_and_the_good_served(stream, keys):
    def nothing(dealer) -> None:
        pass

    def unknown_key(dealer) -> None:
        public, secret = zmq.curve_keypair()
        server, _ = zmq.auth.load_certificate(keys / "plugin" / "peers" / "trainer.key")
        dealer.set(zmq.CURVE_PUBLICKEY, public)
        dealer.set(zmq.CURVE_SECRETKEY, secret)
        dealer.set(zmq.CURVE_SERVERKEY, server)

    def wrong_server_key(dealer) -> None:
        unknown_key(dealer)
        public, secret = zmq.auth.load_certificate(keys / "plugin" / "own.key_secret")
        server, _ = zmq.auth.load_certificate(keys / "strangers" / "plugin" / "peers" / "trainer.key")
        dealer.set(zmq.CURVE_PUBLICKEY, public)
        dealer.set(zmq.CURVE_SECRETKEY, secret)
        dealer.set(zmq.CURVE_SERVERKEY, server)

    def known_key(dealer) -> None:
        unknown_key(dealer)
        public, secret = zmq.auth.load_certificate(keys / "plugin" / "own.key_secret")
        dealer.set(zmq.CURVE_PUBLICKEY, public)
        dealer.set(zmq.CURVE_SECRETKEY, secret)

    for stranger in (nothing, unknown_key, wrong_server_key):
        assert refusal(stream.endpoint, stranger) != "let in", stranger.__name__
    assert refusal(stream.endpoint, unknown_key) == "refused by the allow-list"
    assert refusal(stream.endpoint, known_key) == "let in"
    thread = publish(stream.endpoint, keys / "plugin", 500)  # it is still there after five
    assert [bundle.header.index for _, bundle in zip(range(5), stream, strict=False)] == list(range(5))
    assert set(stream.stats().producer_age_s) == {"good@1"}
    stream.stop()
    thread.join(30)


def test_addresses_that_others_can_reach_need_keys(keys):
    with pytest.raises(InputError, match="this machine only"):
        BundleStream("tcp://0.0.0.0:*", max_bundle_bytes=SIZE)
    with BundleStream("tcp://0.0.0.0:*", max_bundle_bytes=SIZE, keys=keys / "trainer") as stream:
        assert stream.endpoint.startswith("tcp://0.0.0.0:")
    with pytest.raises(InputError, match="this machine only"):
        Monitor("tcp://0.0.0.0:*")
    monitor = Monitor("tcp://0.0.0.0:*", keys=keys / "plugin")
    monitor.close()


def test_a_viewer_with_a_key_sees_what_one_without_does_not(keys):
    monitor = Monitor("tcp://127.0.0.1:*", keys=keys / "plugin")
    monitor.put(made(3))
    friend, stranger = Viewer(monitor.endpoint, str(keys / "trainer")), Viewer(monitor.endpoint)
    try:
        while not friend.poll(200):
            pass
        assert np.array_equal(friend.newest.bundle.images, made(3).images)
        assert not stranger.poll(0)
        assert stranger.newest.heard is None
    finally:
        for each in (friend, stranger, monitor):
            each.close()


@pytest.mark.parametrize("command", [["simulate", "--host", "0.0.0.0"], ["simulate", "--host", "*"]])
def test_the_simulator_is_for_this_machine(command):
    done = subprocess.run([sys.executable, "-m", "carla_plugin.cli", *command], capture_output=True, text=True)
    assert done.returncode == 2
    assert "this machine only" in done.stderr


def test_no_keys_where_they_are_expected(tmp_path, keys):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=r"expected own.key_secret.*carla-harness keys"):
            BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE, keys=folder)
        with pytest.raises(InputError, match=r"expected own.key_secret.*carla-harness keys"):
            Publisher("tcp://127.0.0.1:1", "p", SIZE, keys=folder)


def test_keys_are_made_once_and_are_nobody_elses(tmp_path):
    command = [sys.executable, "-m", "harness.cli", "keys", str(tmp_path / "k")]
    first = subprocess.run([*command, "--plugin", "gpu-1"], capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    secret = tmp_path / "k" / "trainer" / "own.key_secret"
    before = secret.read_text()
    second = subprocess.run([*command, "--plugin", "gpu-1", "gpu-2"], capture_output=True, text=True)
    assert second.returncode == 0, second.stderr
    assert secret.read_text() == before
    assert sorted(path.name for path in (tmp_path / "k" / "trainer" / "peers").iterdir()) == ["gpu-1.key", "gpu-2.key"]
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    third = subprocess.run([*command, "--plugin", "../x"], capture_output=True, text=True)
    assert third.returncode == 2
    assert "expected a plugin's name" in third.stderr
