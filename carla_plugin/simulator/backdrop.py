"""Backdrop: the town of one episode as clients have changed it: layers, hidden things, lamps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from carla_plugin.simulator.lamps import StreetLamps
from carla_plugin.simulator.render.dressing import AS_BUILT, Dressing
from carla_plugin.simulator.scenery import ALL_LAYERS, Scenery, scenery_of
from carla_plugin.simulator.town import Town


class Backdrop:
    """Keep what is changed in a town.

    Attributes:
        layers: bits of CARLA's `MapLayer` that are there.
        dressing: all of it, as the renderer reads it; another object after each change.
    """

    def __init__(self, town: Town) -> None:
        """Start with a town as it was built."""
        self._town = town
        self._unseen: set[int] = set()  # ids of things
        self.layers = ALL_LAYERS
        self.dressing: Dressing = AS_BUILT

    @cached_property
    def lamps(self) -> StreetLamps:
        """Return the lamps of the town's streets."""
        return StreetLamps(self._town)

    @property
    def scenery(self) -> Scenery:
        """Return the things of the town."""
        return scenery_of(self._town)

    @property
    def lights_pending(self) -> bool:
        """Return whether somebody has yet to hear of a change of lamps."""
        return "lamps" in self.__dict__ and self.lamps.pending

    def tick(self) -> None:
        """Let a tick pass."""
        if self.lights_pending:
            self.lamps.tick()

    def set_layers(self, layers: int) -> None:
        """Let only these layers be there."""
        self.layers = layers & ALL_LAYERS
        self.changed()

    def show(self, things: Iterable[int], shown: bool) -> None:
        """Keep things from pictures, or give them back; ids that no thing has are left out."""
        known = {number for number in things if number in self.scenery.by_id}
        self._unseen = self._unseen - known if shown else self._unseen | known
        self.changed()

    def changed(self) -> None:
        """Work the dressing out anew."""
        lamps = {number: state for number, lamp in enumerate(self.lamps.lamps) if (state := lamp.state()) is not None}
        missing = ALL_LAYERS & ~self.layers
        gone = self.scenery.parts(missing) if missing else frozenset()
        unseen = frozenset(self.scenery.by_id[number].part for number in self._unseen) - gone
        self.dressing = Dressing(gone, unseen, lamps) if lamps or gone or unseen else AS_BUILT
