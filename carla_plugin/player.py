"""Player: streams a recording to a trainer as if it were photographed now; the bytes are those of the file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from carla_plugin.publisher import Publisher
from protocols.bundle import places
from protocols.errors import InputError, RemoteProtocolError
from protocols.recording import Recording

ABSENT = "not in the recording"


@contextlib.contextmanager
def opened(path: Path, *, use_index: bool = True) -> Iterator[Recording]:
    """Open a recording for reading.

    Raises:
        InputError: no such file, or no recording.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: expected a recording, got: {error.strerror}") from None
    with file:
        try:
            recording = Recording(file, use_index=use_index)
        except (OSError, RemoteProtocolError) as error:
            raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
        yield recording


def largest_bundle(recording: Recording) -> int:
    """Return the bytes of the largest bundle, as sent or unpacked."""
    found = 0
    for number in range(len(recording)):
        try:
            planes = recording.header(number).planes
        except RemoteProtocolError:  # `play` says so when its turn comes
            continue
        found = max(found, places(planes)[-1], sum(plane.nbytes for plane in planes))
    return found


def play(
    recording: Recording,
    publisher: Publisher,
    *,
    rate: float | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> tuple[int, int]:
    """Send what the trainer asks for until it has all that is there, or enough.

    Bundles that it asks for below the last one, and which are not there, are dropped: nobody waits for them.

    Args:
        recording: what to send.
        publisher: to whom.
        rate: bundles a second at most; None: as fast as they are taken.
        say: told of records that are damaged, which are dropped, too.

    Returns:
        How many were sent, and how many of those that are there were damaged.

    Raises:
        PeerError: the trainer is missing, refused, or fell silent.
    """
    last = max(recording.distinct, default=-1)
    index, sent, damaged, due = -1, 0, 0, time.monotonic()
    while (wanted := publisher.next_wanted(index)) is not None and wanted <= last:
        index = wanted
        number = recording.number_of(index)
        if number is None:
            publisher.drop(index, ABSENT)
            continue
        if rate is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic()) + 1.0 / rate
        try:
            frames = recording.read(number)
        except RemoteProtocolError as error:
            damaged += 1
            say(f"bundle {index} is left out: {error}")
            publisher.drop(index, "damaged in the recording")
            continue
        sent += publisher.put_frames(index, frames)
    return sent, damaged
