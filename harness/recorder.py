"""Recorder: appends what the trainer receives to a recording, and says so when that cannot go on."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Sequence
from pathlib import Path

from protocols.errors import InputError, ManyskiesError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.recording import RecordingWriter


class Recorder:
    """Append bundles as they were received; when the disk is full or the file at fault, the stream goes on without.

    Attributes:
        path: of the file.
        bundles: how many were appended.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        """Begin a recording, or go on with one that is there.

        Args:
            path: a new file or a recording; of one that was cut off, the part that is not whole is removed.
            say: told in a line what went wrong.

        Raises:
            InputError: not to be written, no recording, damaged in its middle, or one that somebody records into.
        """
        self.path = path
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
        self._notice = ""
        if self._writer.cut:
            self._notice = f"--record {path}: removed the last {self._writer.cut} bytes, a record never finished"

    @property
    def bundles(self) -> int:
        """Return how many bundles were appended."""
        return self._writer.bundles

    def put(self, frames: Sequence[Buffer]) -> None:
        """Append a bundle, unless the recording has ended; one that is there already is left out.

        Args:
            frames: as received.
        """
        if self._notice:
            self._say(self._notice)
            self._notice = ""
        if self._open:
            try:
                self._writer.append(frames)
            except (OSError, ManyskiesError) as error:
                self._end(error)

    def close(self) -> None:
        """Write the index, and let go of the file; may be called twice."""
        if self._file.closed:
            return
        try:
            if self._open:
                self._writer.close()
        except OSError as error:
            self._end(error)
        self._open = False
        self._file.close()

    def _end(self, error: Exception) -> None:
        self._open = False
        reason = getattr(error, "strerror", None) or str(error)
        self._say(
            f"--record {self.path}: the recording ends with {self._writer.bundles} new bundles, all whole: {reason}; "
            "the run goes on"
        )
