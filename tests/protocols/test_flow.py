"""The flow: credit bounds what is under way, and each bundle arrives exactly once whatever is cut."""

import contextlib
import random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RefusedError, RemoteProtocolError
from protocols.flow import Consumer, Producer, envelope, open_envelope

HEADER = b"header"


def connect(consumer: Consumer, producer: Producer, peer: bytes = b"a") -> list:
    """Say hello for a producer; return what the other peers are told."""
    replies, delivery = consumer.receive(peer, producer.hello()[0])
    assert delivery is None
    for reply in replies:
        if reply.peer == peer:
            producer.receive(reply.message)
    return [reply for reply in replies if reply.peer != peer]


def deliver(consumer: Consumer, producer: Producer, index: int, peer: bytes = b"a") -> int:
    """Bring one bundle over and return the slot it is in."""
    replies, delivery = consumer.receive(peer, producer.send(index, [HEADER, b"12345"])[0])
    assert not replies
    assert delivery.index == index
    for reply in consumer.stored():
        producer.receive(reply.message)
    return delivery.slot


def test_credit_is_what_may_be_sent():
    consumer, producer = Consumer("run", slots=3, max_bundle_bytes=10), Producer("town", "s", 10)
    assert producer.next_wanted() is None
    connect(consumer, producer)
    slots = [deliver(consumer, producer, index) for index in range(3)]
    assert sorted(slots) == [0, 1, 2]
    assert producer.credits == producer.pending == 0
    with pytest.raises(LocalProtocolError, match="credit for bundle 3"):
        producer.send(3, [HEADER, b"12345"])
    for reply in consumer.freed(slots[:2]):
        producer.receive(reply.message)
    assert producer.credits == 2
    assert producer.next_wanted() == 3


def test_welcome_says_which_run_and_what_is_wanted():
    consumer = Consumer("run 7", 3, 10, ordered=True, wanted=((3, 4), (7, 9), (20, None)))
    producer = Producer("town", "s", 10)
    connect(consumer, producer)
    assert (producer.run_id, producer.ordered, producer.next_index) == ("run 7", True, 3)
    assert producer.wanted.ranges == consumer.wanted == ((3, 4), (7, 9), (20, None))
    freed = [deliver(consumer, producer, index) for index in (3, 7, 8)]
    for reply in consumer.freed(freed):
        producer.receive(reply.message)
    assert producer.next_wanted() == consumer.next_index == 20


def test_a_bundle_larger_than_announced_is_not_sent():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 4)
    connect(consumer, producer)
    with pytest.raises(LocalProtocolError, match="at most 4 bytes, got 5"):
        producer.send(0, [HEADER, b"12345"])


def test_a_producer_with_too_large_bundles_is_refused_in_words():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 11)
    replies, _ = consumer.receive(b"a", producer.hello()[0])
    with pytest.raises(RefusedError, match="slots here hold 10"):
        producer.receive(replies[0].message)
    assert consumer.producers == {}


@pytest.mark.parametrize("major", [0, 2, 9, None, "1", True, -1])
def test_another_version_is_refused_in_words(major):
    replies, _ = Consumer("run", 1, 10).receive(b"a", envelope("hello", major=major))
    with pytest.raises(RefusedError, match=f"stream version 1 is spoken here, not {major!r}"):
        Producer("town", "s", 1).receive(replies[0].message)


def test_a_trainer_of_another_version_is_refused_in_words():
    with pytest.raises(RefusedError, match="trainer speaks stream version 2, not 1"):
        Producer("town", "s", 1).receive([envelope("welcome", major=2)])


def test_unknown_keys_of_the_same_major_are_ignored():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 10)
    hello = open_envelope(producer.hello()[0]) | {"minor": 99, "colour": "green"}
    replies, _ = consumer.receive(b"a", msgpack.packb(hello))
    welcome = open_envelope(replies[0].message[0]) | {"minor": 99, "colour": "green"}
    assert producer.receive([msgpack.packb(welcome)]) == "welcome"
    assert producer.credits == 1


def test_a_peer_whose_second_hello_is_refused_gives_its_credits_back():
    consumer, first, other = Consumer("run", 2, 10), Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first)
    for reply in connect(consumer, other, b"b"):
        first.receive(reply.message)
    assert (first.credits, other.credits) == (1, 1)
    replies, _ = consumer.receive(b"a", Producer("one", "3", 99).hello()[0])
    assert [reply.peer for reply in replies] == [b"b", b"a"]
    other.receive(replies[0].message)
    assert other.credits == 2


def test_an_unknown_peer_is_asked_to_say_hello():
    consumer, producer = Consumer("run", 1, 10), Producer("town", "s", 10)
    replies, delivery = consumer.receive(b"a", envelope("bundle", index=0, sequence=0))
    assert delivery is None
    assert producer.receive(replies[0].message) == "again"


def test_a_newcomer_gets_its_share_of_one_who_has_all_credits():
    consumer = Consumer("run", 4, 10)
    first, second = Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first, b"a")
    assert first.credits == 4
    for reply in connect(consumer, second, b"b"):
        assert reply.peer == b"a"
        assert first.receive(reply.message) == "revoked"
    assert (first.credits, second.credits) == (2, 2)
    assert (first.next_wanted(), second.next_wanted()) == (0, 2)
    for reply in consumer.lost(b"a"):
        assert reply.peer == b"b"
        second.receive(reply.message)
    assert second.credits == consumer.promised == 4


def test_a_bundle_whose_credit_went_to_another_is_left_out():
    consumer = Consumer("run", 2, 10)
    first, second = Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first, b"a")
    late = first.send(1, [HEADER, b"x"])
    connect(consumer, second, b"b")
    replies, delivery = consumer.receive(b"a", late[0])
    assert delivery is None
    assert consumer.duplicates == 1
    first.receive(replies[0].message)
    assert first.pending == 0
    deliver(consumer, second, 1, b"b")


def test_a_bundle_whose_credit_went_away_and_came_back_is_sent_again():
    consumer = Consumer("run", 2, 10)
    first, second = Producer("one", "1", 10), Producer("two", "2", 10)
    connect(consumer, first, b"a")
    late = first.send(1, [HEADER, b"x"])
    said = connect(consumer, second, b"b") + consumer.lost(b"b")  # revoked, then given again ...
    said += consumer.receive(b"a", late[0])[0]  # ... and only then is what was sent under the old one acknowledged
    assert [open_envelope(reply.message[0])["kind"] for reply in said] == ["revoked", "credit", "ack"]
    for reply in said:
        first.receive(reply.message)
    assert first.pending == 1
    _, delivery = consumer.receive(b"a", first.resend()[0])
    assert delivery.index == 1
    for reply in consumer.stored():
        first.receive(reply.message)
    assert first.pending == 0


def test_credits_of_a_slot_that_is_still_written_to_wait():
    writing = {0, 1}
    consumer = Consumer("run", 3, 10, claim=lambda slot, sequence: slot not in writing)
    producer = Producer("one", "1", 10)
    connect(consumer, producer)
    assert (producer.credits, producer.next_wanted()) == (1, 0)
    writing.clear()
    for reply in consumer.freed():
        producer.receive(reply.message)
    assert producer.credits == 3


@pytest.mark.parametrize("ordered", [True, False])
def test_what_a_producer_holds_takes_no_slot_from_what_is_due_first(ordered):
    before, producer = Consumer("run", 3, 10, wanted=((5, None),)), Producer("one", "1", 10)
    connect(before, producer)
    for index in (5, 6, 7):
        producer.send(index, [HEADER, b"x"])
    resumed = Consumer("run", 3, 10, ordered=ordered, wanted=((2, None),))  # a trainer goes on from its checkpoint
    connect(resumed, producer)
    assert resumed.hands == {"one": [2, 3, 4] if ordered else [5, 6, 7]}
    assert producer.pending == (0 if ordered else 3)


def test_dropped_bundles_are_not_waited_for():
    consumer, producer = Consumer("run", 2, 10, wanted=((0, 3),)), Producer("one", "1", 10)
    connect(consumer, producer)
    replies, delivery = consumer.receive(b"a", producer.drop(0, "mask" * 100)[0])
    assert delivery is None
    for reply in replies:
        producer.receive(reply.message)
    assert consumer.dropped == {0: ("mask" * 100)[:200]}
    assert consumer.next_index == 1
    assert (producer.pending, producer.credits) == (0, 2)
    deliver(consumer, producer, 2)
    assert not producer.stopped
    deliver(consumer, producer, 1)
    assert consumer.finished
    assert producer.stopped


def test_a_source_that_cannot_repeat_is_told_of_and_keeps_its_credits():
    consumer = Consumer("run", 2, 10)
    live, second = Producer("live", "1", 10, repeats=False), Producer("two", "2", 10)
    connect(consumer, live, b"a")
    connect(consumer, live, b"a2")
    assert [remark for remark in consumer.remarks if "live cannot make a bundle again" in remark]
    assert len(consumer.remarks) == 1
    connect(consumer, second, b"b")
    assert (live.credits, second.credits) == (2, 0)


def test_stop_reaches_those_who_come_later():
    consumer, producer = Consumer("run", 4, 10), Producer("one", "1", 10)
    consumer.stop()
    connect(consumer, producer)
    assert producer.stopped


def test_bundles_without_credit_or_of_another_index_are_refused():
    consumer, producer = Consumer("run", 1, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    with pytest.raises(RemoteProtocolError, match="no bundle without a credit, got number 5"):
        consumer.receive(b"a", envelope("bundle", sequence=5, index=0))
    with pytest.raises(RemoteProtocolError, match="expected bundle 0, got bundle 7"):
        consumer.receive(b"a", envelope("bundle", sequence=0, index=7))
    deliver(consumer, producer, 0)


def test_a_rejected_bundle_turns_its_producer_away_and_is_wanted_again():
    consumer, producer = Consumer("run", 1, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    consumer.receive(b"a", producer.send(0, [HEADER])[0])
    assert consumer.next_index == 0
    replies = consumer.rejected("plane 1: expected 5 bytes, got 4")
    with pytest.raises(RefusedError, match="plane 1"):
        producer.receive(replies[-1].message)
    other = Producer("two", "2", 10)
    connect(consumer, other, b"b")
    assert other.next_wanted() == 0


def test_a_bundle_in_another_slot_than_its_own_is_rejected():
    consumer, producer = Consumer("run", 2, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    spoiled = open_envelope(producer.send(0, [HEADER], in_slot=True)[0]) | {"slot": 1}
    replies, delivery = consumer.receive(b"a", msgpack.packb(spoiled))
    assert delivery is None
    with pytest.raises(RefusedError, match="expected slot 0, got 1"):
        producer.receive(replies[-1].message)


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


VALUES = st.recursive(
    st.one_of(st.integers(-(2**63), 2**64 - 1), st.booleans(), st.none(), st.text(max_size=3), st.floats()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
KINDS = ("hello", "bundle", "dropped", "goodbye", "heartbeat", "welcome", "ack", "credit", "revoked", "refused", "stop")


@settings(max_examples=400, deadline=None)
@given(kind=st.sampled_from(KINDS), data=st.data())
def test_any_change_of_a_legal_envelope_is_refused_or_answered(kind, data):
    consumer, producer = Consumer("run", 2, 10), Producer("one", "1", 10)
    connect(consumer, producer)
    legal = {
        "hello": {"major": 1, "minor": 0, "producer": "x", "session": "y", "max_bundle_bytes": 9, "repeats": True,
                  "host": "", "held": [0]},
        "welcome": {"major": 1, "minor": 0, "run_id": "r", "ordered": False, "next_index": 0, "wanted": [[0, None]],
                    "credits": [[0, 0, 0]], "memory": {}},
        "bundle": {"sequence": 0, "index": 0}, "dropped": {"sequence": 0, "index": 0, "cause": "mask"},
        "ack": {"sequence": 0}, "credit": {"credits": [[1, 1, 1]]}, "revoked": {"sequences": [1]},
        "refused": {"reason": "no"},
    }.get(kind, {})  # fmt: skip
    changed = data.draw(st.dictionaries(st.sampled_from([*legal, "slot", "new"]), VALUES, max_size=2))
    frame = msgpack.packb({"kind": kind, **legal, **changed})
    delivery = None
    with contextlib.suppress(RemoteProtocolError):
        delivery = consumer.receive(b"a", frame)[1]
    if delivery is not None:
        consumer.stored()
    with contextlib.suppress(RemoteProtocolError, RefusedError):
        producer.receive([frame])
    assert consumer.promised <= 2
    connect(consumer, Producer("good", "good", 10), b"good")


class Wire:
    """Two queues between producers and one consumer, that can be cut: what is under way is then lost."""

    def __init__(self, seed: int, producers: int, slots: int, wanted: int) -> None:
        self.random = random.Random(seed)
        self.wanted = wanted
        self.consumer = Consumer("run", slots, 100, ordered=True, wanted=((0, wanted),))
        self.producers = {f"{i}".encode(): Producer(f"town {i}", f"session {i}", 100) for i in range(producers)}
        self.up: dict[bytes, list] = {peer: [] for peer in self.producers}
        self.down: dict[bytes, list] = {peer: [] for peer in self.producers}
        self.got: list[int] = []
        self.ordered: list[int] = []
        self.ready: list[int] = []
        self.slots, self.full = slots, []
        for peer in self.producers:
            self.hello(peer)

    def hello(self, peer: bytes) -> None:
        self.up[peer].append(self.producers[peer].hello())

    def post(self, replies) -> None:
        for reply in replies:
            self.down[reply.peer].append(reply.message)

    def cut(self, peer: bytes) -> None:
        """Lose all that is under way, as a broken connection does; the consumer may or may not see it at once."""
        self.up[peer].clear()
        if self.random.random() < 0.5:
            self.post(self.consumer.lost(peer))
        self.down[peer].clear()
        self.hello(peer)

    def resume(self) -> None:
        """Kill the trainer, and start another from a checkpoint some bundles back; the producers do not know yet."""
        cursor = max(0, max(self.ordered, default=-1) + 1 - self.random.randrange(10))
        self.consumer = Consumer("run", self.slots, 100, ordered=True, wanted=((cursor, self.wanted),))
        self.ready, self.full = [], []
        self.got = [index for index in self.got if index < cursor]
        self.ordered = [index for index in self.ordered if index < cursor]
        for peer in self.producers:
            self.up[peer].clear()
            self.down[peer].clear()
            self.up[peer].append(self.producers[peer].heartbeat())

    def restart(self, peer: bytes) -> None:
        """Kill a producer, and start another in its place."""
        self.producers[peer] = Producer("again", f"session {self.random.random()}", 100)
        self.cut(peer)

    def step(self, may_cut: bool) -> None:
        if may_cut and self.random.random() < 0.004:
            self.resume()
        peer = self.random.choice(list(self.producers))
        producer = self.producers[peer]
        what = self.random.random()
        if may_cut and what < 0.08:
            self.random.choice([self.cut, self.restart])(peer)
        elif what < 0.4:
            again = producer.resend()
            index = producer.next_wanted()
            if again is not None:
                self.up[peer].append(again)
            elif index is not None and index % 7 == 3:
                self.up[peer].append(producer.drop(index, "mask"))
            elif index is not None:
                self.up[peer].append(producer.send(index, [HEADER, bytes([index])]))
        elif what < 0.7 and self.up[peer]:
            message = self.up[peer].pop(0)
            replies, delivery = self.consumer.receive(peer, message[0])
            self.post(replies)
            if delivery is not None:
                assert len(self.full) < self.slots, "more under way than there are slots"
                assert delivery.slot not in self.full, "a slot was filled twice"
                self.full.append(delivery.slot)
                self.got.append(message[2][0])
                self.ready.append(message[2][0])
                self.post(self.consumer.stored())
        elif what < 0.9 and self.down[peer]:
            if producer.receive(self.down[peer].pop(0)) == "again":
                self.hello(peer)
        elif self.full:
            missing = self.consumer.next_index
            deliverable = [index for index in self.ready if missing is None or index < missing]
            if deliverable:  # slots of what waits for its turn stay full
                self.ready.remove(min(deliverable))
                self.ordered.append(min(deliverable))
                self.post(self.consumer.freed([self.full.pop(self.random.randrange(len(self.full)))]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), producers=st.integers(1, 3), slots=st.integers(1, 5))
def test_each_index_comes_once_and_in_order_over_a_wire_that_breaks(seed, producers, slots):
    wanted = 60
    wire = Wire(seed, producers, slots, wanted)
    for step in range(60_000):
        wire.step(may_cut=step < 3_000)
        if wire.consumer.finished and not wire.ready:
            break
    makeable = [index for index in range(wanted) if index % 7 != 3]
    assert sorted(wire.got) == makeable
    assert wire.ordered == makeable
    assert {*wire.consumer.dropped} <= {index for index in range(wanted) if index % 7 == 3}


def test_envelopes_are_small_maps():
    assert open_envelope(envelope("ack", sequence=3)) == {"kind": "ack", "sequence": 3}
