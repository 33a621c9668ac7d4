"""Refusal: the error whose words reach the client."""

from __future__ import annotations


class CallError(Exception):
    """The call cannot be done; the message goes to the client verbatim."""
