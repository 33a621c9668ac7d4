"""The bundle and its only codec: several appearances of one frozen moment, one mask, and what else was photographed.

On the wire and on disk a bundle is a list of frames: a msgpack header of at most 64 KiB, then its planes: one image for
each appearance, the mask, and the extras in the order of the header.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.planes import (
    DTYPES,
    IMAGE,
    MASK,
    Buffer,
    Plane,
    as_array,
    check_plane,
    deflate,
    inflate_into,
    plane_of,
    typed,
)

MAJOR, MINOR = 1, 0
HEADER_LIMIT = 64 * 1024
SIDE_LIMIT_PX = 8192
APPEARANCE_LIMIT = 64
EXTRA_LIMIT = 16

Pixels = Callable[[Buffer], NDArray[np.uint8]]
"""Unpacks a JPEG to `(H, W, 3)` uint8 RGB; the wings have the library."""

Packed = Callable[[NDArray[np.uint8]], bytes]
"""Packs `(H, W, 3)` uint8 RGB as a JPEG."""


@dataclass(frozen=True)
class BundleHeader:
    """Say what a bundle is; all that both wings need besides the pixels.

    Attributes:
        scenario: name of the scenario.
        seed: the scenario's seed.
        episode: number of the replay within the run, from 0.
        index: number of the bundle within the run, from 0; a function of the scenario, never of what happened.
        town: the map it was photographed in.
        appearances: A names, in the order of the images.
        height: pixels.
        width: pixels.
        frame: the simulator's frame number of the last mask.
        mask_sha256: hexadecimal hash of the raw mask, made once at capture.
        camera: which of the scenario's cameras took it; empty where there is one.
        planes: how each plane travels; empty until it is encoded.
        meta: further small values, numbers and strings.
    """

    scenario: str
    seed: int
    episode: int
    index: int
    town: str
    appearances: tuple[str, ...]
    height: int
    width: int
    frame: int
    mask_sha256: str
    camera: str = ""
    planes: tuple[Plane, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return the name under which the same bundle can be made again."""
        return f"{self.scenario}:{self.seed}:{self.episode}:{self.index}"

    @property
    def image_bytes(self) -> int:
        """Return the length of one image, unpacked."""
        return self.height * self.width * 3

    @property
    def lossy(self) -> bool:
        """Return whether its images are not what the simulator drew, bit by bit."""
        return any(plane.codec == "jpeg" for plane in self.planes)

    def validate(self) -> None:
        """Check ranges and agreements.

        Raises:
            ValueError: a field is out of range; the message names it, with expected and got.
        """
        for name in ("height", "width"):
            if not 1 <= getattr(self, name) <= SIDE_LIMIT_PX:
                raise ValueError(f"{name}: expected 1..{SIDE_LIMIT_PX} px, got {getattr(self, name)}")
        if not 1 <= len(self.appearances) <= APPEARANCE_LIMIT:
            raise ValueError(f"appearances: expected 1..{APPEARANCE_LIMIT} names, got {len(self.appearances)}")
        if len(set(self.appearances)) != len(self.appearances):
            raise ValueError(f"appearances: expected each name once, got {list(self.appearances)}"[:200])
        for name in ("episode", "index", "frame"):
            if not 0 <= getattr(self, name) < 2**63:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if self.planes:
            self._validate_planes()

    def _validate_planes(self) -> None:
        """Check that the planes are A images, the mask, and extras of the same size, each once."""
        for plane in self.planes:
            plane.validate()
        size = (self.height, self.width)
        expected = [(IMAGE, name, "uint8", (*size, 3)) for name in self.appearances] + [(MASK, "", "uint8", size)]
        fixed = [(plane.name, plane.appearance, plane.dtype, plane.shape) for plane in self.planes[: len(expected)]]
        if fixed != expected:
            raise ValueError(
                f"planes: expected {len(self.appearances)} uint8 images {(*size, 3)} in the order of the appearances "
                f"and a uint8 mask {size}, got {fixed}"[:400]
            )
        extras = self.planes[len(expected) :]
        names = [plane.name for plane in extras]
        if len(names) > EXTRA_LIMIT or len(set(names)) != len(names) or {IMAGE, MASK} & set(names):
            raise ValueError(f"planes: expected up to {EXTRA_LIMIT} extras of different names, got {names}"[:200])
        for plane in extras:
            if plane.shape[:2] != size or plane.appearance:
                raise ValueError(
                    f"plane {plane.name}: expected {size} shared by all appearances, got {plane.shape} of "
                    f"{plane.appearance!r}"[:200]
                )


@dataclass(frozen=True, eq=False)
class Bundle:
    """Hold one frozen moment: A images under A appearances, the one mask they share, and extras they share too.

    Attributes:
        header: what it is.
        images: `(A, H, W, 3)` uint8 RGB.
        mask: `(H, W)` uint8 CARLA tags.
        extras: further planes by name, `(H, W)` or `(H, W, C)`: "depth" float32 m, "instance" uint16 or uint32.
    """

    header: BundleHeader
    images: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def mask_hash(mask: NDArray[np.uint8]) -> str:
    """Return the hexadecimal SHA-256 of a `(H, W)` uint8 mask's bytes."""
    return hashlib.sha256(np.ascontiguousarray(mask).data).hexdigest()


def encode_bundle(
    bundle: Bundle, *, mask_codec: str = "raw", checksums: bool = False, jpeg: Packed | None = None
) -> list[Buffer]:
    """Return the frames of a bundle: header, A image planes, mask plane, extras; raw planes are views, not copies.

    Args:
        bundle: images `(A, H, W, 3)` and mask `(H, W)`, both uint8, and extras.
        mask_codec: "raw" or "zstd", of the mask and of extras that are whole numbers.
        checksums: whether each plane's crc32 stands in the header: for disks and other machines.
        jpeg: packs images with loss; None leaves them as they are.

    Raises:
        LocalProtocolError: arrays and header disagree, or the header is over 64 KiB.
    """
    if mask_codec not in ("raw", "zstd"):
        raise LocalProtocolError(f"mask_codec: expected raw or zstd, got {mask_codec!r}")
    planes, frames = [], []
    for plane, array in _arrays(bundle):
        packed: Buffer = np.ascontiguousarray(array, DTYPES[plane.dtype]).data.cast("B")
        codec = "raw"
        if plane.name == IMAGE:
            if jpeg is not None:
                codec, packed = "jpeg", jpeg(array)
        elif mask_codec == "zstd" and plane.dtype != "float32":
            codec, packed = "zstd", deflate(packed)
        frames.append(packed)
        crc32 = zlib.crc32(packed) if checksums else None
        planes.append(replace(plane, codec=codec, nbytes=len(packed), crc32=crc32))
    return [encode_header(replace(bundle.header, planes=tuple(planes))), *frames]


def raw_planes(bundle: Bundle) -> tuple[Plane, ...]:
    """Return the planes of a bundle as they lie in memory, unpacked and one after the other.

    Raises:
        LocalProtocolError: arrays and header disagree.
    """
    return tuple(plane for plane, _ in _arrays(bundle))


def _arrays(bundle: Bundle) -> Iterator[tuple[Plane, NDArray[Any]]]:
    """Yield each plane, unpacked, and its array, in their order on the wire."""
    header = bundle.header
    size = (header.height, header.width)
    expected = (len(header.appearances), *size, 3)
    if bundle.images.dtype != np.uint8 or bundle.images.shape != expected:
        raise LocalProtocolError(f"images: expected uint8 {expected}, got {bundle.images.dtype} {bundle.images.shape}")
    if bundle.mask.dtype != np.uint8 or bundle.mask.shape != size:
        raise LocalProtocolError(f"mask: expected uint8 {size}, got {bundle.mask.dtype} {bundle.mask.shape}")
    for name, image in zip(header.appearances, bundle.images, strict=True):
        yield Plane(IMAGE, name, "uint8", image.shape, "raw", image.nbytes), image
    yield Plane(MASK, "", "uint8", size, "raw", bundle.mask.nbytes), bundle.mask
    for name, array in bundle.extras.items():
        if array.dtype.name not in DTYPES or array.shape[:2] != size:
            raise LocalProtocolError(f"{name}: expected {', '.join(DTYPES)} of {size}, got {array.dtype} {array.shape}")
        yield Plane(name, "", array.dtype.name, array.shape, "raw", array.nbytes), array


def encode_header(header: BundleHeader) -> bytes:
    """Return the header's frame.

    Raises:
        LocalProtocolError: not a header that a receiver would take, or over 64 KiB.
    """
    values = {
        "major": MAJOR,
        "minor": MINOR,
        "scenario": header.scenario,
        "seed": header.seed,
        "episode": header.episode,
        "index": header.index,
        "town": header.town,
        "camera": header.camera,
        "appearances": list(header.appearances),
        "height": header.height,
        "width": header.width,
        "frame": header.frame,
        "mask_sha256": header.mask_sha256,
        "planes": [plane.packed() for plane in header.planes],
        "meta": dict(header.meta),
    }
    packed: bytes = msgpack.packb(values)
    try:
        decode_header(packed)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"bundle {header.identity}: {error}") from None
    return packed


def decode_header(frame: Buffer) -> BundleHeader:
    """Read a bundle's header; keys that this version does not know are ignored.

    Raises:
        RemoteProtocolError: too long, not msgpack, another major version, or a field of wrong type or range.
    """
    values = unpack_limited(frame, "bundle header")
    major = values.get("major")
    if type(major) is not int or major != MAJOR:
        raise RemoteProtocolError(
            f"bundle header: expected major version {MAJOR}, got {major!r}; update the older side"[:200]
        )
    try:
        header = BundleHeader(
            scenario=typed(values, "scenario", str),
            seed=typed(values, "seed", int),
            episode=typed(values, "episode", int),
            index=typed(values, "index", int),
            town=typed(values, "town", str),
            appearances=tuple(_strings(values, "appearances")),
            height=typed(values, "height", int),
            width=typed(values, "width", int),
            frame=typed(values, "frame", int),
            mask_sha256=typed(values, "mask_sha256", str),
            camera=typed(values, "camera", str),
            planes=tuple(plane_of(plane) for plane in typed(values, "planes", list)),
            meta=typed(values, "meta", dict),
        )
        header.validate()
        if not header.planes:
            raise ValueError("planes: expected images and a mask, got none")
    except ValueError as error:
        raise RemoteProtocolError(f"bundle header: {error}") from None
    return header


def plane_sizes(header: BundleHeader) -> tuple[int, ...]:
    """Return the exact length in bytes of each frame after the header, as sent."""
    return tuple(plane.nbytes for plane in header.planes)


def places(planes: Sequence[Plane]) -> tuple[int, ...]:
    """Return where each plane begins when they lie unpacked in one block, and at last the block's length.

    Images and mask follow each other without a gap; an extra begins at a multiple of its own item's size.
    """
    found, end = [], 0
    for plane in planes:
        step = DTYPES[plane.dtype].itemsize
        end += -end % step
        found.append(end)
        end += plane.raw_bytes
    return (*found, end)


def view(header: BundleHeader, memory: NDArray[np.uint8]) -> Bundle:
    """Return the bundle whose planes lie unpacked in `memory`, as views.

    Args:
        header: what they are, with its planes.
        memory: `(N,)` uint8, N at least `places(header.planes)[-1]`.
    """
    count = len(header.appearances)
    starts = places(header.planes)
    images = memory[: count * header.image_bytes].reshape(count, header.height, header.width, 3)
    arrays = [
        memory[start : start + plane.raw_bytes].view(DTYPES[plane.dtype]).reshape(plane.shape)
        for plane, start in zip(header.planes[count:], starts[count:-1], strict=True)
    ]
    names = [plane.name for plane in header.planes[count + 1 :]]
    return Bundle(header, images, arrays[0], dict(zip(names, arrays[1:], strict=True)))


def unpack_plane(plane: Plane, packed: Buffer, room: memoryview, jpeg: Pixels | None = None) -> None:
    """Check a plane as sent and lay it, unpacked, into memory.

    Args:
        plane: what it is.
        packed: its bytes as sent.
        room: exactly `plane.raw_bytes` writable bytes.
        jpeg: unpacks lossy images; None refuses them.

    Raises:
        RemoteProtocolError: wrong length, damaged, not what its codec says, or lossy where that is refused.
    """
    check_plane(plane, packed)
    if plane.codec == "raw":
        room[:] = packed
    elif plane.codec == "zstd":
        inflate_into(plane, packed, room)
    elif jpeg is None:
        raise RemoteProtocolError(f"plane {plane.name}: expected every bit as drawn, got jpeg, which is lossy")
    else:
        pixels = jpeg(packed)
        if pixels.dtype != np.uint8 or pixels.shape != plane.shape:
            raise RemoteProtocolError(f"plane {plane.name}: expected a JPEG of {plane.shape}, got {pixels.shape}")
        as_array(plane, room)[...] = pixels


def decode_bundle(frames: Sequence[Buffer], jpeg: Pixels | None = None) -> Bundle:
    """Return the bundle that a list of frames holds; all planes are copied into one block of its own.

    Args:
        frames: header and planes.
        jpeg: unpacks lossy images; None refuses them.

    Raises:
        RemoteProtocolError: a frame is missing, too many, of wrong length, or its header is wrong.
    """
    if not frames:
        raise RemoteProtocolError("bundle: expected a header and planes, got no frame")
    header = decode_header(frames[0])
    sizes = plane_sizes(header)
    got = tuple(len(frame) for frame in frames[1:])
    if got != sizes:
        raise RemoteProtocolError(f"bundle {header.identity}: expected planes of {sizes} bytes, got {got}"[:400])
    starts = places(header.planes)
    memory = np.empty(starts[-1], np.uint8)
    for plane, frame, start in zip(header.planes, frames[1:], starts[:-1], strict=True):
        unpack_plane(plane, frame, memory.data[start : start + plane.raw_bytes], jpeg)
    return view(header, memory)


def unpack_limited(frame: Buffer, what: str) -> dict[str, Any]:
    """Read one small msgpack map with bounded memory.

    Args:
        frame: at most 64 KiB.
        what: name for the message of the error.

    Raises:
        RemoteProtocolError: too long, not msgpack, trailing bytes, nested too deep, or not a map of strings.
    """
    if len(frame) > HEADER_LIMIT:
        raise RemoteProtocolError(f"{what}: expected at most {HEADER_LIMIT} bytes, got {len(frame)}")
    try:
        values = msgpack.unpackb(
            frame, max_array_len=1024, max_map_len=256, max_str_len=8192, max_bin_len=8192, max_ext_len=0
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise RemoteProtocolError(f"{what}: expected one msgpack map, got {type(error).__name__}: {error}") from None
    if not isinstance(values, dict):
        raise RemoteProtocolError(f"{what}: expected a map, got {type(values).__name__}")
    return values


def _strings(values: Mapping[str, Any], key: str) -> list[str]:
    """Return a field that is a list of strings."""
    value = typed(values, key, list)
    if not all(type(item) is str for item in value):
        raise ValueError(f"{key}: expected strings, got {value!r}"[:200])
    return list(value)
