"""Traffic signs as actors, and the speed limit that a vehicle takes with it from the last one it has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from carla_plugin.simulator.actors import Sign, Vehicle
from carla_plugin.simulator.signals import StopBoxes, noses, post_of, stop_box
from carla_plugin.simulator.town import SignPlacement
from protocols.carla_rpc import streaming
from protocols.carla_rpc.types import ActorDescription


def stand_signs(placements: Sequence[SignPlacement], new_id: Callable[[], int]) -> Iterator[Sign]:
    """Give the actors of a town's signs."""
    for placement in placements:
        sign = Sign(
            new_id(), ActorDescription(0, placement.type_id), post_of(placement), tags=bytes([8]),
            sign=placement.signal_id, speed_kmh=placement.speed_kmh,
        )  # fmt: skip
        sign.box = stop_box(placement, sign.place)._replace(actor_id=sign.id)
        yield sign


def sign_state(sign: Sign) -> bytes:
    """Return a sign's part of the world's state; it is packed anew only when a client has moved the sign."""
    if sign.packed[0] is not sign.place:
        state = streaming.ActorState(sign.id, sign.place, details=sign.sign.encode()[:31])
        sign.packed = sign.place, streaming.actor_state(state)
    return sign.packed[1]


class Limits:
    """Hold the boxes in which vehicles learn of a speed limit."""

    def __init__(self, signs: Sequence[Sign], placements: Sequence[SignPlacement]) -> None:
        """Take up the signs that are limits.

        Args:
            signs: of the town.
            placements: the town's, in the same order.
        """
        pairs = [pair for pair in zip(signs, placements, strict=True) if pair[1].speed_kmh]
        self._boxes = StopBoxes([sign for sign, _ in pairs], [place for _, place in pairs])

    def tell(self, vehicles: Sequence[Vehicle]) -> None:
        """Let each vehicle whose nose is in a limit's box take that limit."""
        moving = [vehicle for vehicle in vehicles if vehicle.velocity.x or vehicle.velocity.y]
        for vehicle, sign in zip(moving, self._boxes.at(noses(moving)), strict=True):
            if sign is not None:
                vehicle.speed_limit_kmh = sign.speed_kmh
