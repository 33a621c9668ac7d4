"""The certificate: what was measured while a bundle was made, and the verdict; it travels in the bundle's header."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

KEY = "certificate"
"""Under which `BundleHeader.meta` holds it."""

ACCEPTED = "accepted"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Say how still a moment stood while its appearances were taken.

    Attributes:
        state_sha256: first 16 bytes, hexadecimal, of the hash of all places, poses and lights of the moment.
        mask_sha256: of the mask that all appearances share, hexadecimal.
        masks_compared: how many masks were equal to the first, byte by byte.
        settle_ticks: ticks that each of the A appearances took to settle.
        last_change: how far each image last differed from the one before, in levels (root mean square).
        grain: how far images of each appearance differ though nothing changes, as measured, in levels.
        closing_change: how far the first appearance, looked at again in the end, differed; -1 if it was not looked at.
        motion_m: metres by which the actor moved that moved most, between the first and the last image.
        attempt: which try succeeded, from 1.
        server: CARLA's version.
        plugin: ours.
        verdict: `accepted`, or the cause of the refusal.
    """

    state_sha256: str
    mask_sha256: str
    masks_compared: int
    settle_ticks: tuple[int, ...]
    last_change: tuple[float, ...]
    grain: tuple[float, ...]
    closing_change: float
    motion_m: float
    attempt: int
    server: str
    plugin: str
    verdict: str = ACCEPTED

    def to_meta(self) -> dict[str, Any]:
        """Return it as the small map that a header's meta holds."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    @classmethod
    def from_meta(cls, meta: Any) -> Certificate:
        """Read it from a header's meta.

        Raises:
            ValueError: there is none, or a field is missing or of another type.
        """
        if not isinstance(meta, dict) or KEY not in meta:
            raise ValueError("certificate: expected one in the bundle's header, got none")
        try:
            return msgspec.convert(meta[KEY], cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"certificate: {error}") from None


def digest(state: bytes) -> str:
    """Return the first 16 bytes, hexadecimal, of the SHA-256 of a state."""
    return hashlib.sha256(state).hexdigest()[:32]


def plugin_version() -> str:
    """Return our version, or "unknown" where the package is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("manyskies")
    except PackageNotFoundError:
        return "unknown"
