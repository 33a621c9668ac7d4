"""The recorder: writes a frame a tick, as long as it is on."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from carla_plugin.simulator.actors import Sensor, Sign, Signal, SimActor, Vehicle, Walker
from carla_plugin.simulator.recorder import frames
from carla_plugin.simulator.recorder.frames import Birth, Blow, Frame, Light, Motion
from carla_plugin.simulator.recorder.packets import frame_bytes, opening
from carla_plugin.simulator.world import World


def kind_of(actor: SimActor) -> int:
    """Return CARLA's number for the kind of an actor."""
    if isinstance(actor, Vehicle):
        return frames.VEHICLE
    if isinstance(actor, Walker):
        return frames.WALKER
    return frames.TRAFFIC_LIGHT if isinstance(actor, Signal) else frames.OTHER


class Recorder:
    """Write what happens in a world into a file."""

    def __init__(self, path: Path, map_name: str, date_s: int, additional: bool) -> None:
        """Begin a file.

        Args:
            path: of the file.
            map_name: of the town.
            date_s: seconds since 1970.
            additional: whether to write speeds too.

        Raises:
            OSError: the file cannot be written.
        """
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._file.write(opening(map_name, date_s))
        self._additional = additional
        self._known: dict[int, SimActor] = {}
        self._begin_s: float | None = None
        self._number = 0
        self._blows = 0

    def after_tick(self, world: World) -> None:
        """Write one tick.

        Raises:
            OSError: the file cannot be written, as when the disk is full.
        """
        if self._begin_s is None:
            self._begin_s = world.elapsed_s
        self._number += 1
        frame = Frame(self._number, world.step_s, world.elapsed_s - self._begin_s)
        alive = world.actors
        for number, actor in alive.items():
            if number not in self._known:
                frame.births.append(Birth(number, kind_of(actor), actor.place, actor.description))
                if actor.parent:
                    frame.parents[number] = actor.parent
            if isinstance(actor, Signal):
                frame.lights[number] = Light(actor.frozen, actor.elapsed_s, actor.state)
            elif not isinstance(actor, (Sensor, Sign)):
                self._moving(frame, actor)
        frame.deaths = [number for number in self._known if number not in alive]
        for blow in world.collisions:
            if not blow.other or blow.actor < blow.other:
                self._blows += 1
                frame.blows.append(Blow(self._blows, blow.actor, blow.other))
        self._known = dict(alive)
        self._file.write(frame_bytes(frame))

    def _moving(self, frame: Frame, actor: SimActor) -> None:
        frame.places[actor.id] = actor.place
        if isinstance(actor, Vehicle):
            frame.vehicles[actor.id] = actor.control
            frame.lamps[actor.id] = actor.lights
        elif isinstance(actor, Walker):
            frame.walkers[actor.id] = actor.control.speed
        if self._additional:
            frame.motions[actor.id] = Motion(actor.velocity, actor.angular_velocity)

    def stop(self) -> None:
        """End the file."""
        self._file.close()
