"""Publisher: sends bundles to the trainer over ZeroMQ, one credit each, and again until acknowledged.

A thread of its own owns the socket, so that heartbeats go on while the simulator works; the rules are those of
`protocols.flow.Producer`.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import zmq

from carla_plugin.keys import present
from carla_plugin.rooms import Pool, Room, Shape, copy_into, slot_header
from carla_plugin.shared_memory import SharedMemoryError, TrainerSlots, host_name
from protocols.bundle import Bundle, Packed, encode_bundle
from protocols.endpoints import is_local
from protocols.envelopes import Credit
from protocols.errors import InputError, ManyskiesError, PeerError
from protocols.flow import Message, Producer

HEARTBEAT_S = 1.0
HELLO_EVERY_S = 1.0
LINGER_MS = 2000
PATIENCE_S = 30.0
CLOSING_PATIENCE_S = 10.0
"""As patience, once all is sent: a trainer that has what it wanted may leave before its last word arrives."""


class StreamError(PeerError):
    """The trainer is missing or fell silent."""


@dataclass(frozen=True, eq=False)
class _Filled:
    """A bundle that stands whole in the slot of a credit."""

    bundle: Bundle
    credit: Credit


class Publisher:
    """Take bundles and see them through to the trainer; a sink.

    A source that can make any bundle asks `next_wanted` and makes just that one; a source that cannot counts up, and
    what the trainer does not want of it is left out. Either way `put` or `drop` is called for each.

    Attributes:
        endpoint: where the trainer listens.
    """

    def __init__(
        self,
        endpoint: str,
        producer: str,
        max_bundle_bytes: int,
        patience_s: float = PATIENCE_S,
        *,
        repeats: bool = True,
        session: str | None = None,
        keys: str | Path | None = None,
        jpeg: Packed | None = None,
    ) -> None:
        """Connect; nothing is waited for.

        Args:
            endpoint: ZeroMQ address of the trainer, such as `tcp://127.0.0.1:5555` or `ipc:///path`.
            producer: name of this plugin, shown by the trainer.
            max_bundle_bytes: largest bundle that will be put.
            patience_s: seconds without a word of the trainer after which it counts as gone.
            repeats: whether a bundle can be made again from its index; else the trainer says what that costs.
            session: name of this start; one that goes on for another that ended may have that one's. New unless given.
            keys: folder that `carla-harness keys` made for this plugin.
            jpeg: packs images with loss, where they go through a socket; None sends them bit by bit.

        Raises:
            InputError: not a ZeroMQ address, or no keys.
        """
        self.endpoint = endpoint
        self._patience_s = patience_s
        self._producer = Producer(
            producer,
            session or secrets.token_hex(8),
            max_bundle_bytes,
            repeats=repeats,
            host=host_name() if is_local(endpoint) else "",
        )
        self._jpeg = jpeg
        self._leaves = not is_local(endpoint)
        self._change = threading.Condition()
        self._offered: dict[int, Message | Bundle | _Filled | str] = {}  # what is not sent yet, or why there is none
        self._slots: TrainerSlots | None = None
        self._rooms: dict[int, Room] = {}  # that are being filled
        self._pool = Pool(max_bundle_bytes)
        self._closing = False
        self._error: ManyskiesError | None = None
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.SNDHWM, 0)  # credit is the bound, not the water mark
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.set(zmq.IMMEDIATE, 1)  # never pile up messages for a trainer that is not there
        self._socket.set(zmq.LINGER, LINGER_MS)
        self._bell, self._ear = self._context.socket(zmq.PAIR), self._context.socket(zmq.PAIR)
        self._ear.bind("inproc://bell")
        self._bell.connect("inproc://bell")
        try:
            if keys is not None:
                present(self._socket, Path(keys))
            self._socket.connect(endpoint)
        except (zmq.ZMQError, InputError) as error:
            self._context.destroy(linger=0)
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"--to {endpoint}: expected an address such as tcp://127.0.0.1:5555, got: {error.strerror}"
            ) from None
        self._thread = threading.Thread(target=self._serve, name="publisher", daemon=True)
        self._thread.start()

    def next_wanted(self, after: int = -1, besides: Collection[int] = (), wait_s: float | None = None) -> int | None:
        """Return the index of the bundle to make next, as soon as the trainer has room for it.

        It is the lowest that the trainer asks this plugin for: mostly the next one up, but a lower one when another
        plugin or an earlier run has left it out. It is named again until it is put or dropped.

        Args:
            after: index that was made last, -1 before the first; that one and lower ones may be asked for too.
            besides: indices that are being made, so that the next one is named.
            wait_s: seconds to wait for an index to be asked for; None waits for ever.

        Returns:
            None when the trainer has enough.

        Raises:
            TimeoutError: nothing was asked for in time.
            StreamError: the trainer is missing or fell silent.
            RefusedError: the trainer refused, in its words.
        """
        until = None if wait_s is None else time.monotonic() + wait_s
        with self._change:
            while True:
                self._check()
                if self._producer.stopped or self._closing:
                    return None
                index = self._producer.next_wanted({*self._offered, *besides})
                if index is not None:
                    return index
                left_s = 0.5 if until is None else min(0.5, until - time.monotonic())
                if left_s <= 0.0:
                    raise TimeoutError("nothing was asked for in time")
                self._change.wait(left_s)

    def put(self, bundle: Bundle) -> bool:
        """Hand a bundle over; wait while the one before it has no credit yet.

        A bundle that the trainer does not want, or not of this plugin, is left out.

        Returns:
            Whether the trainer wants more; False means that this bundle was not taken.

        Raises:
            StreamError: the trainer is missing or fell silent.
            RefusedError: the trainer refused, in its words.
        """
        index = bundle.header.index
        with self._change:
            room = self._rooms.pop(index, None)
            if not self._may_offer(index):
                self._leave_room(room)
                return not self._producer.stopped
            self._offered[index] = self._packed(bundle, room)
        self._ring()
        return True

    def put_frames(self, index: int, frames: Message) -> bool:
        """Hand over a bundle that is encoded already, such as a recording's; else as `put`.

        Args:
            index: of the bundle.
            frames: as `encode_bundle` gives them.
        """
        with self._change:
            if not self._may_offer(index):
                return not self._producer.stopped
            self._offered[index] = frames
        self._ring()
        return True

    def drop(self, index: int, cause: str) -> bool:
        """Tell the trainer that a bundle cannot be made, so that it does not wait for it.

        Args:
            index: of the bundle.
            cause: in a word or two.

        Returns:
            Whether the trainer wants more.

        Raises:
            StreamError: the trainer is missing or fell silent.
            RefusedError: the trainer refused, in its words.
        """
        with self._change:
            self._leave_room(self._rooms.pop(index, None))
            if not self._may_offer(index):
                return not self._producer.stopped
            self._offered[index] = cause
        self._ring()
        return True

    def room(self, index: int, shape: Shape) -> Room:
        """Return arrays to photograph a bundle into, so that `put` need not copy it.

        Args:
            index: of the bundle that is made next; `put` or `drop` ends the use of the arrays.
            shape: what they must hold.
        """
        with self._change:
            self._leave_room(self._rooms.pop(index, None))
            credit = self._producer.credit(index)
            found: Room | None = None
            if self._slots is not None and credit is not None and (memory := self._slots.begin(credit)) is not None:
                found = shape.within(memory, self._slots, credit)
                if found is None:
                    self._slots.end(credit)
            if found is None:
                found = shape.within(self._pool.lend(index, self._needed()))
            if found is None:
                raise ValueError(
                    f"room: expected at most {self._producer.max_bundle_bytes} bytes, got more for {shape}"
                )
            self._rooms[index] = found
            return found

    def _needed(self) -> set[int]:
        """Return the indices whose bundles are still in some memory of ours."""
        return {*self._rooms, *self._offered, *self._producer.held}

    def _leave_room(self, room: Room | None) -> None:
        if room is not None and room.slots is not None and room.credit is not None:
            room.slots.end(room.credit)

    def _packed(self, bundle: Bundle, room: Room | None) -> Message | Bundle | _Filled:
        """Return what the thread has to send; called with the lock held."""
        credit = self._producer.credit(bundle.header.index)
        if room is not None and room.slots is not None:
            ours = room.slots is self._slots and room.credit == credit and room.holds(bundle)
            if not ours:  # cut off meanwhile, its slot has gone to another: it goes through the socket, if at all
                bundle = Bundle(
                    bundle.header,
                    bundle.images.copy(),
                    bundle.mask.copy(),
                    {name: array.copy() for name, array in bundle.extras.items()},
                )
            self._leave_room(room)
            if ours and credit is not None:
                return _Filled(bundle, credit)
        if self._slots is not None:
            return bundle
        return self._encoded(bundle)

    def _encoded(self, bundle: Bundle) -> Message:
        """Return a bundle's frames: small masks and checksums where they leave this machine.

        Within it, packing a mask costs both sides more than its bytes do.
        """
        codec = "zstd" if self._leaves else "raw"
        return encode_bundle(bundle, mask_codec=codec, checksums=self._leaves, jpeg=self._jpeg)

    def _may_offer(self, index: int) -> bool:
        """Wait until the thread can take something for an index: at most one may wait there for its credit.

        Returns:
            False when the trainer does not want it, or wants no more.
        """
        while True:
            self._check()
            if self._producer.stopped:
                return False
            if self._producer.credit(index) is not None:
                return True
            if not self._producer.may_come(index):
                return False
            if not self._offered:
                return True
            self._change.wait(0.5)

    def close(self) -> None:
        """Wait until the trainer has acknowledged everything, say goodbye, and let go of the socket.

        Raises:
            StreamError: the trainer fell silent before it had everything.
        """
        self._patience_s = min(self._patience_s, CLOSING_PATIENCE_S)
        self._leave(wait=True)
        self._check()

    def abandon(self) -> None:
        """Let go of everything at once; what is not acknowledged is lost."""
        self._leave(wait=False)

    def _leave(self, *, wait: bool) -> None:
        if self._thread.is_alive():
            with self._change:
                while wait and self._error is None and not self._producer.stopped:
                    if not self._offered and not self._producer.pending:
                        break
                    self._change.wait(0.2)
                self._closing = True
            self._ring()
            self._thread.join(LINGER_MS / 1000.0 + 5.0)
        self._bell.close(linger=0)
        self._context.destroy(linger=LINGER_MS if wait else 0)
        for index in list(self._rooms):
            self._leave_room(self._rooms.pop(index))
        if self._slots is not None:
            self._slots.leave()
            self._slots = None

    def _ring(self) -> None:
        """Wake the thread; one that has left needs no waking."""
        with contextlib.suppress(zmq.Again):
            self._bell.send(b"", flags=zmq.NOBLOCK)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        """Run the thread: talk until closing or until something is wrong."""
        try:
            self._talk()
        except ManyskiesError as error:
            self._fail(error)
        except zmq.ZMQError as error:
            self._fail(StreamError(f"trainer at {self.endpoint}: the connection broke: {error.strerror}"))
        finally:
            self._ear.close(linger=0)
            self._socket.close(linger=LINGER_MS)

    def _fail(self, error: ManyskiesError) -> None:
        with self._change:
            self._error = error
            self._change.notify_all()

    def _talk(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._ear, zmq.POLLIN)
        spoke = 0.0
        unanswered: float | None = None  # when the first word went out that none came back for
        while not self._closing and not self._producer.stopped:  # who said stop need not say more
            ready = dict(poller.poll(int(HEARTBEAT_S * 250)))
            if self._ear in ready:
                while self._ear.poll(0):
                    self._ear.recv()
            while self._socket.poll(0):
                unanswered = None
                if self._take(self._socket.recv_multipart()):
                    spoke = 0.0
            if self._send_ready():
                spoke = time.monotonic()
            now = time.monotonic()
            # counted from our own word, not from the trainer's last: this thread may have been kept from speaking
            if unanswered is not None and now - unanswered > self._patience_s:
                raise StreamError(self._silence())
            pause = HEARTBEAT_S if self._producer.welcomed else HELLO_EVERY_S
            if now - spoke > pause:
                unanswered = now if unanswered is None else unanswered
                if self._try(self._producer.heartbeat() if self._producer.welcomed else self._producer.hello()):
                    spoke = now
        if self._producer.welcomed:
            self._try(self._producer.goodbye())

    def _silence(self) -> str:
        if not self._producer.run_id:
            return f"no trainer at {self.endpoint}: expected a welcome within {self._patience_s:.0f} s; is it running?"
        return f"trainer at {self.endpoint}: no word for {self._patience_s:.0f} s; is it still running?"

    def _take(self, frames: list[bytes]) -> bool:
        """Take in a message; return whether a hello is due now."""
        with self._change:
            kind = self._producer.receive(frames)
            self._change.notify_all()
            if kind == "welcome":
                self._share_memory()
            if kind == "again":
                self._producer.welcomed = False
        return kind == "again"

    def _share_memory(self) -> None:
        """Map the memory that a welcome offers; without it, or where it cannot be had, planes go through the socket."""
        memory = self._producer.memory
        if self._slots is not None and self._slots.path == memory.get("path"):
            return
        if self._slots is not None:
            self._slots.leave()
        self._slots = None
        if memory:
            with contextlib.suppress(SharedMemoryError):
                self._slots = TrainerSlots(memory)

    def _send_ready(self) -> bool:
        """Send what may be sent; return whether anything was."""
        sent = False
        while True:
            with self._change:
                message = self._producer.resend() or self._offered_message()
            if message is None:
                return sent
            if not self._try(message):
                return sent  # not connected: a new welcome will bring it again
            sent = True

    def _offered_message(self) -> Message | None:
        """Return the next message out of what was offered; what nobody wants any more is left out."""
        if not self._producer.welcomed or self._producer.stopped:
            return None
        for index, offer in list(self._offered.items()):
            wanted = self._producer.credit(index) is not None
            if wanted or not self._producer.may_come(index):
                del self._offered[index]
                self._change.notify_all()
            if wanted and (message := self._message(index, offer)) is not None:
                return message
        return None

    def _message(self, index: int, offer: Message | Bundle | _Filled | str) -> Message | None:
        """Return the message of an offer that has a credit; None when its slot has gone to another meanwhile."""
        if isinstance(offer, str):
            return self._producer.drop(index, offer)
        if isinstance(offer, list):
            return self._producer.send(index, offer)
        credit = self._producer.credit(index)
        if isinstance(offer, _Filled):
            ours = offer.credit == credit
            return self._producer.send(index, [slot_header(offer.bundle)], in_slot=True) if ours else None
        if self._slots is not None and credit is not None and (memory := self._slots.begin(credit)) is not None:
            fits = copy_into(offer, memory)
            self._slots.end(credit)
            if fits:
                return self._producer.send(index, [slot_header(offer)], in_slot=True)
        return self._producer.send(index, self._encoded(offer))

    def _try(self, message: Message) -> bool:
        """Send without waiting; return whether the message went out."""
        try:
            self._socket.send_multipart(message, flags=zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        return True
