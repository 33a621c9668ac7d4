"""Refusals: why a bundle is not what it claims to be; each cause is counted under a short name."""

from __future__ import annotations

from protocols.errors import ManyskiesError


class RefusedBundleError(ManyskiesError):
    """A bundle is not what it claims to be; it is counted and never streamed.

    Attributes:
        cause: short name under which it is counted.
    """

    cause = "other"


class MaskMismatchError(RefusedBundleError):
    """The masks of two appearances differ."""

    cause = "mask"


class MotionError(RefusedBundleError):
    """An actor moved while the appearances were taken."""

    cause = "motion"


class UnsettledError(RefusedBundleError):
    """An image kept changing by more than its own grain.

    Attributes:
        masks_too: whether masks changed with it.
    """

    cause = "unsettled"
    masks_too = False


class LateError(RefusedBundleError):
    """A weather did not show in time, or an image was not that of the tick that was made."""

    cause = "late"


class ChangedError(RefusedBundleError):
    """The first appearance, looked at again in the end, had become another."""

    cause = "changed"


CAUSES = {
    each.cause: (each.__doc__ or "").split("\n")[0].rstrip(".")
    for each in (MaskMismatchError, MotionError, UnsettledError, LateError, ChangedError)
}
"""Words on each cause, for tables."""
