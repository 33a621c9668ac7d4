"""Hazards: what real servers do to those who want one frozen moment under many skies; all off unless asked for.

Each is a small function of the tick, the simulator's seed and what the client has set, so that equal runs meet equal
hazards. After CARLA's issues 8669 (foliage), 2345 (rain), 1606 (late weather), 3774 (idle people), 1558 (clouds); the
last three are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from protocols.errors import InputError

HAZARDS = {
    "foliage": "leaves sway while wind_intensity is above 0, in masks too",
    "rain": "rain takes 1.5 s to end or to begin",
    "exposure": "cameras adapt to other light over seconds, unless exposure_mode is manual",
    "late-weather": "weather shows a tick late",
    "idle": "people stir even when frozen, unless show_pose shows a pose in full",
    "clouds": "clouds move, however calm the air",
    "creep": "vehicles with physics and without any control creep forward",
    "blink": "brake lamps and indicators blink, and traffic lights that are not frozen",
    "late-images": "images come up to three ticks late and out of order",
    "wrong-pixel": "one pixel is wrong in 2 % of the semantic masks",
    "stall": "every 200th tick takes 5 s longer, stall=SECONDS for another time",
}
"""Name and words of each hazard."""

AMOUNTS = {"stall": 5.0}
"""What may follow a name after `=`: seconds."""


@dataclass(frozen=True)
class Hazards:
    """Say which hazards are on.

    Attributes:
        on: their amounts by name.
        seed: of all that they draw.
    """

    on: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __contains__(self, name: str) -> bool:
        """Return whether a hazard is on."""
        return name in self.on


def parse(words: Sequence[str], seed: int) -> Hazards:
    """Return the hazards that a command line asks for.

    Args:
        words: each a name, or of those in `AMOUNTS` a name, `=` and seconds.
        seed: of all that they draw.

    Raises:
        InputError: there is no such hazard, or its amount is no number of seconds.
    """
    on = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in HAZARDS:
            raise InputError(f"--hazard {name}: expected one of {', '.join(HAZARDS)}")
        amount = AMOUNTS.get(name, 1.0)
        if equals:
            try:
                amount = float(text)
            except ValueError:
                amount = -1.0
            if name not in AMOUNTS or not 0.0 <= amount <= 60.0:
                raise InputError(f"--hazard {word}: expected {name}{'=0 to 60 seconds' if name in AMOUNTS else ''}")
        on[name] = amount
    return Hazards(on, seed)
