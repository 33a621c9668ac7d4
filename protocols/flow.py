"""Flow of the stream: hello, credit, bundles, acknowledgement, resend, stop, as two state machines without sockets.

The trainer's end is a `Consumer` (it binds a ROUTER), the plugin's end a `Producer` (it connects with a DEALER). Each
message is a list of frames whose first is an envelope, a small msgpack map with a `kind`; only a bundle has further
frames, those of `protocols.bundle`. A credit is one free slot of the consumer; a producer sends nothing without one,
keeps each bundle until it is acknowledged, and sends what is not acknowledged again after a new welcome. A bundle is
known by (session, sequence), so whatever arrives twice is dropped: at least once on the wire, exactly once behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack

from protocols.bundle import Buffer, unpack_limited
from protocols.errors import LocalProtocolError, RefusedError, RemoteProtocolError

VERSION = 1

Message = list[Buffer]


class Outgoing(NamedTuple):
    """A message for one peer of the consumer."""

    peer: bytes
    message: Message


def envelope(kind: str, **values: Any) -> bytes:
    """Return the first frame of a message."""
    packed: bytes = msgpack.packb({"kind": kind, **values})
    return packed


def open_envelope(frame: Buffer) -> dict[str, Any]:
    """Read the first frame of a message.

    Raises:
        RemoteProtocolError: not a small map with a `kind`.
    """
    values = unpack_limited(frame, "envelope")
    if type(values.get("kind")) is not str:
        raise RemoteProtocolError(f"envelope: expected a kind, got keys {sorted(map(str, values))}"[:200])
    return values


def _number(values: dict[str, Any], key: str) -> int:
    value = values.get(key)
    if type(value) is not int or not 0 <= value < 2**63:
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as a number from 0, got {value!r}"[:200])
    return value


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if type(value) is not str:
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as a string, got {value!r}"[:200])
    return value


class Producer:
    """The plugin's end: says hello, spends credits, keeps what is not acknowledged.

    Attributes:
        credits: bundles that may be sent now.
        welcomed: whether the consumer has said welcome since the last hello.
        stopped: whether the consumer wants no more.
        next_index: first bundle index that the consumer still wants, as it said in its welcome.
        run_id: the consumer's run, as it said in its welcome.
    """

    def __init__(self, producer: str, session: str, max_bundle_bytes: int) -> None:
        """Start with nothing sent.

        Args:
            producer: name shown to the user, such as "town@4711".
            session: unique to this start of the plugin; sequences count within it.
            max_bundle_bytes: largest bundle that will be sent, all planes together.
        """
        self.producer = producer
        self.session = session
        self.max_bundle_bytes = max_bundle_bytes
        self.credits = 0
        self.welcomed = False
        self.stopped = False
        self.next_index = 0
        self.run_id = ""
        self._sequence = 0
        self._unacknowledged: dict[int, Message] = {}
        self._waiting: deque[int] = deque()  # sequences that must be sent (again) before anything new

    @property
    def pending(self) -> int:
        """Return the number of bundles that are not acknowledged."""
        return len(self._unacknowledged)

    @property
    def ready(self) -> bool:
        """Return whether a new bundle may be sent now."""
        return self.welcomed and not self.stopped and not self._waiting and self.credits > 0

    def hello(self) -> Message:
        """Return the message that opens, or opens again, the conversation."""
        self.welcomed = False
        self.credits = 0
        first = min(self._unacknowledged, default=self._sequence)
        return [
            envelope(
                "hello",
                version=VERSION,
                producer=self.producer,
                session=self.session,
                first_sequence=first,
                max_bundle_bytes=self.max_bundle_bytes,
            )
        ]

    def send(self, frames: Sequence[Buffer]) -> Message:
        """Return the message that carries a bundle, and keep it until it is acknowledged.

        Args:
            frames: as `encode_bundle` gives them; they must not change before the acknowledgement.

        Raises:
            LocalProtocolError: no credit, not welcomed, or larger than announced.
        """
        if not self.ready:
            raise LocalProtocolError("send: expected a welcome and a credit, got neither; wait for ready")
        size = sum(len(frame) for frame in frames[1:])
        if size > self.max_bundle_bytes:
            raise LocalProtocolError(f"send: expected at most {self.max_bundle_bytes} bytes, got {size}")
        message: Message = [envelope("bundle", sequence=self._sequence, session=self.session), *frames]
        self._unacknowledged[self._sequence] = message
        self._sequence += 1
        self.credits -= 1
        return message

    def resend(self) -> Message | None:
        """Return the next message that has to go out again, or None when there is none or no credit for it."""
        while self._waiting and self._waiting[0] not in self._unacknowledged:
            self._waiting.popleft()
        if not self._waiting or not self.welcomed or self.credits < 1:
            return None
        self.credits -= 1
        return self._unacknowledged[self._waiting.popleft()]

    def receive(self, frames: Sequence[Buffer]) -> str:
        """Take in a message of the consumer and return its kind; "again" means: say hello now.

        Raises:
            RefusedError: the consumer refuses, in its words.
            RemoteProtocolError: not a message of this protocol.
        """
        if len(frames) != 1:
            raise RemoteProtocolError(f"trainer: expected a message of 1 frame, got {len(frames)}")
        values = open_envelope(frames[0])
        kind: str = values["kind"]
        if kind == "welcome":
            self.run_id = _text(values, "run_id")
            self.next_index = _number(values, "next_index")
            self.credits = _number(values, "credits")
            self.welcomed = True
            self._waiting = deque(sorted(self._unacknowledged))
        elif kind == "ack":
            self._unacknowledged.pop(_number(values, "sequence"), None)
        elif kind == "credit":
            self.credits += _number(values, "credits")
        elif kind == "stop":
            self.stopped = True
        elif kind == "refused":
            raise RefusedError(f"trainer refused: {_text(values, 'reason')}")
        return kind

    def heartbeat(self) -> Message:
        """Return the message that shows we live while no bundle is ready."""
        return [envelope("heartbeat")]

    def goodbye(self) -> Message:
        """Return the message that gives unused credits back."""
        self.welcomed = False
        return [envelope("goodbye")]


@dataclass
class _Peer:
    """What the consumer knows of one producer."""

    producer: str
    session: str
    last_sequence: int
    credits: int
    granted: int = 0


class Delivery(NamedTuple):
    """A bundle that is wanted: its frames follow the envelope; `stored` or `rejected` must be called after them."""

    peer: bytes
    producer: str
    session: str
    sequence: int


class Consumer:
    """The trainer's end: welcomes producers, deals out free slots as credits, drops duplicates.

    Every method that has something to say returns the messages to be sent.
    """

    def __init__(self, run_id: str, slots: int, max_bundle_bytes: int) -> None:
        """Start with all slots free.

        Args:
            run_id: this run's name, told to producers.
            slots: bundles that can be held at once; the sum of all credits never exceeds the free ones.
            max_bundle_bytes: size of a slot.
        """
        self.run_id = run_id
        self.slots = slots
        self.max_bundle_bytes = max_bundle_bytes
        self.next_index = 0
        self.duplicates = 0
        self._free = slots  # free slots that no producer has been promised
        self._peers: dict[bytes, _Peer] = {}
        self._sequences: dict[str, int] = {}  # last stored sequence of each session, kept over reconnects
        self._open: Delivery | None = None
        self._stopping = False

    @property
    def producers(self) -> dict[bytes, str]:
        """Return the connected peers and their names."""
        return {peer: state.producer for peer, state in self._peers.items()}

    @property
    def promised(self) -> int:
        """Return the number of credits in the producers' hands."""
        return sum(state.credits for state in self._peers.values())

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
        if kind != "bundle":
            raise RemoteProtocolError(f"{state.producer}: expected hello, bundle, heartbeat or goodbye, got {kind!r}")
        return self._bundle(peer, state, values)

    def _hello(self, peer: bytes, values: dict[str, Any]) -> list[Outgoing]:
        version = values.get("version")
        if version != VERSION:
            return self.turn_away(peer, f"stream version {VERSION} is spoken here, not {version!r}; update one side")
        producer, session = _text(values, "producer"), _text(values, "session")
        size = _number(values, "max_bundle_bytes")
        first = _number(values, "first_sequence")
        if size > self.max_bundle_bytes:
            return self.turn_away(peer, f"a bundle of {size} bytes; slots here hold {self.max_bundle_bytes}")
        replies = []
        for other, state in list(self._peers.items()):
            if other == peer or state.session == session:
                replies += self.lost(other)
        last = max(self._sequences.get(session, -1), first - 1)
        self._sequences[session] = last
        self._peers[peer] = _Peer(producer, session, last, 0)
        granted = min(self._free, self._share())
        self._free -= granted
        self._peers[peer].credits = granted
        welcome = envelope("welcome", run_id=self.run_id, next_index=self.next_index, credits=granted)
        replies.append(Outgoing(peer, [welcome]))
        if self._stopping:
            replies.append(Outgoing(peer, [envelope("stop")]))
        return replies

    def _refusal(self, peer: bytes, reason: str) -> Outgoing:
        return Outgoing(peer, [envelope("refused", reason=reason)])

    def _share(self) -> int:
        """Return how many credits one producer may hold: an even share, at least one."""
        return max(1, self.slots // max(1, len(self._peers)))

    def _bundle(self, peer: bytes, state: _Peer, values: dict[str, Any]) -> tuple[list[Outgoing], Delivery | None]:
        sequence = _number(values, "sequence")
        if state.credits < 1:
            raise RemoteProtocolError(f"{state.producer}: expected no bundle without a credit, got number {sequence}")
        if sequence <= state.last_sequence:  # its acknowledgement was lost: the slot was never used
            self.duplicates += 1
            again = [
                Outgoing(peer, [envelope("ack", sequence=sequence)]),
                Outgoing(peer, [envelope("credit", credits=1)]),
            ]
            return again, None
        if sequence != state.last_sequence + 1:
            raise RemoteProtocolError(
                f"{state.producer}: expected bundle {state.last_sequence + 1}, got number {sequence}"
            )
        state.credits -= 1
        self._open = Delivery(peer, state.producer, state.session, sequence)
        return [], self._open

    def stored(self, index: int) -> list[Outgoing]:
        """Acknowledge the bundle of the open delivery: it stands whole in a slot.

        Args:
            index: the bundle's index within its run.
        """
        delivery = self._close()
        self.next_index = max(self.next_index, index + 1)
        self._sequences[delivery.session] = delivery.sequence
        state = self._peers.get(delivery.peer)
        if state is not None:
            state.last_sequence = delivery.sequence
        return [Outgoing(delivery.peer, [envelope("ack", sequence=delivery.sequence)])]

    def rejected(self, reason: str) -> list[Outgoing]:
        """Refuse the bundle of the open delivery: its frames were wrong; its producer is turned away in words."""
        delivery = self._close()
        self._free += 1
        return self.turn_away(delivery.peer, reason)

    def turn_away(self, peer: bytes, reason: str) -> list[Outgoing]:
        """Forget a producer that broke the rules, and tell it why; its credits go to the others."""
        return [*self.lost(peer), self._refusal(peer, reason)]

    def _close(self) -> Delivery:
        if self._open is None:
            raise LocalProtocolError("expected an open delivery, got none")
        delivery, self._open = self._open, None
        return delivery

    def freed(self, slots: int = 1) -> list[Outgoing]:
        """Take back emptied slots and deal them out again as credits."""
        self._free += slots
        return self._deal()

    def lost(self, peer: bytes) -> list[Outgoing]:
        """Forget a producer that left or fell silent; its credits go to the others."""
        state = self._peers.pop(peer, None)
        if state is None:
            return []
        self._free += state.credits
        return self._deal()

    def _deal(self) -> list[Outgoing]:
        """Give free slots, one by one, to the producer with the fewest credits, and of those to the least served."""
        granted: dict[bytes, int] = {}
        while self._free > 0 and self._peers:
            peer, state = min(self._peers.items(), key=lambda item: (item[1].credits, item[1].granted))
            state.credits += 1
            state.granted += 1
            self._free -= 1
            granted[peer] = granted.get(peer, 0) + 1
        return [Outgoing(peer, [envelope("credit", credits=count)]) for peer, count in granted.items()]

    def stop(self) -> list[Outgoing]:
        """Tell all producers, present and to come, that no more bundles are wanted."""
        self._stopping = True
        return [Outgoing(peer, [envelope("stop")]) for peer in self._peers]
