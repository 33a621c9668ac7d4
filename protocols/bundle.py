"""The bundle and its only codec: several appearances of one frozen moment, and one mask.

On the wire and on disk a bundle is a list of frames: a msgpack header of at most 64 KiB, one plane per image, the mask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
import zstandard
from numpy.typing import NDArray

from protocols.errors import LocalProtocolError, RemoteProtocolError

MAJOR, MINOR = 1, 0
HEADER_LIMIT = 64 * 1024
SIDE_LIMIT_PX = 8192
APPEARANCE_LIMIT = 64
CODECS = ("raw", "zstd")

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class BundleHeader:
    """Say what a bundle is; all that both wings need besides the pixels.

    Attributes:
        scenario: name of the scenario.
        seed: the scenario's seed.
        episode: number of the replay within the run, from 0.
        index: number of the bundle within the run, from 0, without gaps over accepted bundles.
        town: the map it was photographed in.
        appearances: A names, in the order of the images.
        height: pixels.
        width: pixels.
        frame: the simulator's frame number of the last mask.
        mask_sha256: hexadecimal hash of the raw mask, made once at capture.
        mask_codec: how the mask plane travels, "raw" or "zstd".
        mask_bytes: length of the mask plane as sent.
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
    mask_codec: str = "raw"
    mask_bytes: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return the name under which the same bundle can be made again."""
        return f"{self.scenario}:{self.seed}:{self.episode}:{self.index}"

    @property
    def image_bytes(self) -> int:
        """Return the length of one image plane."""
        return self.height * self.width * 3

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
            raise ValueError(f"appearances: expected each name once, got {list(self.appearances)}")
        for name in ("episode", "index", "frame", "mask_bytes"):
            if not 0 <= getattr(self, name) < 2**63:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if self.mask_codec not in CODECS:
            raise ValueError(f"mask_codec: expected one of {', '.join(CODECS)}, got {self.mask_codec!r}")
        pixels = self.height * self.width
        if self.mask_codec == "raw" and self.mask_bytes != pixels:
            raise ValueError(f"mask_bytes: expected {pixels} for a raw mask, got {self.mask_bytes}")
        if self.mask_bytes > 2 * pixels + 1024:
            raise ValueError(f"mask_bytes: expected at most {2 * pixels + 1024}, got {self.mask_bytes}")


@dataclass(frozen=True, eq=False)
class Bundle:
    """Hold one frozen moment: A images under A appearances, and the one mask they share.

    Attributes:
        header: what it is.
        images: `(A, H, W, 3)` uint8 RGB.
        mask: `(H, W)` uint8 CARLA tags.
    """

    header: BundleHeader
    images: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def mask_hash(mask: NDArray[np.uint8]) -> str:
    """Return the hexadecimal SHA-256 of a `(H, W)` uint8 mask's bytes."""
    return hashlib.sha256(np.ascontiguousarray(mask).data).hexdigest()


def encode_bundle(bundle: Bundle, *, mask_codec: str = "raw") -> list[Buffer]:
    """Return the frames of a bundle: header, A image planes, mask plane; raw planes are views, not copies.

    Args:
        bundle: images `(A, H, W, 3)` and mask `(H, W)`, both uint8.
        mask_codec: "raw" or "zstd" (level 1).

    Raises:
        LocalProtocolError: arrays and header disagree, or the header is over 64 KiB.
    """
    header = bundle.header
    expected = (len(header.appearances), header.height, header.width)
    if bundle.images.dtype != np.uint8 or bundle.images.shape != (*expected, 3):
        raise LocalProtocolError(
            f"images: expected uint8 {(*expected, 3)}, got {bundle.images.dtype} {bundle.images.shape}"
        )
    if bundle.mask.dtype != np.uint8 or bundle.mask.shape != expected[1:]:
        raise LocalProtocolError(f"mask: expected uint8 {expected[1:]}, got {bundle.mask.dtype} {bundle.mask.shape}")
    raw = np.ascontiguousarray(bundle.mask).data.cast("B")
    mask_plane: Buffer = zstandard.ZstdCompressor(level=1).compress(raw) if mask_codec == "zstd" else raw
    values = {
        "major": MAJOR,
        "minor": MINOR,
        "scenario": header.scenario,
        "seed": header.seed,
        "episode": header.episode,
        "index": header.index,
        "town": header.town,
        "appearances": list(header.appearances),
        "height": header.height,
        "width": header.width,
        "frame": header.frame,
        "mask_sha256": header.mask_sha256,
        "mask_codec": mask_codec,
        "mask_bytes": len(mask_plane),
        "meta": dict(header.meta),
    }
    packed: bytes = msgpack.packb(values)
    try:
        decode_header(packed)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"bundle {header.identity}: {error}") from None
    planes = [np.ascontiguousarray(image).data.cast("B") for image in bundle.images]
    return [packed, *planes, mask_plane]


def decode_header(frame: Buffer) -> BundleHeader:
    """Read a bundle's header; keys that this version does not know are ignored.

    Raises:
        RemoteProtocolError: too long, not msgpack, another major version, or a field of wrong type or range.
    """
    values = unpack_limited(frame, "bundle header")
    major = values.get("major")
    if major != MAJOR:
        raise RemoteProtocolError(
            f"bundle header: expected major version {MAJOR}, got {major!r}; update the older side"
        )
    try:
        header = BundleHeader(
            scenario=_typed(values, "scenario", str),
            seed=_typed(values, "seed", int),
            episode=_typed(values, "episode", int),
            index=_typed(values, "index", int),
            town=_typed(values, "town", str),
            appearances=tuple(_strings(values, "appearances")),
            height=_typed(values, "height", int),
            width=_typed(values, "width", int),
            frame=_typed(values, "frame", int),
            mask_sha256=_typed(values, "mask_sha256", str),
            mask_codec=_typed(values, "mask_codec", str),
            mask_bytes=_typed(values, "mask_bytes", int),
            meta=_typed(values, "meta", dict),
        )
        header.validate()
    except ValueError as error:
        raise RemoteProtocolError(f"bundle header: {error}") from None
    return header


def plane_sizes(header: BundleHeader) -> tuple[int, ...]:
    """Return the exact length in bytes of each frame after the header: A images, then the mask as sent."""
    return (*([header.image_bytes] * len(header.appearances)), header.mask_bytes)


def decode_mask(header: BundleHeader, plane: Buffer) -> NDArray[np.uint8]:
    """Return the `(H, W)` uint8 mask of a mask plane; a raw plane is viewed, not copied.

    Raises:
        RemoteProtocolError: wrong length, or not valid zstd.
    """
    if len(plane) != header.mask_bytes:
        raise RemoteProtocolError(f"mask plane: expected {header.mask_bytes} bytes, got {len(plane)}")
    pixels = header.height * header.width
    if header.mask_codec == "zstd":
        plane = _inflate(plane, pixels)
    return np.frombuffer(plane, dtype=np.uint8).reshape(header.height, header.width)


def decode_bundle(frames: Sequence[Buffer]) -> Bundle:
    """Return the bundle that a list of frames holds; images are copied into one array.

    Raises:
        RemoteProtocolError: a frame is missing, too many, of wrong length, or its header is wrong.
    """
    if not frames:
        raise RemoteProtocolError("bundle: expected a header and planes, got no frame")
    header = decode_header(frames[0])
    sizes = plane_sizes(header)
    got = tuple(len(frame) for frame in frames[1:])
    if got != sizes:
        raise RemoteProtocolError(f"bundle {header.identity}: expected planes of {sizes} bytes, got {got}")
    images = np.empty((len(header.appearances), header.height, header.width, 3), dtype=np.uint8)
    for image, plane in zip(images, frames[1:-1], strict=True):
        image[...] = np.frombuffer(plane, dtype=np.uint8).reshape(image.shape)
    return Bundle(header, images, decode_mask(header, frames[-1]))


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


def _inflate(plane: Buffer, pixels: int) -> bytes:
    """Return `pixels` bytes out of one zstd frame whose own header promises just that."""
    try:
        if zstandard.frame_content_size(plane) != pixels:
            raise RemoteProtocolError(f"mask plane: expected zstd of {pixels} bytes")
        raw = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(plane, max_output_size=pixels)
    except zstandard.ZstdError as error:
        raise RemoteProtocolError(f"mask plane: expected zstd of {pixels} bytes, got {error}") from None
    if len(raw) != pixels:
        raise RemoteProtocolError(f"mask plane: expected {pixels} bytes of tags, got {len(raw)}")
    return raw


def _typed(values: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return a field of exactly this type (a bool is no int)."""
    if key not in values:
        raise ValueError(f"{key}: expected {kind.__name__}, got nothing")
    value = values[key]
    if type(value) is not kind:
        raise ValueError(f"{key}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def _strings(values: Mapping[str, Any], key: str) -> list[str]:
    """Return a field that is a list of strings."""
    value = _typed(values, key, list)
    if not all(type(item) is str for item in value):
        raise ValueError(f"{key}: expected strings, got {value!r}"[:200])
    return list(value)
