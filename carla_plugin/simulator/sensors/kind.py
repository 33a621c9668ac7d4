"""Kinds of sensors: what each reads at its birth, and how it makes its message of a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras, Still
from protocols.carla_rpc.types import Transform

if TYPE_CHECKING:
    from carla_plugin.simulator.world import World


class Shot(NamedTuple):
    """Hold what the drawing thread may know of a sensor at one tick; the loop goes on meanwhile.

    Attributes:
        number: actor id of the sensor.
        parent: actor id of what it is fixed to, 0 for none.
        place: of the sensor, in the world.
        settings: what the kind's `read` returned at its birth.
        memory: of this sensor alone; only the drawing thread may touch it.
        still: what there is to see.
        frame: number of the tick.
        elapsed_s: simulated seconds of the episode.
        step_s: simulated seconds of this tick, however long ago the sensor's last one was.
    """

    number: int
    parent: int
    place: Transform
    settings: Any
    memory: dict[str, Any]
    still: Still
    frame: int
    elapsed_s: float
    step_s: float


@dataclass(frozen=True)
class Drawn:
    """A sensor whose message is made by looking: in the drawing thread, from a `Shot`.

    Attributes:
        wire: its `SensorType`.
        read: takes the sensor at its birth, returns its settings; raises CallError.
        draw: returns what follows the 48-byte header, or None if there is nothing to be said.
    """

    wire: int
    read: Callable[[Sensor], Any]
    draw: Callable[[Cameras, Shot], bytes | None]


def silence(world: World, sensor: Sensor) -> tuple[bytes, ...]:
    """Say nothing: the client works this sensor out for itself."""
    return ()


@dataclass(frozen=True)
class Told:
    """A sensor whose messages follow from the world's numbers: on the loop, right after the step.

    Attributes:
        wire: its `SensorType`.
        read: takes the sensor at its birth, returns its settings, kept as `sensor.settings`; raises CallError.
        messages: returns what follows the 48-byte header, once for each message of this tick; often none.
        events: it reports what happens, so it is asked in every tick, whatever its `sensor_tick`.
    """

    wire: int
    read: Callable[[Sensor], Any] = field(default=lambda sensor: None)
    messages: Callable[[World, Sensor], tuple[bytes, ...] | list[bytes]] = field(default=silence)
    events: bool = False
