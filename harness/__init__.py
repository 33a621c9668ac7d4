"""The learning wing: receives bundles over ZeroMQ and trains a segmentation network on them, online.

Importing it loads no heavy library; `from harness import BundleStream` is enough to iterate over bundles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.receiver import BundleStream

__all__ = ["BundleStream"]


def __getattr__(name: str) -> Any:
    if name == "BundleStream":
        from harness.receiver import BundleStream

        return BundleStream
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
