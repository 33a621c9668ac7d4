"""Hostile input over real sockets: no crash, no hang, no growth, and a good producer is served all the while."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import zmq

from harness import BundleStream
from harness.memory import resident_mb
from protocols.bundle import Bundle, BundleHeader, decode_bundle, encode_bundle, mask_hash
from protocols.errors import RefusedError, RemoteProtocolError
from protocols.flow import Producer, envelope

SIZE = 1 << 14
H, W = 24, 32
COUNTS = {"test": 3_000, "soak": 200_000}
GROWTH_MB = 40


def made(index: int, scenario: str = "good") -> Bundle:
    """Return the one bundle of an index; a hostile one is black."""
    dice = np.random.default_rng(index)
    images = dice.integers(1, 256, (2, H, W, 3), dtype=np.uint8)
    mask = dice.integers(0, 29, (H, W), dtype=np.uint8)
    if scenario != "good":
        images[:], mask[:] = 0, 0
    header = BundleHeader(scenario, 1, 0, index, "Grid_01", ("noon", "night"), H, W, index, mask_hash(mask))
    return Bundle(header, images, mask)


class GoodPlugin:
    """A producer that plays by the rules, in a thread of its own; refused or not, it goes on."""

    def __init__(self, endpoint: str) -> None:
        self.sent = 0
        self.error: Exception | None = None
        self._endpoint = endpoint
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.connect(self._endpoint)
            dealer.set(zmq.LINGER, 0)
            producer = Producer("good@1", "good session", SIZE)
            dealer.send_multipart(producer.hello())
            try:
                while not self._leave.is_set():
                    if not dealer.poll(200):
                        dealer.send_multipart(producer.heartbeat())
                        continue
                    if producer.receive(dealer.recv_multipart()) == "again":
                        dealer.send_multipart(producer.hello())
                    while (again := producer.resend()) is not None:
                        dealer.send_multipart(again)
                    while (index := producer.next_wanted()) is not None:
                        dealer.send_multipart(producer.send(index, encode_bundle(made(index))))
                        self.sent += 1
            except Exception as error:
                self.error = error

    def close(self) -> None:
        self._leave.set()
        self._thread.join()


class Taker:
    """Takes bundles as fast as they come, and checks each."""

    def __init__(self, stream: BundleStream) -> None:
        self.good = self.black = 0
        self.error: Exception | None = None
        self.change = threading.Condition()
        self._stream = stream
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for bundle in self._stream:
                if self._leave.is_set():
                    return
                expected = made(bundle.header.index)
                with self.change:
                    if np.array_equal(bundle.images, expected.images) and np.array_equal(bundle.mask, expected.mask):
                        self.good += 1
                    else:  # of a hostile one that was let in: all but a few flipped bits are black, or alike
                        other = bundle.mask != np.median(bundle.mask)  # one bit of a packed mask may change all of it
                        assert np.count_nonzero(bundle.images) + np.count_nonzero(other) < 10, bundle.header
                        self.black += 1
                    self.change.notify_all()
        except Exception as error:
            with self.change:
                self.error = error
                self.change.notify_all()

    def wait_for(self, more: int) -> None:
        """Wait until so many more bundles of the good producer have come."""
        with self.change:
            wanted = self.good + more
            came = self.change.wait_for(lambda: self.good >= wanted or self.error is not None, timeout=60)
            assert self.error is None, self.error
            assert came, "the good producer is no longer served"

    def close(self) -> None:
        self._leave.set()
        self._stream.close()
        self._thread.join()


def mutate(dice: random.Random, frames: list[bytes]) -> list[bytes]:
    """Spoil a message in one to three ways."""
    frames = [bytes(frame) for frame in frames]
    for _ in range(dice.randint(1, 3)):
        which = dice.randrange(len(frames)) if frames else 0
        how = dice.randrange(8)
        if not frames or how == 0:
            frames.insert(which, dice.randbytes(dice.choice((0, 1, 7, 300, 70_000 if dice.random() < 0.1 else 40))))
        elif how == 1:
            del frames[which]
        elif how == 2:
            frames[which] = frames[which][: dice.randint(0, len(frames[which]))]
        elif how == 3:
            frames[which] += dice.randbytes(dice.randint(1, 9))
        elif how == 4:
            frames.insert(dice.randrange(len(frames) + 1), frames[which])
        elif how == 5:
            dice.shuffle(frames)
        elif frames[which]:  # most often: a flip in the small frames, where the meaning is
            small = [number for number, frame in enumerate(frames) if 0 < len(frame) < 600] or [which]
            which = dice.choice(small)
            spoiled = bytearray(frames[which])
            spoiled[dice.randrange(len(spoiled))] ^= 1 << dice.randrange(8)
            frames[which] = bytes(spoiled)
    return frames or [b""]


def legal(dice: random.Random, producer: Producer) -> list[bytes]:
    """Return a message that the peer might send, with what it was really given if it was."""
    index = producer.next_wanted()
    sequence = producer.credit(index).sequence if index is not None else dice.randrange(50)
    black = encode_bundle(made(index or 0, "hostile"), mask_codec=dice.choice(("raw", "zstd")))
    values = {"sequence": sequence, "index": index or 0}
    return dice.choice(
        [
            producer.hello(),
            [envelope("bundle", **values), *black],
            [envelope("bundle", **values, slot=dice.randrange(4)), black[0]],
            [envelope("dropped", **values, cause="mask")],
            [envelope("heartbeat")],
            [envelope("goodbye")],
        ]
    )


@pytest.fixture
def served() -> Iterator[tuple[BundleStream, Taker, GoodPlugin]]:
    stream = BundleStream("tcp://127.0.0.1:*", slots=6, max_bundle_bytes=SIZE, patience_s=120)
    plugin, taker = GoodPlugin(stream.endpoint), Taker(stream)
    yield stream, taker, plugin
    plugin.close()
    taker.close()


def test_mutated_messages(served, scale):
    stream, taker, plugin = served
    dice = random.Random(20)
    taker.wait_for(20)
    before = 0.0
    with zmq.Context() as context:
        dealer = context.socket(zmq.DEALER)
        for number in range(5 * COUNTS[scale]):
            if number >= COUNTS[scale] and taker.black:
                break
            if number % 50 == 0:
                taker.wait_for(1)  # it is served, and keeps pace with what is sent
                dealer.close(linger=0)
                dealer = context.socket(zmq.DEALER)
                dealer.connect(stream.endpoint)
                producer = Producer("bad@1", dice.choice(("bad", "worse")), SIZE)
                dealer.send_multipart(producer.hello())
                dealer.poll(5_000)  # it is welcomed, and given credits
            while dealer.poll(0):
                try:
                    producer.receive(dealer.recv_multipart())
                except (RefusedError, RemoteProtocolError):
                    producer = Producer("bad@1", "bad", SIZE)
            message = [bytes(frame) for frame in legal(dice, producer)]
            dealer.send_multipart(message if dice.random() < 0.1 else mutate(dice, message))
            if number == COUNTS[scale] // 3:
                before = resident_mb(os.getpid())
        dealer.close(linger=0)
        taker.wait_for(100)
    grown = resident_mb(os.getpid()) - before
    assert grown < GROWTH_MB, f"memory grew by {grown:.0f} MB"
    assert plugin.error is None, plugin.error
    stats = stream.stats()
    assert stats.faults > COUNTS[scale] // 4, "hardly anything was refused: the test is blunt"
    assert taker.black, "no hostile bundle ever had a credit: the test is blunt"
    print(f"{COUNTS[scale]} messages: {stats.faults} refused, {taker.black} black and {taker.good} good bundles")


def test_bytes_that_are_no_zeromq(served, scale):
    stream, taker, plugin = served
    dice = random.Random(21)
    port = int(stream.endpoint.rpartition(":")[2])
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    for number in range({"test": 200, "soak": 5000}[scale]):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(dice.choice((b"GET / HTTP/1.1\r\n\r\n", dice.randbytes(100), greeting + dice.randbytes(300))))
        if number % 20 == 0:
            taker.wait_for(1)
    taker.wait_for(50)
    assert plugin.error is None


def test_mutated_bundles_never_change_shape_or_length(scale):
    dice = random.Random(22)
    frames = [bytes(frame) for frame in encode_bundle(made(3), mask_codec="zstd")]
    read = 0
    for _ in range({"test": 3000, "soak": 100_000}[scale]):
        try:
            got = decode_bundle(mutate(dice, frames))
        except RemoteProtocolError:
            continue
        read += 1
        header = got.header
        assert got.images.shape == (len(header.appearances), header.height, header.width, 3)
        assert got.mask.shape == (header.height, header.width)
        assert got.images.nbytes + got.mask.nbytes == 2 * H * W * 3 + H * W
    assert read, "no mutation was read: the test is blunt"
