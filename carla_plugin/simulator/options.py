"""Options: what the command line asks of a simulator."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from carla_plugin.simulator.hazards import Hazards


def recordings_folder() -> Path:
    """Return where recordings lie unless told otherwise: with the user's data."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "manyskies" / "recordings"


@dataclass(frozen=True)
class Options:
    """Hold what does not change while a simulator runs.

    Attributes:
        threads: bands of rows that are drawn at once.
        aliases: whether CARLA's own town names stand for towns of ours.
        recordings: folder of what the recorder writes; made when the first one begins.
        hazards: of a real server, that are on.
    """

    threads: int = 1
    aliases: bool = True
    recordings: Path = field(default_factory=recordings_folder)
    hazards: Hazards = field(default_factory=Hazards)
