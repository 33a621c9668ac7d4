"""Producer: the plugin's end of the flow, without a socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from protocols.envelopes import (
    Credit,
    Message,
    credits_of,
    envelope,
    flag,
    number,
    numbers,
    open_envelope,
    ranges_of,
    text,
)
from protocols.errors import LocalProtocolError, RefusedError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.wanted import Wanted

MAJOR, MINOR = 1, 0


class Producer:
    """Say hello, make the bundles that credits name, keep each until it is acknowledged.

    Attributes:
        welcomed: whether the consumer has said welcome since the last hello.
        stopped: whether the consumer wants no more.
        run_id: the consumer's run, as it said in its welcome.
        ordered: whether the consumer hands bundles on in the order of their indices.
        next_index: lowest index that the consumer still lacked, as it said in its welcome.
        wanted: all indices it still lacked then.
        memory: what the consumer said of memory to be shared; empty when there is none.
    """

    def __init__(
        self, producer: str, session: str, max_bundle_bytes: int, *, repeats: bool = True, host: str = ""
    ) -> None:
        """Start with nothing sent.

        Args:
            producer: name shown to the user, such as "town@4711".
            session: unique to this start of the plugin.
            max_bundle_bytes: largest bundle that will be sent, all planes together, unpacked.
            repeats: whether a bundle can be made again from its index; if not, the trainer says what that costs.
            host: name of this machine, by which the consumer knows whether memory can be shared; empty: it cannot.
        """
        self.producer = producer
        self.session = session
        self.max_bundle_bytes = max_bundle_bytes
        self.repeats = repeats
        self.host = host
        self.welcomed = False
        self.stopped = False
        self.run_id = ""
        self.ordered = False
        self.next_index = 0
        self.wanted = Wanted(())
        self.memory: dict[str, Any] = {}
        self._credits: dict[int, Credit] = {}  # by index
        # by index, what is not acknowledged: its frames, why it was dropped, or None where it stands in a slot
        self._held: dict[int, Message | str | None] = {}
        self._again: deque[int] = deque()  # indices that must be sent again before anything new
        self._highest = -1

    @property
    def pending(self) -> int:
        """Return the number of bundles that are not acknowledged."""
        return len(self._held)

    @property
    def held(self) -> set[int]:
        """Return the indices of the bundles that are not acknowledged."""
        return set(self._held)

    @property
    def credits(self) -> int:
        """Return the number of bundles that are asked for and not sent."""
        return len(self._credits.keys() - self._held.keys())

    def credit(self, index: int) -> Credit | None:
        """Return the credit for a bundle that is asked for and not sent yet."""
        return None if index in self._held else self._credits.get(index)

    def next_wanted(self, made: Iterable[int] = ()) -> int | None:
        """Return the lowest index that is asked for, not sent yet, and not among those `made`."""
        return min(self._credits.keys() - self._held.keys() - set(made), default=None)

    def may_come(self, index: int) -> bool:
        """Return whether a bundle that nobody asks for yet may still be asked for, going upwards."""
        return not self.welcomed or (index in self.wanted and index > self._highest)

    def hello(self) -> Message:
        """Return the message that opens, or opens again, the conversation."""
        self.welcomed = False
        self._credits.clear()
        self._again.clear()
        self._held = {index: frames for index, frames in self._held.items() if frames is not None}
        return [
            envelope(
                "hello",
                major=MAJOR,
                minor=MINOR,
                producer=self.producer,
                session=self.session,
                max_bundle_bytes=self.max_bundle_bytes,
                repeats=self.repeats,
                host=self.host,
                held=sorted(self._held),
            )
        ]

    def send(self, index: int, frames: Sequence[Buffer], *, in_slot: bool = False) -> Message:
        """Return the message that carries a bundle, and keep it until it is acknowledged.

        Args:
            index: of the bundle, which must have been asked for.
            frames: as `encode_bundle` gives them; they must not change before the acknowledgement.
            in_slot: whether the planes stand in the credit's slot already, and `frames` is the header alone. Such a
                bundle is not sent again when the connection breaks: it is made again.

        Raises:
            LocalProtocolError: no credit, not welcomed, or larger than announced.
        """
        credit = self._spend(index)
        size = sum(len(frame) for frame in frames[1:])
        if size > self.max_bundle_bytes:
            raise LocalProtocolError(f"send: expected at most {self.max_bundle_bytes} bytes, got {size}")
        if in_slot:
            self._held[index] = None
            return [envelope("bundle", sequence=credit.sequence, index=index, slot=credit.slot), *frames]
        self._held[index] = list(frames)
        return self._message(credit)

    def drop(self, index: int, cause: str) -> Message:
        """Return the message that a bundle cannot be made, and keep it until it is acknowledged.

        Args:
            index: of the bundle, which must have been asked for.
            cause: in a word or two, at most 200 characters of it are sent.

        Raises:
            LocalProtocolError: no credit, or not welcomed.
        """
        credit = self._spend(index)
        self._held[index] = cause[:200]
        return self._message(credit)

    def _spend(self, index: int) -> Credit:
        credit = self.credit(index)
        if not self.welcomed or credit is None:
            raise LocalProtocolError(f"send: expected a welcome and a credit for bundle {index}, got neither")
        return credit

    def _message(self, credit: Credit) -> Message:
        held = self._held[credit.index]
        if isinstance(held, str):
            return [envelope("dropped", sequence=credit.sequence, index=credit.index, cause=held)]
        return [envelope("bundle", sequence=credit.sequence, index=credit.index), *(held or ())]

    def resend(self) -> Message | None:
        """Return the next message that has to go out again, or None when there is none."""
        while self.welcomed and self._again:
            index = self._again.popleft()
            if index in self._held and index in self._credits:
                return self._message(self._credits[index])
        return None

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
            self._welcome(values)
        elif kind == "ack":
            sequence = number(values, "sequence")
            for credit in [each for each in self._credits.values() if each.sequence == sequence]:
                del self._credits[credit.index]
                self._held.pop(credit.index, None)
        elif kind == "credit" and self.welcomed:  # else it is void: the welcome that is on its way names them anew
            self._add(credits_of(values))
        elif kind == "revoked" and self.welcomed:
            for sequence in numbers(values, "sequences"):
                self._revoke(sequence)
        elif kind == "stop":
            self.stopped = True
        elif kind == "refused":
            raise RefusedError(f"trainer refused: {text(values, 'reason')}")
        return kind

    def _welcome(self, values: dict[str, Any]) -> None:
        if number(values, "major") != MAJOR:
            raise RefusedError(f"trainer speaks stream version {values['major']}, not {MAJOR}; update one side")
        credits = credits_of(values)
        self.run_id = text(values, "run_id")
        self.next_index = number(values, "next_index")
        self.ordered = flag(values, "ordered")
        memory = values.get("memory")
        self.memory = memory if type(memory) is dict else {}
        try:
            self.wanted = Wanted(ranges_of(values, "wanted"))
        except ValueError as error:
            raise RemoteProtocolError(f"welcome: {error}") from None
        named = {credit.index for credit in credits}
        self._held = {index: frames for index, frames in self._held.items() if index in named}
        self._credits.clear()
        self._again.clear()
        self._highest = -1
        self._add(credits)
        self.welcomed = True

    def _add(self, credits: Sequence[Credit]) -> None:
        for credit in credits:
            index = credit.index
            if index in self._held:  # its credit was taken back while it was under way, and given again: send it again
                if self._held[index] is None:
                    del self._held[index]
                else:
                    self._again.append(index)
            self._credits[index] = credit
            self._highest = max(self._highest, index)

    def _revoke(self, sequence: int) -> None:
        """Forget a credit that another producer has now; what is sent already is left to the consumer."""
        for credit in [each for each in self._credits.values() if each.sequence == sequence]:
            if credit.index not in self._held:
                del self._credits[credit.index]

    def heartbeat(self) -> Message:
        """Return the message that shows we live while no bundle is ready."""
        return [envelope("heartbeat")]

    def goodbye(self) -> Message:
        """Return the message that gives unused credits back."""
        self.welcomed = False
        return [envelope("goodbye")]
