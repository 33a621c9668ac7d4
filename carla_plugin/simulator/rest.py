"""Rest: a tick waits until the wheel's traffic manager has sat down; else client and manager wait for one another.

The manager's thread and the thread that ticks wake each other without holding the lock they wait with (CARLA issue
9172): a wake-up between the manager's look at its flag and its going to sleep is lost, and both sleep for ever. After
each round the manager asks for the settings and goes to sleep, while the client already asks for the next tick. Were
the tick served first, answer and new state would reach both at the same moment: about one tick in 2,000 hung.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

PATIENCE_S = 0.01  # a manager that was shut down in the middle of its round never asks
SIT_DOWN_S = 0.0005  # from the last answer of a round until the manager sleeps


class Rest:
    """Tell from the calls of the clients with a traffic manager which of the managers are in the middle of a round."""

    def __init__(self) -> None:
        """Begin with all at rest."""
        self._up: set[Hashable] = set()
        self._down = asyncio.Event()
        self._down.set()

    def saw(self, client: Hashable, method: str) -> None:
        """Take note of a call that was answered to a client with a traffic manager."""
        if method == "get_vehicle_light_states":  # the first call of every round
            self._up.add(client)
            self._down.clear()
        elif method == "get_episode_settings":  # the last
            self.left(client)

    def left(self, client: Hashable) -> None:
        """Forget a client."""
        self._up.discard(client)
        if not self._up:
            self._down.set()

    @property
    def complete(self) -> bool:
        """Return whether no manager is in the middle of a round."""
        return not self._up

    async def wait(self) -> None:
        """Wait until every manager sleeps, but not long."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._down.wait()
        except TimeoutError:
            self._up.clear()
            self._down.set()
        await asyncio.sleep(SIT_DOWN_S)
