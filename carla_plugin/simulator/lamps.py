"""Lamps: the town's street lamps as clients switch and colour them, and who has yet to hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from carla_plugin.simulator.render.dressing import LampState
from carla_plugin.simulator.town import Town
from protocols.carla_rpc.types import Location

STREET = 2
COLOUR = (255, 214, 170)
INTENSITY = 5000.0
BRIGHTEST = 100.0  # times as bright as built; more would only be white
TOLD_TICKS = 20  # for so long the state says that lamps have changed, if a client does not ask


@dataclass(frozen=True)
class Lamp:
    """Hold one lamp; `lit` is None while it follows the sun."""

    place: Location
    intensity: float = INTENSITY
    group: int = STREET
    colour: tuple[int, int, int] = COLOUR
    lit: bool | None = None

    def state(self) -> LampState | None:
        """Return in what it differs from the lamp as it was built; None if in nothing."""
        colour = None if self.colour == COLOUR else self.colour
        if self.lit is None and colour is None and self.intensity == INTENSITY:
            return None
        return LampState(self.lit, colour, min(max(self.intensity, 0.0) / INTENSITY, BRIGHTEST))


class StreetLamps:
    """Keep the lamps of one episode; their ids count from 1.

    Attributes:
        follow_sun: whether lamps that nobody has switched go with the day.
    """

    def __init__(self, town: Town) -> None:
        """Start with the lamps as they were built."""
        self.lamps = [Lamp(Location(*map(float, place))) for place in town.lamps]
        self.follow_sun = True
        self._untold: dict[str, int] = {}  # ticks for which a client is still to be told

    def ask(self, client: str) -> list[Lamp]:
        """Return all lamps; the client knows them now."""
        self._untold[client] = 0
        return self.lamps

    def change(self, client: str, changes: dict[int, Lamp], spare_client: bool) -> None:
        """Take over lamps by their numbers from 0; others are to be told of it.

        Args:
            client: who does it.
            changes: the lamps.
            spare_client: whether that client knows already.
        """
        for number, lamp in changes.items():
            if 0 <= number < len(self.lamps):
                self.lamps[number] = lamp
        for other in self._untold:
            if other != client or not spare_client:
                self._untold[other] = TOLD_TICKS

    @property
    def pending(self) -> bool:
        """Return whether somebody has yet to hear of a change."""
        return any(self._untold.values())

    def tick(self) -> None:
        """Let a tick pass: who does not ask is not there any more."""
        for client, left in self._untold.items():
            if left:
                self._untold[client] = left - 1
