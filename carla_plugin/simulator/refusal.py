"""Refusal: the error whose words reach the client."""

from __future__ import annotations

NOT_FOUND = "Actor could not be found in the registry"
MISMATCH = "Actor does not match the expected type"


class CallError(Exception):
    """The call cannot be done; the message goes to the client verbatim."""

    def worded(self, function: str) -> str:
        """Return what the client is told.

        Args:
            function: name of the method that was called.
        """
        return str(self)


class ActorError(CallError):
    """The actor is not one with which this can be done; said in CARLA's words."""

    def __init__(self, reason: str, actor: int) -> None:
        """Take what is wrong.

        Args:
            reason: `NOT_FOUND`, `MISMATCH` or another of CARLA's reasons.
            actor: id that the client gave.
        """
        super().__init__(f"{reason}.  Actor Id: {actor}")

    def worded(self, function: str) -> str:
        """Return what CARLA's server says."""
        return f"Responding error from function {function}: {self}"
