"""Names of exported files: made of what a recording says, and safe whatever that is."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 64


def plain(name: str) -> str:
    """Return a name of ASCII letters, digits and hyphens that is like another: no path, no underscore, no dot."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[:LONGEST].strip("-") or "unnamed"


def plain_each(names: Sequence[str]) -> list[str]:
    """Return a plain name for each, all different, also where upper and lower case are one."""
    found: list[str] = []
    for number, name in enumerate(names):
        candidate = plain(name)
        while candidate.lower() in {other.lower() for other in found}:
            candidate += f"-{number}"
        found.append(candidate)
    return found
