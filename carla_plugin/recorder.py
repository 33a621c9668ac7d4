"""Recorder: a sink that appends each bundle to a recording, and says so when that cannot go on."""

from __future__ import annotations

import fcntl
import itertools
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from protocols.bundle import Bundle, Packed, encode_bundle
from protocols.errors import InputError, ManyskiesError, RemoteProtocolError
from protocols.recording import RecordingWriter


def say_on_stderr(words: str) -> None:
    """Say a line to the user."""
    print(f"carla-plugin: {words}", file=sys.stderr, flush=True)


class Recorder:
    """Append bundles to a file; when the disk is full the stream goes on without, unless asked otherwise.

    A recording that is there already is gone on with: its end is checked, a record that was never finished is removed,
    and bundles that it has are left out. One that is damaged in its middle is refused.

    Attributes:
        path: of the file.
        bundles: how many were appended.
    """

    def __init__(
        self,
        path: Path,
        *,
        jpeg: Packed | None = None,
        or_stop: bool = False,
        say: Callable[[str], None] = say_on_stderr,
    ) -> None:
        """Begin a recording, or go on with one.

        Args:
            path: a new file or a recording.
            jpeg: packs images with loss; None keeps them bit by bit.
            or_stop: whether the stream ends when the recording cannot go on.
            say: told in a line what went wrong.

        Raises:
            InputError: not to be written, no recording, damaged in its middle, or one that somebody records into.
        """
        self.path = path
        self._jpeg = jpeg
        self._or_stop = or_stop
        self._say = say
        self._open = True
        try:
            self._file = open(path, "r+b" if path.exists() else "x+b", buffering=0)  # noqa: SIM115  # closed in close
        except OSError as error:
            raise InputError(f"--record {path}: expected a file to write to, got: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._writer = RecordingWriter(self._file)
        except BlockingIOError:
            self._file.close()
            raise InputError(f"--record {path}: expected a file of our own, another process records into it") from None
        except (OSError, RemoteProtocolError) as error:
            self._file.close()
            raise InputError(f"--record {path}: {getattr(error, 'strerror', None) or error}") from None
        if self._writer.cut:
            say(f"--record {path}: removed the last {self._writer.cut} bytes, a record that was never finished")

    @property
    def bundles(self) -> int:
        """Return how many bundles were appended."""
        return self._writer.bundles

    def next_lacking(self, besides: Collection[int]) -> int:
        """Return the lowest index that is neither in the recording nor among others: a run begun again makes no more.

        Args:
            besides: indices that are being made.
        """
        return next(index for index in itertools.count() if not self._writer.has(index) and index not in besides)

    def put(self, bundle: Bundle) -> bool:
        """Append a bundle, unless the recording has ended.

        Returns:
            True: a recording never has enough.

        Raises:
            InputError: it cannot go on, and the stream is not to go on without it.
        """
        if self._open:
            try:
                self._writer.append(encode_bundle(bundle, mask_codec="zstd", jpeg=self._jpeg))
            except (OSError, ManyskiesError) as error:
                self._end(error)
        return True

    def drop(self, index: int, cause: str) -> bool:
        """Hear that a bundle cannot be made; a recording just lacks it."""
        return True

    def close(self) -> None:
        """Write the index, and let go of the file; may be called twice."""
        if self._file.closed:
            return
        try:
            if self._open:
                self._writer.close()
        except OSError as error:
            self._or_stop = False  # all bundles are there: an index is made again whenever it is missing
            self._end(error)
        finally:
            self._open = False
            self._file.close()

    def _end(self, error: Exception) -> None:
        self._open = False
        reason = getattr(error, "strerror", None) or str(error)
        words = f"--record {self.path}: the recording ends with {self._writer.bundles} new bundles, all whole: {reason}"
        if self._or_stop:
            raise InputError(words) from None
        self._say(f"{words}; the stream goes on")
