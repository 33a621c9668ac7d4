"""Layouts files: the plan of a whole run on disk, from which any episode is read alone.

A file is a magic number, a header (msgpack: version, scenario, seed, town), then one block for each episode from 0 up
(msgpack, compressed), then an end mark that says how many there are. Each part has its length and CRC-32 before it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
import zstandard

from carla_plugin.layouts import Layouts
from carla_plugin.scenario import Scenario, disagreements, load_scenario
from carla_plugin.strict_yaml import dotted
from protocols.errors import InputError

MAGIC = b"manysky\x01"
VERSION = 1

PART = struct.Struct("<4sQI")
"""Before each part: its kind, its length in bytes, its CRC-32."""

HEAD, EPISODE, END = b"HEAD", b"EPIS", b"DONE"

HEADER_LIMIT = 1 << 20
BLOCK_LIMIT = 64 << 20
"""Bytes that an episode may have on disk."""

PLAIN_LIMIT = 256 << 20
"""Bytes that an episode may have in memory, before it is decoded."""

LEVEL = 6

T = TypeVar("T")


class LayoutsError(InputError):
    """A layouts file is not what was expected; the message names the file, and what is wrong where."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    scenario: Scenario
    seed: int
    town: str


class _End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    episodes: int


@dataclass(frozen=True)
class _Block:
    start: int
    length: int
    checksum: int


class LayoutsFile:
    """Read a layouts file: opened, it is known to be whole; an episode is decoded when it is asked for.

    Attributes:
        path: of the file.
        scenario: what was planned.
        seed: of the run.
        town: name of the map.
        episodes: how many there are.
    """

    def __init__(self, path: Path, header: _Header, blocks: tuple[_Block, ...]) -> None:
        """Take what was found; use `open_layouts` instead."""
        self.path = path
        self.scenario = header.scenario
        self.seed = header.seed
        self.town = header.town
        self.episodes = len(blocks)
        self._blocks = blocks

    def read(self, episode: int) -> Layouts:
        """Return the plan of one episode.

        Raises:
            LayoutsError: there is no such episode, or its block is damaged.
        """
        if not 0 <= episode < self.episodes:
            raise LayoutsError(f"{self.path}: expected an episode from 0 to {self.episodes - 1}, asked for {episode}")
        block, where = self._blocks[episode], f"{self.path}: episode {episode}"
        with _opened(self.path) as stream:
            stream.seek(block.start)
            data = stream.read(block.length)
        if zlib.crc32(data) != block.checksum:
            raise LayoutsError(f"{where}: expected checksum {block.checksum:08x}, got {zlib.crc32(data):08x}; damaged")
        layouts = _decoded(_inflated(data, where), Layouts, where)
        self._check(layouts, episode, where)
        return layouts

    def _check(self, layouts: Layouts, episode: int, where: str) -> None:
        """Raise unless the plan can be placed, and is that of its place in the file."""
        got = (layouts.town, layouts.seed, layouts.episode, len(layouts.moments))
        expected = (self.town, self.seed, episode, self.scenario.bundles)
        if got != expected:
            raise LayoutsError(f"{where}: expected town, seed, episode, moments {expected}, got {got}")
        for fault in layouts.faults():
            raise LayoutsError(f"{where}: {fault}")
        cameras = len(self.scenario.cameras)
        if any(len(moment.cameras) != cameras for moment in layouts.moments):
            raise LayoutsError(f"{where}: expected poses of {cameras} cameras in each moment, got others")


@dataclass(frozen=True)
class Source:
    """Say where moments come from: a scenario alone, or the plan of a layouts file.

    Attributes:
        scenario: what is photographed.
        seed: of the run, unless another is asked for; a plan has its own.
        planned: the layouts file, or None where each episode is planned on the server.
    """

    scenario: Scenario
    seed: int
    planned: LayoutsFile | None = None


def load_source(reference: str) -> Source:
    """Read a scenario or a layouts file, whichever a reference names.

    Args:
        reference: the path of either, or the bare name of a scenario that ships.

    Raises:
        ScenarioError: the scenario is not what was expected; see `load_scenario`.
        LayoutsError: the layouts file is not what was expected; see `open_layouts`.
    """
    if is_layouts(reference):
        planned = open_layouts(reference)
        return Source(planned.scenario, planned.seed, planned)
    scenario = load_scenario(reference)
    return Source(scenario, scenario.seed)


def is_layouts(reference: str) -> bool:
    """Return whether a reference names a file that begins as layouts files do."""
    try:
        with Path(reference).open("rb") as stream:
            return stream.read(len(MAGIC))[:-1] == MAGIC[:-1]
    except (OSError, ValueError):
        return False


def open_layouts(path: str | Path) -> LayoutsFile:
    """Read the header of a layouts file, and where its episodes are.

    Raises:
        LayoutsError: not readable, of another version, truncated, damaged, or too large.
    """
    path = Path(path)
    with _opened(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        magic = stream.read(len(MAGIC))
        if magic[:-1] != MAGIC[:-1]:
            raise LayoutsError(f"{path}: expected a layouts file of `carla-plugin plan`, got another kind of file")
        if magic != MAGIC:
            raise LayoutsError(f"{path}: expected format {MAGIC[-1]}, got {magic[-1]}; plan anew with this version")
        parts = _parts(stream, size, path)
        kind, block = next(parts)
        header = _header(stream, kind, block, path)
        blocks: list[_Block] = []
        for kind, block in parts:
            if kind == EPISODE:
                blocks.append(block)
                continue
            end = _decoded(_checked(stream, block, path), _End, f"{path}: end mark")
            if kind != END or end.episodes != len(blocks) or block.start + block.length != size:
                raise LayoutsError(
                    f"{path}: expected an end mark after {len(blocks)} episodes, got one of {end.episodes}, "
                    f"and {size - block.start - block.length} bytes after it"
                )
            break
    if not blocks:
        raise LayoutsError(f"{path}: expected at least one episode, got none")
    return LayoutsFile(path, header, tuple(blocks))


def write_layouts(path: str | Path, scenario: Scenario, seed: int, town: str, plans: Iterable[Layouts]) -> int:
    """Write a layouts file: it is there whole under its name, or not at all.

    Args:
        path: where; a file of that name is replaced.
        scenario: what was planned.
        seed: of the run.
        town: name of the map.
        plans: the episodes from 0 up, taken one at a time.

    Returns:
        Bytes written.

    Raises:
        LayoutsError: the file cannot be written, or an episode is too large.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as stream:
            stream.write(MAGIC)
            _write(
                stream, HEAD, msgspec.msgpack.encode(_Header(version=VERSION, scenario=scenario, seed=seed, town=town))
            )
            count = 0
            for layouts in plans:
                count += 1
                plain = msgspec.msgpack.encode(layouts)
                data = zstandard.ZstdCompressor(level=LEVEL).compress(plain)
                if len(plain) > PLAIN_LIMIT or len(data) > BLOCK_LIMIT:
                    raise LayoutsError(
                        f"{path}: episode {layouts.episode}: expected at most {PLAIN_LIMIT} bytes, got {len(plain)}; "
                        "plan fewer bundles or people in an episode"
                    )
                _write(stream, EPISODE, data)
            _write(stream, END, msgspec.msgpack.encode(_End(episodes=count)))
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        draft.replace(path)
    except OSError as error:
        raise LayoutsError(f"{path}: expected a file that can be written, got: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return size


def _write(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    stream.write(PART.pack(kind, len(data), zlib.crc32(data)))
    stream.write(data)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise LayoutsError(f"{path}: expected a readable layouts file, got: {error.strerror}") from None
    with stream:
        try:
            yield stream
        except OSError as error:
            raise LayoutsError(f"{path}: expected a readable layouts file, got: {error.strerror}") from None


def _parts(stream: BinaryIO, size: int, path: Path) -> Iterator[tuple[bytes, _Block]]:
    """Yield kind and place of each part; ends with an error, as a whole file's end mark stops the reader before."""
    at = len(MAGIC)
    while True:
        stream.seek(at)
        head = stream.read(PART.size)
        if len(head) < PART.size:
            raise LayoutsError(f"{path}: expected an end mark, got the end of the file at byte {size}; truncated")
        kind, length, checksum = PART.unpack(head)
        at += PART.size
        limit = BLOCK_LIMIT if kind == EPISODE else HEADER_LIMIT
        if kind not in (HEAD, EPISODE, END):
            raise LayoutsError(f"{path}: expected an episode or an end mark at byte {at - PART.size}, got {kind!r}")
        if length > limit:
            raise LayoutsError(f"{path}: expected a part of at most {limit} bytes at byte {at}, got {length}")
        if at + length > size:
            raise LayoutsError(f"{path}: expected {length} bytes at byte {at}, got {size - at}; truncated")
        yield kind, _Block(at, length, checksum)
        at += length


def _checked(stream: BinaryIO, block: _Block, path: Path) -> bytes:
    stream.seek(block.start)
    data = stream.read(block.length)
    if zlib.crc32(data) != block.checksum:
        raise LayoutsError(
            f"{path}: expected checksum {block.checksum:08x} at byte {block.start}, got another; damaged"
        )
    return data


def _header(stream: BinaryIO, kind: bytes, block: _Block, path: Path) -> _Header:
    """Return the header, its scenario checked as one from YAML is."""
    if kind != HEAD:
        raise LayoutsError(f"{path}: expected a header at byte {len(MAGIC)}, got {kind!r}")
    data = _checked(stream, block, path)
    version = _decoded(data, _Version, f"{path}: header").version
    if version != VERSION:
        raise LayoutsError(f"{path}: expected version {VERSION}, got {version}; plan anew with this version")
    header = _decoded(data, _Header, f"{path}: header")
    for place, message in disagreements(header.scenario):
        raise LayoutsError(f"{path}: header: scenario.{dotted(place)}: {message}")
    return header


class _Version(msgspec.Struct, frozen=True):
    version: int


def _decoded(data: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise LayoutsError(f"{where}: {' '.join(str(error).replace('`', '').split())[:200]}") from None


def _inflated(data: bytes, where: str) -> bytes:
    """Return the bytes of one zstd frame whose own header promises no more than the limit."""
    try:
        promised = zstandard.frame_content_size(data)
        if not 0 <= promised <= PLAIN_LIMIT:
            raise LayoutsError(f"{where}: expected at most {PLAIN_LIMIT} bytes of plan, got {promised}")
        plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(data, max_output_size=promised)
    except zstandard.ZstdError as error:
        raise LayoutsError(f"{where}: expected compressed msgpack, got: {error}") from None
    if len(plain) != promised:
        raise LayoutsError(f"{where}: expected {promised} bytes of plan, got {len(plain)}")
    return plain
