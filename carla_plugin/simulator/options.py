"""Options: what the command line asks of a simulator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Hold what does not change while a simulator runs.

    Attributes:
        threads: bands of rows that are drawn at once.
        aliases: whether CARLA's own town names stand for towns of ours.
    """

    threads: int = 1
    aliases: bool = True
