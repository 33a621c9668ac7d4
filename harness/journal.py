"""The journal: one line of JSON an iteration, what it used and what came of it; the same for equal runs, byte by byte.

A line is handed to the system at once, so that it survives the death of this process; at each checkpoint it is forced
to disk, so that it survives that of the machine. A resume cuts off what was written after its checkpoint.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protocols.errors import InputError


class Journal:
    """Append to a file of lines."""

    def __init__(self, file: Path, offset: int = 0) -> None:
        """Open the file and cut it off at `offset`.

        Args:
            file: made when it is not there.
            offset: bytes to keep.

        Raises:
            InputError: the file is shorter than that, or cannot be written.
        """
        self.file = file
        try:
            self._out = open(file, "ab")  # noqa: SIM115  # closed by close
            size = os.fstat(self._out.fileno()).st_size
            if size < offset:
                self._out.close()
                raise InputError(f"{file}: expected at least the {offset} bytes that the checkpoint knows, got {size}")
            self._out.truncate(offset)
        except OSError as error:
            raise InputError(f"{file}: expected a file that can be written, got: {error.strerror}") from None

    def write(self, iteration: int, bundles: Sequence[Mapping[str, Any]], values: Mapping[str, float]) -> None:
        """Append the line of an iteration.

        Args:
            iteration: 0-based.
            bundles: what was drawn: index, digest, appearances, wanted class, window, whether mirrored.
            values: what the model returned: losses and margins.
        """
        line = {"iteration": iteration, "bundles": list(bundles), "values": dict(values)}
        self._out.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._out.flush()

    def settle(self) -> int:
        """Force everything to disk, and return the length of the file in bytes."""
        self._out.flush()
        os.fsync(self._out.fileno())
        return os.fstat(self._out.fileno()).st_size

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._out.close()


def read_journal(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal; a last one that was cut off is left out.

    Raises:
        InputError: not there, or a line that is no JSON.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: expected a journal, got: {error.strerror}") from None
    lines = text.split(b"\n")[:-1]
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise InputError(f"{file}: expected a line of JSON an iteration, got: {error}") from None
