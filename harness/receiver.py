"""Receiver: one thread takes bundles off a ZeroMQ ROUTER into a ring of slots; the rules are `protocols.flow`.

A bundle is handed on only when all its planes stand whole in a slot. A credit is a free slot, so memory is bounded by
the ring, and a slow trainer stalls the simulator between two ticks instead of losing anything.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import zmq
from numpy.typing import NDArray

from harness.endpoint import LOCAL, check_endpoint, local_endpoint, remove_socket
from harness.intake import Intake
from harness.jpeg import unpacker
from harness.keys import guard
from harness.pinning import Pinned, Reading
from harness.recorder import Recorder
from harness.shared_memory import SharedSlots
from harness.slots import Slots
from harness.stream import Slot, SlotStream, StreamEnd, StreamError, StreamStats, stall_words
from protocols.bundle import HEADER_LIMIT
from protocols.errors import InputError, RemoteProtocolError
from protocols.flow import Consumer, Delivery, Outgoing, envelope
from protocols.wanted import Range

LINGER_MS = 1000
FAREWELL_S = 0.5
POLL_MS = 250
READ_POLL_MS = 1
HANDSHAKE_MS = 5000
SILENT_S = 10.0
"""A producer speaks each second; what one this long silent was to make goes to others, or back to it when it wakes."""
PROBE_S = 2.0
STALL_S = 30.0
"""A wait that is told: planning an episode may take a third of it."""
RECEIPTS = 65_536
MAX_BUNDLE_BYTES = 8 * 1024 * 1024 * 3

__all__ = ["BundleStream", "Slot", "StreamEnd", "StreamError", "StreamStats"]


class BundleStream(SlotStream):
    """Receive bundles, each index exactly once; iterate over it, or `take` and `give_back` without a copy.

    Attributes:
        endpoint: the address bound, with its real port.
        ordered: whether bundles are handed on in the order of their indices.
        receipts: indices as they were taken, the newest 65,536 of them.
        watch: called now and then by whoever takes; may raise to end a wait that has lost its sense.
        warn: is told, in a line, of what goes on but should be known: a stall and who causes it, a source that cannot
            repeat itself. Written to the log unless changed.

    Example:
        >>> with BundleStream("tcp://127.0.0.1:5555") as stream:  # doctest: +SKIP
        ...     for bundle in stream:
        ...         print(bundle.header.identity, bundle.images.shape)
    """

    def __init__(
        self,
        endpoint: str,
        *,
        slots: int = 6,
        max_bundle_bytes: int = MAX_BUNDLE_BYTES,
        patience_s: float = 60.0,
        first_patience_s: float | None = None,
        ordered: bool = False,
        wanted: Sequence[Range] = ((0, None),),
        run_id: str | None = None,
        shared: bool = False,
        reserve: int = 0,
        keys: str | Path | None = None,
        pin: bool = False,
        record: str | Path | None = None,
    ) -> None:
        """Bind the address and start the thread.

        Args:
            endpoint: `local` (made up), `ipc://PATH`, `tcp://127.0.0.1:PORT` (`*` = a free one); with keys any.
            slots: bundles that may wait here; the sum of all credits. Ordered, it is how far producers look ahead.
            max_bundle_bytes: largest bundle, all planes together.
            patience_s: seconds without a word of any producer until `take` gives up.
            first_patience_s: the same for the very first producer; `patience_s` unless given.
            ordered: whether to hand bundles on in the order of their indices, whoever makes them: the same run again
                gets the same bundles in the same order. Else as they come.
            wanted: half-open ranges of the indices that are wanted, ascending; an end of None means for ever.
            run_id: this run's name, told to producers; a new one unless given.
            shared: whether slots lie in shared memory, so that plugins on this machine write straight into them.
            reserve: further shared slots, for a reservoir; see `reserved`.
            keys: folder that `carla-harness keys` made for the trainer: only plugins whose key is in it are heard.
            pin: whether to lock the slots for copies by a GPU; see `give_back`.
            record: file that every bundle is appended to as it came; `warn` is told when that cannot go on.

        Raises:
            InputError: the address cannot be bound, other machines could reach it and there are no keys, there is
                too little shared memory, or the recording cannot be gone on with.
            ValueError: the ranges overlap or do not ascend.
        """
        check_endpoint(endpoint, guarded=keys is not None)
        endpoint = local_endpoint(ipc=bool(zmq.has("ipc"))) if endpoint == LOCAL else endpoint
        self.warn: Callable[[str], None] = logging.getLogger(__name__).warning
        self._recorder = None if record is None else Recorder(Path(record), lambda words: self.warn(words))
        jpeg = None if ordered else unpacker()
        self._shared = SharedSlots(slots, max_bundle_bytes, reserve) if shared else None
        self._slots: Slots | SharedSlots = self._shared or Slots(slots, max_bundle_bytes)
        self._pinned: Pinned | None = None
        self._consumer = Consumer(
            secrets.token_hex(8) if run_id is None else run_id,
            slots,
            max_bundle_bytes,
            ordered=ordered,
            wanted=wanted,
            memory=self._slots.describe,
            claim=self._slots.claim,
        )
        self.ordered = ordered
        self.receipts: deque[int] = deque(maxlen=RECEIPTS)
        self._patience_s = patience_s
        self._first_patience_s = patience_s if first_patience_s is None else first_patience_s
        self._change = threading.Condition()
        self._ready: dict[int, tuple[Slot, int]] = {}  # by index, in the order they came
        self._returned: list[int] = []
        self._read: list[tuple[Reading, int]] = []  # slots that are given back and still read by a GPU
        self._closing = False
        self._stopping = False
        self._stats = StreamStats()
        self._heard: dict[bytes, float] = {}
        self._last_name = ""
        self._last_heard = self._probed = time.monotonic()
        self.watch: Callable[[], None] = lambda: None
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.RCVHWM, 0)  # credit is the bound; a ROUTER at its water mark drops without a word
        self._socket.set(zmq.SNDHWM, 0)
        self._socket.set(zmq.ROUTER_MANDATORY, 1)
        self._socket.set(zmq.MAXMSGSIZE, max(max_bundle_bytes, 2 * HEADER_LIMIT))
        self._socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._socket.set(zmq.LINGER, LINGER_MS)
        keep = None if self._recorder is None else self._recorder.put
        self._intake = Intake(self._socket, self._shared, jpeg, keep)
        self._guard = None
        try:
            if pin:
                self._pinned = Pinned(self._slots.pieces)
            if keys is not None:
                self._guard = guard(self._socket, self._context, Path(keys))
            self._socket.bind(endpoint)
        except (zmq.ZMQError, InputError) as error:
            self._let_go()
            if isinstance(error, InputError):
                raise
            raise InputError(f"{endpoint}: expected an address that is free here, got: {error.strerror}") from None
        self.endpoint = self._socket.get(zmq.LAST_ENDPOINT).decode().rstrip("\0")
        self._bell, self._ear = self._context.socket(zmq.PAIR), self._context.socket(zmq.PAIR)
        self._ear.bind("inproc://bell")
        self._bell.connect("inproc://bell")
        self._thread = threading.Thread(target=self._serve, name="receiver", daemon=True)
        self._thread.start()

    def take(self, *, wait: bool = True) -> Slot | None:
        """Return the next bundle in its slot, which must be given back.

        Args:
            wait: whether to wait for one; else None when there is none.

        Raises:
            StreamEnd: all bundles that were wanted have been taken.
            StreamError: no producer came, or all fell silent or left, for longer than the patience.
        """
        started = time.monotonic()
        told = False
        while True:
            self.watch()
            with self._change:
                index = self._next()
                if index is None and wait:
                    self._check_patience(started)
                    if not told and time.monotonic() - started > STALL_S:
                        told = True
                        self.warn(stall_words(self._consumer, self._ages(), time.monotonic() - started))
                    self._change.wait(0.5)
                    index = self._next()
                if index is not None or not wait:
                    self._stats.wait_s += time.monotonic() - started
                    return None if index is None else self._hand_on(index)

    def _next(self) -> int | None:
        """Return the index that may be handed on now; called with the lock held."""
        if not self._ready:
            return None
        if not self.ordered:
            return next(iter(self._ready))
        index, missing = min(self._ready), self._consumer.next_index
        return index if missing is None or index < missing else None

    def _hand_on(self, index: int) -> Slot:
        slot, number = self._ready.pop(index)
        self._slots.take_out(number)
        self.receipts.append(index)
        return slot

    def give_back(self, memory: NDArray[np.uint8], after: Reading | None = None) -> None:
        """Put a slot's memory, or other memory of the same size in exchange, back into the ring.

        Args:
            memory: `(max_bundle_bytes,)` uint8.
            after: what still reads it, such as a `torch.cuda.Event` recorded after a `non_blocking` copy; only when
                that is done is the slot free for another bundle.

        Raises:
            ValueError: other memory than that, or more than was taken.
        """
        with self._change:
            if self._closing:
                return
            number = self._slots.put_in(memory)
            if after is None or after.query():
                self._returned.append(number)
            else:
                self._read.append((after, number))
            self._ring()

    @property
    def reserved(self) -> list[NDArray[np.uint8]]:
        """Return the memory of the reserve: with it a reservoir is one block with the ring, and swaps slot for slot."""
        return [] if self._shared is None else list(self._shared.reserve)

    @property
    def dropped(self) -> dict[int, str]:
        """Return index and cause of the bundles that their producer could not make."""
        with self._change:
            return dict(self._consumer.dropped)

    @property
    def wanted(self) -> tuple[Range, ...]:
        """Return the indices that have neither come nor been dropped."""
        with self._change:
            return self._consumer.wanted

    @property
    def run_id(self) -> str:
        """Return this run's name."""
        return self._consumer.run_id

    @property
    def max_bundle_bytes(self) -> int:
        """Return the size of a slot."""
        return self._consumer.max_bundle_bytes

    def stats(self) -> StreamStats:
        """Return what the stream has seen so far."""
        with self._change:
            return replace(
                self._stats,
                duplicates=self._consumer.duplicates,
                dropped=len(self._consumer.dropped),
                producer_age_s=self._ages(),
            )

    def _ring(self) -> None:
        """Wake the thread, unless it has ended."""
        with contextlib.suppress(zmq.ZMQError):
            self._bell.send(b"", flags=zmq.NOBLOCK)

    def _ages(self) -> dict[str, float]:
        """Return seconds since the last word of each connected producer; called with the lock held."""
        now, names = time.monotonic(), self._consumer.producers
        return {names[peer]: now - heard for peer, heard in self._heard.items() if peer in names}

    def stop(self) -> None:
        """Tell the producers, present and to come, to stop; the stream stays open for their goodbyes."""
        with self._change:
            if not self._closing and not self._stopping:
                self._stopping = True
                self._ring()

    def close(self) -> None:
        """Tell the producers to stop, and let go of address, thread and memory; may be called twice."""
        with self._change:
            if self._closing:
                return
            self._closing = True
            self._ring()
            self._change.notify_all()
        self._thread.join()
        self._bell.close(linger=0)
        self._let_go()
        remove_socket(self.endpoint)  # libzmq leaves it behind
        self._ready.clear()

    def _let_go(self) -> None:
        """Close what the constructor opened."""
        if self._guard is not None:
            self._guard.stop()
        if not self._socket.closed:
            self._socket.close(linger=0)
        self._context.term()
        for reading, _ in self._read:
            reading.synchronize()
        if self._pinned is not None:
            self._pinned.release()
        self._slots.close()
        if self._recorder is not None:
            self._recorder.close()

    def _check_patience(self, started: float) -> None:
        """Give up when nobody has said a word for too long; called with the lock held."""
        if self._closing:
            raise StreamError(f"{self.endpoint}: the stream is closed")
        if not self._thread.is_alive():
            raise StreamError(f"{self.endpoint}: the receiver's thread has ended: {self._stats.last_fault}")
        if not self._ready and self._consumer.finished:
            raise StreamEnd(f"{self.endpoint}: expected no more, for all bundles that were wanted have been taken")
        patience_s = self._patience_s if self._last_name else self._first_patience_s
        if time.monotonic() - max(self._last_heard, started) < patience_s:
            return
        if not self._last_name:
            raise StreamError(
                f"no producer at {self.endpoint} within {patience_s:.0f} s; "
                f"start one: carla-plugin stream SCENARIO --to {self.endpoint}"
            )
        silent = ", ".join(self._consumer.producers.values()) or self._last_name
        raise StreamError(
            f"producer {silent}: no word for {patience_s:.0f} s after {self._stats.bundles} bundles; is it running?"
        )

    # everything below runs in the thread

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._ear, zmq.POLLIN)
        told = False  # that they are to stop
        try:
            while not self._closing:
                ready = dict(poller.poll(READ_POLL_MS if self._read else POLL_MS))
                self._look_at_readers()
                if self._ear in ready:
                    while self._ear.poll(0):
                        self._ear.recv()
                    with self._change:
                        numbers, self._returned = self._returned, []
                        self._send(self._consumer.freed(numbers))
                        if self._stopping and not told:
                            told = True
                            self._send(self._consumer.stop())
                if self._socket in ready:
                    self._receive()
                self._forget_silent()
            self._part()
        except Exception as error:  # the waiting trainer must hear of it
            self._stats.last_fault = f"{type(error).__name__}: {error}"
            with self._change:
                self._change.notify_all()
        finally:
            self._ear.close(linger=0)
            self._socket.close(linger=LINGER_MS)

    def _look_at_readers(self) -> None:
        """Free the slots whose copies to a GPU are done."""
        with self._change:
            done = [number for reading, number in self._read if reading.query()]
            self._read = [each for each in self._read if each[1] not in done]
            if done:
                self._send(self._consumer.freed(done))

    def _part(self) -> None:
        """Tell all to stop, and wait a little for their goodbyes: what is unread when a connection ends is lost."""
        with self._change:
            self._send(self._consumer.stop())
        until = time.monotonic() + FAREWELL_S
        while self._consumer.producers and (left_s := until - time.monotonic()) > 0.0:
            if self._socket.poll(int(1000 * left_s)):
                self._receive()

    def _send(self, outgoing: list[Outgoing]) -> None:
        for peer, message in outgoing:
            try:
                self._socket.send_multipart([peer, *message], flags=zmq.NOBLOCK)
            except (zmq.Again, zmq.ZMQError):  # it has gone: its credits go to the others
                self._heard.pop(peer, None)
                self._send(self._consumer.lost(peer))

    def _receive(self) -> None:
        """Take one message off the socket; with many waiting, the poller comes back at once."""
        peer = self._socket.recv()
        try:
            if not self._intake.more():
                raise RemoteProtocolError("expected an envelope, got an empty message")
            envelope = self._socket.recv(flags=zmq.NOBLOCK)
            with self._change:
                outgoing, delivery = self._consumer.receive(peer, envelope)
                self._note(peer)
                self._send(outgoing)
                remarks = [self._consumer.remarks.popleft() for _ in range(len(self._consumer.remarks))]
                self._change.notify_all()  # of what was dropped, or that nothing more will come
            for remark in remarks:
                self.warn(remark)
            if delivery is not None:
                self._store(delivery)
            self._intake.drain()
        except RemoteProtocolError as error:
            self._fault(error)
            with self._change:
                self._send(self._consumer.turn_away(peer, str(error)))
        except zmq.Again:
            self._fault(RemoteProtocolError("a message ended in its middle"))

    def _note(self, peer: bytes) -> None:
        """Remember when a producer spoke last."""
        name = self._consumer.producers.get(peer)
        if name is None:
            self._heard.pop(peer, None)
        else:
            self._heard[peer] = self._last_heard = time.monotonic()
            self._last_name = name

    def _fault(self, error: RemoteProtocolError) -> None:
        with contextlib.suppress(zmq.Again):
            self._intake.drain()
        self._stats.faults += 1
        self._stats.last_fault = str(error)

    def _store(self, delivery: Delivery) -> None:
        """Read the planes of a wanted bundle into a free slot and publish it when whole."""
        memory = self._slots.memory(delivery.slot)
        try:
            bundle = self._intake.read(memory, delivery)
        except (RemoteProtocolError, zmq.Again) as error:
            fault = error if isinstance(error, RemoteProtocolError) else RemoteProtocolError("a plane is missing")
            self._fault(fault)
            with self._change:
                self._send(self._consumer.rejected(f"bundle {delivery.index}: {fault}"))
            return
        with self._change:
            self._ready[delivery.index] = (Slot(bundle, memory), delivery.slot)
            self._stats.bundles += 1
            self._stats.in_place += delivery.in_slot
            self._send(self._consumer.stored())
            self._change.notify_all()

    def _forget_silent(self) -> None:
        """Give the credits of producers that are gone, or silent for too long, to the others."""
        now = time.monotonic()
        silent_s = min(SILENT_S, self._patience_s)
        with self._change:
            for peer, heard in list(self._heard.items()):
                if now - heard > silent_s:
                    self._last_name = self._consumer.producers.get(peer, self._last_name)
                    del self._heard[peer]
                    self._send(self._consumer.lost(peer))
                elif now - max(heard, self._probed) > PROBE_S:  # a send to one that is gone fails at once
                    self._send([Outgoing(peer, [envelope("heartbeat")])])
            if now - self._probed > PROBE_S:
                self._probed = now
            self._send(self._consumer.freed())  # slots that could not be dealt out before
