"""The flow: credit bounds what is under way, and each bundle arrives exactly once whatever is cut."""

import contextlib
import random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RefusedError, RemoteProtocolError
from protocols.flow import Consumer, Producer, envelope, open_envelope


def connect(consumer: Consumer, producer: Producer, peer: bytes = b"a") -> None:
    replies, delivery = consumer.receive(peer, producer.hello()[0])
    assert delivery is None
    for reply in replies:
        if reply.peer == peer:
            producer.receive(reply.message)


def test_credit_is_what_may_be_sent():
    consumer, producer = Consumer("run", slots=3, max_bundle_bytes=10), Producer("town", "s", 10)
    assert not producer.ready
    connect(consumer, producer)
    for index in range(3):
        message = producer.send([b"header", b"12345"])
        replies, delivery = consumer.receive(b"a", message[0])
        assert (replies, delivery.sequence) == ([], index)
        for reply in consumer.stored(index):
            producer.receive(reply.message)
    assert producer.credits == producer.pending == 0
    assert not producer.ready
    with pytest.raises(LocalProtocolError):
        producer.send([b"header", b"12345"])
    for reply in consumer.freed(2):
        producer.receive(reply.message)
    assert producer.credits == 2


def test_a_bundle_larger_than_announced_is_not_sent():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 4)
    connect(consumer, producer)
    with pytest.raises(LocalProtocolError, match="at most 4 bytes, got 5"):
        producer.send([b"header", b"12345"])


def test_a_producer_with_too_large_bundles_is_refused_in_words():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 11)
    replies, _ = consumer.receive(b"a", producer.hello()[0])
    with pytest.raises(RefusedError, match="slots here hold 10"):
        producer.receive(replies[0].message)
    assert consumer.producers == {}


def test_another_version_is_refused_in_words():
    replies, _ = Consumer("run", 1, 10).receive(b"a", envelope("hello", version=9))
    with pytest.raises(RefusedError, match="not 9"):
        Producer("town", "s", 1).receive(replies[0].message)


def test_a_peer_whose_second_hello_is_refused_gives_its_credits_back():
    consumer, first, other = Consumer("run", 2, 10), Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first)
    connect(consumer, other, b"b")
    assert (first.credits, other.credits) == (2, 0)
    replies, _ = consumer.receive(b"a", Producer("one", "3", 99).hello()[0])
    assert [reply.peer for reply in replies] == [b"b", b"a"]
    other.receive(replies[0].message)
    assert other.credits == 2


def test_an_unknown_peer_is_asked_to_say_hello():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 10)
    replies, delivery = consumer.receive(b"a", envelope("bundle", session="s", sequence=0))
    assert delivery is None
    assert producer.receive(replies[0].message) == "again"


def test_credits_of_a_lost_producer_go_to_the_others():
    consumer = Consumer("run", 4, 10)
    first, second = Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first, b"a")
    connect(consumer, second, b"b")
    assert (first.credits, second.credits) == (4, 0)
    for reply in consumer.lost(b"a"):
        assert reply.peer == b"b"
        second.receive(reply.message)
    assert second.credits == 4
    assert consumer.promised == 4


def test_stop_reaches_those_who_come_later():
    consumer, producer = Consumer("run", 4, 10), Producer("one", "1", 10)
    consumer.stop()
    connect(consumer, producer)
    assert producer.stopped
    assert not producer.ready


def test_bundles_without_credit_or_out_of_order_are_refused():
    consumer, producer = Consumer("run", 1, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    with pytest.raises(RemoteProtocolError, match="expected bundle 0, got number 5"):
        consumer.receive(b"a", envelope("bundle", session="1", sequence=5))
    message = producer.send([b"h"])
    consumer.receive(b"a", message[0])
    consumer.stored(0)
    with pytest.raises(RemoteProtocolError, match="without a credit"):
        consumer.receive(b"a", envelope("bundle", session="1", sequence=1))


def test_a_rejected_bundle_turns_its_producer_away_and_frees_the_slot():
    consumer, producer = Consumer("run", 1, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    consumer.receive(b"a", producer.send([b"h"])[0])
    replies = consumer.rejected("plane 1: expected 5 bytes, got 4")
    with pytest.raises(RefusedError, match="plane 1"):
        producer.receive(replies[-1].message)
    other = Producer("two", "2", 10)
    connect(consumer, other, b"b")
    assert other.credits == 1


@settings(max_examples=300, deadline=None)
@given(junk=st.binary(max_size=200))
def test_any_bytes_are_refused_or_answered(junk):
    consumer, producer = Consumer("run", 2, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    for act in (
        lambda: consumer.receive(b"a", junk),
        lambda: consumer.receive(b"?", junk),
        lambda: producer.receive([junk]),
    ):
        with contextlib.suppress(RemoteProtocolError, RefusedError):
            act()


@settings(max_examples=100, deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from(["kind", "version", "producer", "session", "sequence", "first_sequence", "max_bundle_bytes"]),
        st.one_of(
            st.integers(-(2**63), 2**64 - 1),
            st.sampled_from(["hello", "bundle", "goodbye", "welcome", "ack", "credit", "s"]),
            st.none(),
            st.lists(st.integers(0, 9), max_size=2),
        ),
    )
)
def test_any_envelope_is_refused_or_answered(values):
    consumer, producer = Consumer("run", 2, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    frame = msgpack.packb(values)
    for act in (lambda: consumer.receive(b"a", frame), lambda: producer.receive([frame])):
        with contextlib.suppress(RemoteProtocolError, RefusedError):
            act()


class Wire:
    """Two queues between producers and one consumer, that can be cut: what is under way is then lost."""

    def __init__(self, seed: int, producers: int, slots: int) -> None:
        self.random = random.Random(seed)
        self.consumer = Consumer("run", slots, 100)
        self.producers = {f"{i}".encode(): Producer(f"town {i}", f"session {i}", 100) for i in range(producers)}
        self.up: dict[bytes, list] = {peer: [] for peer in self.producers}
        self.down: dict[bytes, list] = {peer: [] for peer in self.producers}
        self.made = dict.fromkeys(self.producers, 0)
        self.got: dict[bytes, list[int]] = {peer: [] for peer in self.producers}
        self.slots, self.full = slots, 0
        for peer in self.producers:
            self.hello(peer)

    def hello(self, peer: bytes) -> None:
        self.up[peer].append(self.producers[peer].hello())

    def post(self, replies) -> None:
        for reply in replies:
            self.down[reply.peer].append(reply.message)

    def cut(self, peer: bytes) -> None:
        """Lose all that is under way, as a broken connection does; both ends see it."""
        self.up[peer].clear()
        self.down[peer].clear()
        self.post(self.consumer.lost(peer))
        self.down[peer].clear()
        self.hello(peer)

    def step(self, wanted: int, may_cut: bool) -> None:
        peer = self.random.choice(list(self.producers))
        producer = self.producers[peer]
        what = self.random.random()
        if may_cut and what < 0.03:
            self.cut(peer)
        elif what < 0.4:
            again = producer.resend()
            if again is not None:
                self.up[peer].append(again)
            elif producer.ready and self.made[peer] < wanted:
                self.up[peer].append(producer.send([b"header", bytes([self.made[peer]])]))
                self.made[peer] += 1
            elif producer.ready and not producer.pending:  # done: let the others have the credits
                self.up[peer].append(producer.goodbye())
        elif what < 0.7 and self.up[peer]:
            message = self.up[peer].pop(0)
            replies, delivery = self.consumer.receive(peer, message[0])
            self.post(replies)
            if delivery is not None:
                assert self.full < self.slots, "more under way than there are slots"
                self.full += 1
                self.got[peer].append(message[2][0])
                self.post(self.consumer.stored(message[2][0]))
        elif what < 0.9 and self.down[peer]:
            if producer.receive(self.down[peer].pop(0)) == "again":
                self.hello(peer)
        elif self.full:
            self.full -= 1
            self.post(self.consumer.freed())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), producers=st.integers(1, 3), slots=st.integers(1, 5))
def test_each_bundle_arrives_once_and_in_order_over_a_wire_that_breaks(seed, producers, slots):
    wire, wanted = Wire(seed, producers, slots), 30
    for step in range(60_000):
        wire.step(wanted, may_cut=step < 3_000)
        if all(len(got) == wanted for got in wire.got.values()):
            break
    assert list(wire.got.values()) == [list(range(wanted))] * producers


def test_envelopes_are_small_maps():
    assert open_envelope(envelope("ack", sequence=3)) == {"kind": "ack", "sequence": 3}
