"""Inspection: what is in a recording, and whether every byte of it is as it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from carla_plugin.certificate import Certificate
from protocols.bundle import BundleHeader, decode_header
from protocols.errors import RemoteProtocolError
from protocols.labels import TAGS
from protocols.planes import MASK, as_array, check_plane, inflate_into
from protocols.recording import Recording


def summary(
    recording: Recording, *, quick: bool = False, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Return what a recording holds, as plain values that can be written as JSON.

    Args:
        recording: to be looked at.
        quick: whether to read headers only: no checksums, no shares of classes.
        progress: called with the number of records done.

    Returns:
        Numbers of bundles; `runs`, `towns`, `sizes`, `appearances`, `cameras`, `codecs`: how many bundles have each;
        `class_shares` of all pixels by name; `certificates`; `tail_bytes`, `damaged` (byte ranges) and `bad_records`.
    """
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("runs", "towns", "sizes", "appearances", "cameras", "planes")
    }
    verdicts: Counter[str] = Counter()
    pixels = np.zeros(256, np.int64)
    bad: list[str] = []
    lossy = 0
    for number in range(len(recording)):
        try:
            if quick:
                header = recording.header(number)
            else:
                frames = recording.read(number)
                header = decode_header(frames[0])
                pixels += _mask_counts(header, frames)
        except RemoteProtocolError as error:
            bad.append(str(error))
            continue
        finally:
            progress(number + 1)
        counts["runs"][f"{header.scenario}, seed {header.seed}"] += 1
        counts["towns"][header.town] += 1
        counts["sizes"][f"{header.width}x{header.height}"] += 1
        counts["appearances"].update(header.appearances)
        counts["cameras"][header.camera or "-"] += 1
        counts["planes"].update(
            dict.fromkeys(f"{each.name} {each.dtype} {each.codec}" for each in header.planes).keys()
        )
        verdicts[_verdict(header)] += 1
        lossy += header.lossy
    distinct = recording.distinct
    return {
        "bundles": len(recording),
        "distinct": len(distinct),
        "first_index": distinct[0] if distinct else None,
        "last_index": distinct[-1] if distinct else None,
        "lossy": lossy,
        **{name: dict(found) for name, found in counts.items()},
        "class_shares": None if quick else _shares(pixels),
        "certificates": dict(verdicts),
        "indexed": recording.indexed,
        "tail_bytes": recording.tail,
        "damaged": [list(each) for each in recording.damaged],
        "bad_records": bad,
        "checked": not quick,
    }


def _mask_counts(header: BundleHeader, frames: list[Any]) -> Any:
    """Return `(256,)` pixels of each tag."""
    place = next(number for number, plane in enumerate(header.planes) if plane.name == MASK)
    plane, packed = header.planes[place], frames[place + 1]
    check_plane(plane, packed)
    if plane.codec == "zstd":
        room = np.empty(plane.raw_bytes, np.uint8)
        inflate_into(plane, packed, room.data)
        packed = room.data
    return np.bincount(as_array(plane, packed).reshape(-1), minlength=256)


def _shares(pixels: Any) -> dict[str, float]:
    total = int(pixels.sum())
    names = {row.tag: row.name for row in TAGS}
    return {
        names.get(tag, f"tag {tag}"): round(int(pixels[tag]) / total, 6)
        for tag in np.argsort(-pixels, kind="stable").tolist()
        if pixels[tag]
    }


def _verdict(header: BundleHeader) -> str:
    try:
        return Certificate.from_meta(dict(header.meta)).verdict
    except ValueError as error:
        return "none" if "got none" in str(error) else "unreadable"
