"""Consumer: the trainer's end of the flow, without a socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from protocols.envelopes import RANGE_LIMIT, Message, envelope, flag, number, numbers, open_envelope, text
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.producer import MAJOR, MINOR
from protocols.wanted import Range, Wanted

DROPPED_LIMIT = 65_536
"""Causes kept; of a stream that drops more, the oldest are forgotten."""


class Outgoing(NamedTuple):
    """A message for one peer of the consumer."""

    peer: bytes
    message: Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """A bundle that is wanted: its frames follow the envelope; `stored` or `rejected` must be called after them.

    Attributes:
        peer: who sends it.
        producer: its name.
        sequence: of the credit it spends.
        index: which its header must have.
        slot: where it goes.
        in_slot: whether its planes stand there already, so that only the header follows.
    """

    peer: bytes
    producer: str
    sequence: int
    index: int
    slot: int
    in_slot: bool


@dataclass(frozen=True, slots=True)
class _Grant:
    """A credit in a producer's hands."""

    index: int
    slot: int


@dataclass
class _Peer:
    """What the consumer knows of one producer."""

    producer: str
    session: str
    repeats: bool
    grants: dict[int, _Grant] = field(default_factory=dict)  # by sequence
    granted: int = 0


def _packed(sequence: int, grant: _Grant) -> list[int]:
    return [sequence, grant.index, grant.slot]


def always(slot: int, sequence: int) -> bool:
    """Let any slot be dealt out: nobody else can write to it."""
    return True


class Consumer:
    """Welcome producers, deal out free slots as credits that name the next wanted bundle, drop what comes twice.

    Every wanted index is in one of three places: still to be dealt out, in one producer's hands, or done (received or
    dropped). So it is received once, whoever makes it and how often. The lowest index is always dealt out first, and a
    credit has its slot, so handing bundles on in their order can never wait for a slot. Every method that has something
    to say returns the messages to be sent.

    Attributes:
        run_id: this run's name.
        duplicates: bundles that came a second time, or after their credit had gone to another, and were dropped.
        dropped: index and cause of the bundles that their producer could not make.
        remarks: what the user should hear; to be emptied by who shows it.
    """

    def __init__(
        self,
        run_id: str,
        slots: int,
        max_bundle_bytes: int,
        *,
        ordered: bool = False,
        wanted: Sequence[Range] = ((0, None),),
        memory: Callable[[str], dict[str, Any]] = lambda host: {},
        claim: Callable[[int, int], bool] = always,
    ) -> None:
        """Start with all slots free.

        Args:
            run_id: told to producers.
            slots: bundles that can be held at once, numbered from 0; there are never more credits than free ones.
            max_bundle_bytes: size of a slot.
            ordered: told to producers; see `next_index`.
            wanted: half-open ranges of indices.
            memory: given a producer's host, returns what it needs to know of memory shared with it.
            claim: called with a slot and the sequence it is dealt out under; False: a producer that has lost it may
                still be writing there, so it must wait.

        Raises:
            ValueError: the ranges overlap or do not ascend.
        """
        self.run_id = run_id
        self.slots = slots
        self.max_bundle_bytes = max_bundle_bytes
        self.ordered = ordered
        self.duplicates = 0
        self.dropped: dict[int, str] = {}
        self.remarks: deque[str] = deque(maxlen=100)
        self._wanted = Wanted(wanted)
        self._memory = memory
        self._claim = claim
        self._free = deque(range(slots))  # free slots that no producer has been promised
        self._peers: dict[bytes, _Peer] = {}
        self._sequence = 0
        self._open: Delivery | None = None
        self._stopping = False

    @property
    def producers(self) -> dict[bytes, str]:
        """Return the connected peers and their names."""
        return {peer: state.producer for peer, state in self._peers.items()}

    @property
    def hands(self) -> dict[str, list[int]]:
        """Return the indices in each producer's hands, by its name."""
        return {state.producer: sorted(each.index for each in state.grants.values()) for state in self._peers.values()}

    @property
    def promised(self) -> int:
        """Return the number of credits in the producers' hands."""
        return sum(len(state.grants) for state in self._peers.values())

    @property
    def next_index(self) -> int | None:
        """Return the lowest index that is neither received nor dropped; None when all are."""
        first = self._wanted.first
        return min(self._under_way() if first is None else [*self._under_way(), first], default=None)

    def _under_way(self) -> list[int]:
        """Return the indices in the producers' hands, and of the bundle that is being received."""
        found = [grant.index for state in self._peers.values() for grant in state.grants.values()]
        return found if self._open is None else [*found, self._open.index]

    @property
    def wanted(self) -> tuple[Range, ...]:
        """Return all indices that are neither received nor dropped."""
        missing = Wanted(self._wanted.ranges)
        for index in self._under_way():
            missing.add(index)
        return missing.ranges

    @property
    def finished(self) -> bool:
        """Return whether nothing is wanted any more."""
        return not self._wanted and not self.promised and self._open is None

    def receive(self, peer: bytes, frame: Buffer) -> tuple[list[Outgoing], Delivery | None]:
        """Take in the envelope of a producer's message.

        Returns:
            Messages to send, and a `Delivery` when the frames that follow hold a bundle that is wanted. Frames that
            follow without a `Delivery` are to be read and dropped.

        Raises:
            RemoteProtocolError: not a message of this protocol; the message is to be dropped, the peer may live on.
        """
        if self._open is not None:
            raise LocalProtocolError("receive: expected stored() or rejected() first")
        values = open_envelope(frame)
        kind = values["kind"]
        if kind == "hello":
            return self._hello(peer, values), None
        state = self._peers.get(peer)
        if state is None:
            return [Outgoing(peer, [envelope("again")])], None
        if kind == "heartbeat":
            return [Outgoing(peer, [envelope("heartbeat")])], None
        if kind == "goodbye":
            return self.lost(peer), None
        if kind == "dropped":
            return self._dropped(peer, state, values), None
        if kind != "bundle":
            raise RemoteProtocolError(
                f"{state.producer}: expected hello, bundle, dropped, heartbeat or goodbye, got {kind!r}"[:200]
            )
        return self._bundle(peer, state, values)

    def _hello(self, peer: bytes, values: dict[str, Any]) -> list[Outgoing]:
        major = values.get("major")
        if type(major) is not int or major != MAJOR:
            return self.turn_away(peer, f"stream version {MAJOR} is spoken here, not {major!r}; update one side"[:200])
        producer, session, host = text(values, "producer"), text(values, "session"), text(values, "host")
        repeats, held = flag(values, "repeats"), numbers(values, "held")
        size = number(values, "max_bundle_bytes")
        if size > self.max_bundle_bytes:
            return self.turn_away(peer, f"a bundle of {size} bytes; slots here hold {self.max_bundle_bytes}")
        known = any(state.session == session for state in self._peers.values())
        for other, state in list(self._peers.items()):
            if other == peer or state.session == session:
                self._forget(other)
        if not repeats and not known:
            self.remarks.append(
                f"producer {producer} cannot make a bundle again: what it has not delivered when it ends is lost, and "
                "a run resumed from a checkpoint gets other bundles than the run it continues"
            )
        state = self._peers[peer] = _Peer(producer, session, repeats)
        first = self.next_index
        wanted = [list(each) for each in self.wanted[:RANGE_LIMIT]]
        for index in held:  # what it holds already, it need not make again; ordered, only the lowest may take a slot
            if self._free and not self.ordered and index in self._wanted:
                self._wanted.remove(index)
                self._grant(state, index)
        while self._free and self._wanted and len(state.grants) < self._share():
            if self._grant(state, self._wanted.pop()) is None:
                break
        welcome = envelope(
            "welcome",
            major=MAJOR,
            minor=MINOR,
            run_id=self.run_id,
            ordered=self.ordered,
            next_index=0 if first is None else first,
            wanted=wanted,
            credits=[_packed(sequence, grant) for sequence, grant in state.grants.items()],
            memory=self._memory(host) if repeats else {},
        )
        replies = [Outgoing(peer, [welcome]), *self._deal(), *self._even_out(peer)]
        if self._stopping or self.finished:
            replies.append(Outgoing(peer, [envelope("stop")]))
        return replies

    def _share(self) -> int:
        """Return how many credits one producer may hold at its hello: an even share, at least one."""
        return max(1, self.slots // max(1, len(self._peers)))

    def _grant(self, state: _Peer, index: int) -> int | None:
        """Promise a free slot for an index and return the sequence; None, and the index is wanted again, if none is."""
        for _ in range(len(self._free)):
            slot = self._free.popleft()
            if self._claim(slot, self._sequence):
                sequence = self._sequence
                self._sequence += 1
                state.grants[sequence] = _Grant(index, slot)
                state.granted += 1
                return sequence
            self._free.append(slot)
        self._wanted.add(index)
        return None

    def _even_out(self, poor: bytes) -> list[Outgoing]:
        """Take credits of the richest, the ones they would spend last, until a newcomer has its even share."""
        replies: list[Outgoing] = []
        newcomer = self._peers[poor]
        while not self._stopping:
            peer, rich = max(
                ((other, state) for other, state in self._peers.items() if state.repeats or state is newcomer),
                key=lambda item: len(item[1].grants),
                default=(poor, newcomer),
            )
            if len(rich.grants) - len(newcomer.grants) < 2:
                break
            sequence = max(rich.grants, key=lambda each: rich.grants[each].index)
            grant = rich.grants[sequence]
            if not self._claim(grant.slot, self._sequence):
                break  # it is being written just now
            del rich.grants[sequence]
            newcomer.grants[self._sequence] = grant
            replies.append(Outgoing(peer, [envelope("revoked", sequences=[sequence])]))
            replies.append(Outgoing(poor, [envelope("credit", credits=[_packed(self._sequence, grant)])]))
            self._sequence += 1
        return replies

    def _spent(self, peer: bytes, state: _Peer, values: dict[str, Any]) -> tuple[int, _Grant | None]:
        """Return the sequence of a message and its credit, None when that was spent or taken back.

        Raises:
            RemoteProtocolError: no such credit was ever given, or it was for another bundle.
        """
        sequence, index = number(values, "sequence"), number(values, "index")
        if sequence >= self._sequence:
            raise RemoteProtocolError(f"{state.producer}: expected no bundle without a credit, got number {sequence}")
        grant = state.grants.get(sequence)
        if grant is not None and grant.index != index:
            raise RemoteProtocolError(f"{state.producer}: expected bundle {grant.index}, got bundle {index}")
        return sequence, state.grants.pop(sequence, None)

    def _bundle(self, peer: bytes, state: _Peer, values: dict[str, Any]) -> tuple[list[Outgoing], Delivery | None]:
        slot = values.get("slot")
        sequence, grant = self._spent(peer, state, values)
        if grant is None:
            self.duplicates += 1
            return [Outgoing(peer, [envelope("ack", sequence=sequence)])], None
        self._open = Delivery(peer, state.producer, sequence, grant.index, grant.slot, slot is not None)
        if slot is not None and slot != grant.slot:
            return self.rejected(f"bundle {grant.index}: expected slot {grant.slot}, got {slot!r}"[:200]), None
        return [], self._open

    def _dropped(self, peer: bytes, state: _Peer, values: dict[str, Any]) -> list[Outgoing]:
        cause = text(values, "cause")[:200]
        sequence, grant = self._spent(peer, state, values)
        replies = [Outgoing(peer, [envelope("ack", sequence=sequence)])]
        if grant is None:
            return replies
        if len(self.dropped) >= DROPPED_LIMIT:
            del self.dropped[next(iter(self.dropped))]
        self.dropped[grant.index] = cause
        self._free.append(grant.slot)
        return replies + self._deal() + self._tell_if_finished()

    def stored(self) -> list[Outgoing]:
        """Acknowledge the bundle of the open delivery: it stands whole in its slot."""
        delivery = self._close()
        ack = Outgoing(delivery.peer, [envelope("ack", sequence=delivery.sequence)])
        return [ack, *self._tell_if_finished()]

    def rejected(self, reason: str) -> list[Outgoing]:
        """Refuse the bundle of the open delivery: its frames were wrong; its producer is turned away in words."""
        delivery = self._close()
        self._free.append(delivery.slot)
        self._wanted.add(delivery.index)
        return self.turn_away(delivery.peer, reason)

    def turn_away(self, peer: bytes, reason: str) -> list[Outgoing]:
        """Forget a producer that broke the rules, and tell it why; its credits go to the others."""
        return [*self.lost(peer), Outgoing(peer, [envelope("refused", reason=reason)])]

    def _close(self) -> Delivery:
        if self._open is None:
            raise LocalProtocolError("expected an open delivery, got none")
        delivery, self._open = self._open, None
        return delivery

    def freed(self, slots: Sequence[int] = ()) -> list[Outgoing]:
        """Take back emptied slots and deal them out again as credits; without any, try again what could not be."""
        self._free.extend(slots)
        return self._deal()

    def lost(self, peer: bytes) -> list[Outgoing]:
        """Forget a producer that left or fell silent; its credits go to the others."""
        self._forget(peer)
        return self._deal()

    def _forget(self, peer: bytes) -> None:
        state = self._peers.pop(peer, None)
        for grant in state.grants.values() if state is not None else ():
            self._free.append(grant.slot)
            self._wanted.add(grant.index)

    def _deal(self) -> list[Outgoing]:
        """Give free slots, one by one, to the producer with the fewest credits, and of those to the least served."""
        given: dict[bytes, list[list[int]]] = {}
        while self._free and self._peers and self._wanted and not self._stopping:
            peer, state = min(self._peers.items(), key=lambda item: (len(item[1].grants), item[1].granted))
            sequence = self._grant(state, self._wanted.pop())
            if sequence is None:
                break
            given.setdefault(peer, []).append(_packed(sequence, state.grants[sequence]))
        return [Outgoing(peer, [envelope("credit", credits=credits)]) for peer, credits in given.items()]

    def _tell_if_finished(self) -> list[Outgoing]:
        return self.stop() if self.finished and not self._stopping else []

    def stop(self) -> list[Outgoing]:
        """Tell all producers, present and to come, that no more bundles are wanted."""
        self._stopping = True
        return [Outgoing(peer, [envelope("stop")]) for peer in self._peers]
