"""Replay: place the moments of a plan on a server, and hold them still; the plan may come from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgpack

from carla_plugin.defences import ALL, Defences
from carla_plugin.layouts import Layouts, Moment
from carla_plugin.pixels import Shot
from carla_plugin.planning import plan_episode
from carla_plugin.scenario import Scenario
from carla_plugin.world import convert
from carla_plugin.world.actors import Cast
from carla_plugin.world.cameras import CameraRig
from carla_plugin.world.connection import SERVER_VERSION, ServerError, World
from carla_plugin.world.traffic import freeze_signals, set_signals, signals_of
from protocols.carla_rpc.types import WeatherParameters

__all__ = ["Stage", "plan_episode", "staged"]


class Stage:
    """Show one moment after another to the cameras; the only hands that capture needs.

    Attributes:
        layouts: the plan that is shown.
        weather: as it was set last, at first that of the server.
        server: version of the server.
    """

    def __init__(self, world: World, cast: Cast, cameras: CameraRig, layouts: Layouts, defences: Defences) -> None:
        """Take the actors that stand still, and the mounted cameras.

        Raises:
            ServerError: the map has other traffic lights than the plan.
        """
        self.layouts = layouts
        with world.asking("reading its weather"):
            self.weather = WeatherParameters(*convert.weather_numbers(world.world.get_weather()).tolist())
        self.server = SERVER_VERSION
        self._world = world
        self._cast = cast
        self._cameras = cameras
        self._defences = defences
        signals, names = signals_of(world)
        if names != layouts.signals:
            raise ServerError(
                f"simulator at {world.address}: expected {layouts.town} with the {len(layouts.signals)} traffic lights "
                f"of the layouts, got {len(names)} of other names or number; plan anew for this version of the map"
            )
        self._signals = signals
        self._states: list[int] = [-1] * len(signals)
        self._moment = layouts.moments[0]

    def place(self, moment: Moment) -> None:
        """Place actors, poses, lights and cameras as in a moment; they stand there from the next tick on."""
        self._moment = moment
        set_signals(self._world, self._signals, moment.signals, self._states)
        if self._defences.full_pose:
            self._cast.show_poses(self.layouts, moment)
        commands = self._cast.place_commands(moment, steady_lights=self._defences.steady_lights)
        self._world.apply(commands + self._cameras.move_commands(moment.cameras), "placing a moment")

    def again(self) -> None:
        """Place the present moment once more, and tell the server all of it, whatever it was told before."""
        self._cast.forget()
        self._states = [-1] * len(self._signals)
        self.place(self._moment)

    def set_weather(self, weather: WeatherParameters) -> None:
        """Set the weather and wait until the server confirms it."""
        self._world.set_weather(weather)
        self.weather = weather

    def tick(self) -> int:
        """Advance by one step and return the frame number."""
        return self._world.tick()

    def take(self, frame: int) -> tuple[Shot, ...]:
        """Return what each camera saw in a frame."""
        return self._cameras.take(frame)

    def poses(self) -> bytes:
        """Return the bytes of all actors' transforms."""
        return self._cast.poses()

    def state(self) -> bytes:
        """Return all that was placed as the server says it is now, without the server's numbers for actors.

        The same moment gives the same bytes on any server: transforms, lamps, traffic lights.
        """
        signals = [int(signal.get_state()) for signal in self._signals]
        cameras = [[*pose.location, *pose.rotation] for pose in self._moment.cameras]
        packed: bytes = msgpack.packb([self._cast.poses(), self._cast.lamps(), signals, cameras])
        return packed


@contextmanager
def staged(world: World, layouts: Layouts, scenario: Scenario, defences: Defences = ALL) -> Iterator[Stage]:
    """Give the stage on which a plan's moments can be placed, in any order; all actors are gone afterwards.

    Args:
        world: where; with the plan's map.
        layouts: the plan.
        scenario: whose cameras are mounted.
        defences: what is done against the unrest of real servers.

    Raises:
        ServerError: the server did not answer, has another map, or lacks what the plan needs.
    """
    if world.town != layouts.town:
        raise ServerError(f"simulator at {world.address}: expected the map {layouts.town}, got {world.town}")
    with (
        Cast.standing(world, layouts, still=defences.physics_off) as cast,
        freeze_signals(world, defences.frozen_signals),
        CameraRig.mounted(world, scenario.cameras, scenario.planes, layouts.moments[0].cameras, defences) as cameras,
    ):
        yield Stage(world, cast, cameras, layouts, defences)
