"""Supply: the stream that an endpoint names, from a socket, a recording or a labelled folder."""

from __future__ import annotations

from typing import Any

from harness.endpoint import LABELLED, RECORDING
from harness.folder_stream import open_folder
from harness.receiver import BundleStream
from harness.recorded import open_recorded
from harness.stored import StoredStream


def open_stream(
    endpoint: str, *, bundle_size: tuple[int, int] | None = None, seed: int = 0, **settings: Any
) -> BundleStream | StoredStream:
    """Return the stream that an endpoint names: an address's, a recording's (`file:PATH`), or a labelled folder's.

    Args:
        endpoint: as `BundleStream`; or `file:PATH`, `gta:DIR`, `synthia:DIR`, `export:DIR`.
        bundle_size: for labelled folders alone, see `LabelledStream`; other bundles are as they are.
        seed: likewise.
        settings: as `BundleStream`.

    Raises:
        InputError: not an endpoint, one that cannot be bound, or not there what was expected.
    """
    if endpoint.startswith(RECORDING):
        return open_recorded(endpoint, settings)
    if endpoint.startswith(LABELLED):
        return open_folder(endpoint, bundle_size, seed, settings)
    return BundleStream(endpoint, **settings)
