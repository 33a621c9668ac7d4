"""The receiver against good, hostile, broken and silent producers, over real sockets."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest
import zmq

from harness import BundleStream, receiver
from harness.receiver import StreamError
from protocols.bundle import encode_bundle
from protocols.errors import InputError
from protocols.flow import Producer, envelope, open_envelope

SIZE = 1 << 16


@pytest.fixture
def stream():
    with BundleStream("tcp://127.0.0.1:*", slots=4, max_bundle_bytes=SIZE, patience_s=20) as stream:
        yield stream


class Peer:
    """A producer's socket under the test's own hand."""

    def __init__(self, endpoint: str, session: str = "s", size: int = SIZE) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.set(zmq.RCVTIMEO, 10_000)
        self.socket.connect(endpoint)
        self.producer = Producer("peer@1", session, size)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def say(self, message) -> None:
        self.socket.send_multipart(message)

    def hear(self) -> str:
        return self.producer.receive(self.socket.recv_multipart())

    def greet(self) -> None:
        self.say(self.producer.hello())
        assert self.hear() == "welcome"

    def refusal(self) -> str:
        while True:
            values = open_envelope(self.socket.recv())
            if values["kind"] == "refused":
                return values["reason"]


def same(got, expected) -> bool:
    return np.array_equal(got.images, expected.images) and np.array_equal(got.mask, expected.mask)


def test_every_bundle_once_whole_and_in_order(stream, fake_plugin, bundle):
    fake_plugin(stream.endpoint, size=SIZE)
    for index, got in zip(range(40), stream, strict=False):
        assert got.header.index == index
        assert same(got, bundle(index))
    assert stream.stats().faults == stream.stats().duplicates == 0


def test_iterated_bundles_are_the_callers_own(stream, fake_plugin, bundle):
    fake_plugin(stream.endpoint, size=SIZE)
    kept = [got for _, got in zip(range(20), stream, strict=False)]
    assert all(same(got, bundle(index)) for index, got in enumerate(kept))


def test_slow_trainer_bounds_what_is_sent(stream, fake_plugin):
    plugin = fake_plugin(stream.endpoint, size=SIZE)
    taken = [stream.take() for _ in range(4)]  # all slots are out: no credit is left
    assert plugin.sent <= 4
    for slot in taken[:2]:
        stream.give_back(slot.memory)
    stream.give_back(stream.take().memory)
    assert plugin.sent <= 7


def test_memory_given_back_may_be_other_memory(stream, fake_plugin, bundle):
    fake_plugin(stream.endpoint, size=SIZE)
    kept = []
    for _ in range(12):
        slot = stream.take()
        kept.append(slot)
        stream.give_back(np.zeros(SIZE, np.uint8))
    assert all(same(slot.bundle, bundle(index)) for index, slot in enumerate(kept))
    with pytest.raises(ValueError, match="expected uint8"):
        stream.give_back(np.zeros(3, np.uint8))


def test_what_is_sent_again_is_dropped(stream, bundle):
    with Peer(stream.endpoint) as peer:
        peer.greet()
        first = peer.producer.send(0, encode_bundle(bundle(0)))
        peer.say(first)
        peer.say(first)
        peer.say(peer.producer.send(1, encode_bundle(bundle(1))))
        for index in range(2):
            slot = stream.take()
            assert slot.bundle.header.index == index
            stream.give_back(slot.memory)
        assert stream.stats().duplicates == 1
        assert stream.stats().bundles == 2


def spoil_nothing(frames):
    return frames


def cut_plane(frames):
    frames[2] = bytes(frames[2])[:-1]
    return frames


def stretch_plane(frames):
    frames[2] = bytes(frames[2]) + b"x"
    return frames


def drop_plane(frames):
    return frames[:-1]


def add_plane(frames):
    return [*frames, b"surplus"]


def spoil_header(frames):
    frames[1] = b"\x93nonsense"
    return frames


def stretch_header(frames):
    frames[1] = bytes(70_000)
    return frames


def drop_all(frames):
    return frames[:1]


@pytest.mark.parametrize(
    "spoil", [cut_plane, stretch_plane, drop_plane, add_plane, spoil_header, stretch_header, drop_all]
)
def test_broken_bundle_is_refused_and_a_good_producer_served(stream, fake_plugin, bundle, spoil):
    with Peer(stream.endpoint) as peer:
        peer.greet()
        peer.say(spoil(peer.producer.send(0, encode_bundle(bundle(0)))))
        assert peer.refusal()
        assert stream.stats().faults == 1
        fake_plugin(stream.endpoint, size=SIZE)
        for index, got in zip(range(8), stream, strict=False):
            assert same(got, bundle(index))


@pytest.mark.parametrize(
    "message",
    [
        [b""],
        [b"garbage"],
        [bytes(70_000)],
        [envelope("nonsense")],
        [envelope("bundle", sequence=3, session="s"), b"x", b"y"],
        [envelope("bundle", sequence=-1, session="s")],
        [b""] * 2000,
    ],
)
def test_nonsense_hurts_nobody(stream, fake_plugin, bundle, message):
    with Peer(stream.endpoint) as peer:
        peer.greet()
        peer.say(message)
        assert peer.refusal()  # it has been heard before anything else comes
        fake_plugin(stream.endpoint, size=SIZE)
        for index, got in zip(range(6), stream, strict=False):
            assert same(got, bundle(index))
        assert stream.stats().faults == 1


def test_nonsense_before_hello_hurts_nobody(stream, fake_plugin, bundle):
    with Peer(stream.endpoint) as peer:
        peer.say([envelope("bundle", sequence=0, session="s"), b"x"])
        peer.say([envelope("heartbeat"), b"unasked"])
        fake_plugin(stream.endpoint, size=SIZE)
        assert same(next(iter(stream)), bundle(0))


def test_too_large_a_bundle_is_refused_in_words(stream):
    with Peer(stream.endpoint, size=SIZE + 1) as peer:
        peer.say(peer.producer.hello())
        assert str(SIZE) in peer.refusal()


def test_another_version_is_refused_in_words(stream):
    with Peer(stream.endpoint) as peer:
        peer.say([envelope("hello", major=99, producer="x", session="x", held=[], max_bundle_bytes=1)])
        assert "99" in peer.refusal()


def test_two_producers_share(stream, fake_plugin):
    fake_plugin(stream.endpoint, size=SIZE, name="a@1")
    fake_plugin(stream.endpoint, size=SIZE, name="b@2")
    got = [one.header.index for _, one in zip(range(60), stream, strict=False)]
    assert len(set(got)) == 60
    assert set(got) >= set(range(50))
    assert set(stream.stats().producer_age_s) == {"a@1", "b@2"}


def test_no_producer_is_an_error_that_says_what_to_do():
    with (
        BundleStream("tcp://127.0.0.1:*", patience_s=0.2, max_bundle_bytes=SIZE) as stream,
        pytest.raises(StreamError, match=r"no producer at tcp://127.0.0.1:\d+ .*carla-plugin stream"),
    ):
        stream.take()


def test_silent_producer_is_named():
    with (
        BundleStream("tcp://127.0.0.1:*", patience_s=0.3, first_patience_s=20, max_bundle_bytes=SIZE) as stream,
        Peer(stream.endpoint) as peer,
    ):
        peer.greet()
        with pytest.raises(StreamError, match="producer peer@1: no word"):
            stream.take()


def test_a_stall_names_who_is_to_make_the_missing_bundle(monkeypatch, bundle):
    """Two producers share the credits; the one that has the lowest index does nothing until the trainer is told."""
    monkeypatch.setattr(receiver, "STALL_S", 0.1)
    said = []
    with (
        BundleStream("tcp://127.0.0.1:*", slots=2, max_bundle_bytes=SIZE, patience_s=20, ordered=True) as stream,
        Peer(stream.endpoint, session="lazy") as lazy,
        Peer(stream.endpoint, session="busy") as busy,
    ):

        def warn(words):
            said.append(words)
            lazy.say(lazy.producer.send(0, encode_bundle(bundle(0))))

        stream.warn = warn
        busy.producer.producer = "busy@2"
        lazy.greet()
        busy.greet()
        assert lazy.hear() == "revoked"
        while busy.producer.next_wanted() is None:
            busy.hear()
        busy.say(busy.producer.send(1, encode_bundle(bundle(1))))
        assert [stream.take().bundle.header.index for _ in range(2)] == [0, 1]
    assert len(said) == 1
    assert re.fullmatch(
        r"waiting for bundle 0 for \d+ s: producer peer@1 \(last word \d+ s ago, to make \[0\]\)", said[0]
    )


def test_watch_ends_a_wait(stream):
    class GoneError(Exception):
        pass

    def watch():
        raise GoneError

    stream.watch = watch
    with pytest.raises(GoneError):
        stream.take()


def test_close_tells_producers_and_leaves_nothing(fake_plugin):
    before = threading.active_count()
    stream = BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE)
    endpoint = stream.endpoint
    with Peer(endpoint) as peer:
        peer.greet()
        stream.close()
        stream.close()
        while peer.hear() != "stop":
            pass
    assert threading.active_count() == before
    with BundleStream(endpoint, max_bundle_bytes=SIZE) as again:
        assert again.endpoint == endpoint
        with pytest.raises(InputError, match="free here"):
            BundleStream(endpoint, max_bundle_bytes=SIZE)
    with pytest.raises(StreamError, match="closed"):
        stream.take()


def test_stop_is_told_to_all_and_the_stream_stays_open(stream, fake_plugin, bundle):
    with Peer(stream.endpoint) as early, Peer(stream.endpoint, session="late") as late:
        early.greet()
        stream.stop()
        stream.stop()
        assert early.hear() == "stop"
        early.say(early.producer.heartbeat())
        assert early.hear() == "heartbeat"
        late.greet()
        assert late.hear() == "stop"


def test_ipc_leaves_no_file(tmp_path, fake_plugin, bundle):
    path = tmp_path / "socket"
    with BundleStream(f"ipc://{path}", max_bundle_bytes=SIZE) as stream:
        fake_plugin(stream.endpoint, size=SIZE)
        assert same(next(iter(stream)), bundle(0))
    assert not path.exists()


class Reading:
    """What a `torch.cuda.Event` looks like to the receiver."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def query(self) -> bool:
        return self.done.is_set()

    def synchronize(self) -> None:
        self.done.set()


def test_a_slot_is_free_only_when_nothing_reads_it_any_more(stream, fake_plugin):
    plugin = fake_plugin(stream.endpoint, size=SIZE)
    readings = [Reading() for _ in range(4)]
    for reading in readings:
        slot = stream.take()
        stream.give_back(slot.memory, after=reading)
    with Peer(stream.endpoint, session="other") as peer:
        peer.greet()  # the receiver has heard of all that was given back
        peer.say(peer.producer.heartbeat())
        while peer.hear() != "heartbeat":
            pass
        assert plugin.sent == 4
        assert peer.producer.credits == 0
    readings[2].synchronize()
    assert stream.take().bundle.header.index == 4


def test_pinning_needs_a_gpu():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        with BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE, pin=True, shared=True, reserve=2) as stream:
            assert torch.from_numpy(stream.reserved[0]).is_pinned()
    else:
        with pytest.raises(InputError, match="expected a CUDA GPU"):
            BundleStream("tcp://127.0.0.1:*", max_bundle_bytes=SIZE, pin=True)
