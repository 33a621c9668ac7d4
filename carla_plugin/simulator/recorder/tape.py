"""The tape: what a simulator records and replays, and the folder where recordings lie."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from carla_plugin.simulator.recorder.frames import Recording
from carla_plugin.simulator.recorder.packets import RecordingError, read
from carla_plugin.simulator.recorder.recorder import Recorder
from carla_plugin.simulator.recorder.replay import Replayer, Spawn
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.world import World
from protocols.carla_rpc.types import Transform

log = logging.getLogger(__name__)


class Tape:
    """Hold the recording and the replay that are going on, if any."""

    def __init__(self, folder: Path, spawn: Spawn) -> None:
        """Begin with neither.

        Args:
            folder: of the recordings; made when the first one begins.
            spawn: makes an actor in the present world, or returns None.
        """
        self._folder = folder
        self._spawn = spawn
        self._recorder: Recorder | None = None
        self._replayer: Replayer | None = None
        self.factor = 1.0
        self.ignore_hero = self.ignore_spectator = False

    def path(self, name: str) -> Path:
        """Return where a recording lies: always in the folder, whatever path a client gives.

        Raises:
            CallError: the name is empty.
        """
        last = PureWindowsPath(PurePosixPath(name).name).name
        if last in ("", ".", "..") or "\0" in last:
            raise CallError(f"a recording needs a file name, not '{name}'")
        return self._folder / last[:200]

    def start(self, world: World, name: str, additional: bool) -> str:
        """Begin to record and return the path of the file.

        Raises:
            CallError: the file cannot be written.
        """
        self.stop()
        path = self.path(name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._recorder = Recorder(path, world.town.name, int(time.time()), additional)
        except OSError as error:
            raise CallError(f"the recording {path} cannot be written: {error.strerror}") from None
        return str(path)

    def stop(self) -> None:
        """End the recording, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.stop()
            except OSError as error:
                log.warning("the end of %s could not be written: %s", recorder.path, error.strerror)

    def tell(self, name: str, about: Callable[[Recording], str]) -> str:
        """Return a report of a recording, or in CARLA's words why there is none."""
        found = self.open(name)
        return found if isinstance(found, str) else about(found)

    def open(self, name: str) -> Recording | str:
        """Return a recording, or in CARLA's words why there is none."""
        path = self.path(name)
        if self._recorder is not None and self._recorder.path == path:
            self.stop()
        try:
            return read(path.read_bytes())
        except OSError:
            return f"File {path} not found on server\n"
        except RecordingError:
            return f"File {path} is not a CARLA recorder file\n"

    def replay(
        self, world: World, recording: Recording, start_s: float, duration_s: float, follow: int, offset: Transform
    ) -> str:
        """Begin to replay and return what CARLA says of it."""
        self.stop_replay(world, keep=False)
        replayer = Replayer(recording, start_s, duration_s, follow, offset)
        replayer.factor = self.factor
        replayer.ignore_hero, replayer.ignore_spectator = self.ignore_hero, self.ignore_spectator
        replayer.begin(world, self._spawn)
        self._replayer = replayer
        total = recording.duration_s
        return (
            f"Total time recorded: {total:g}\n"
            f"Replaying from {replayer.at_s:g} s - {replayer.end_s:g} s ({total:g} s) at {self.factor:g}x\n"
        )

    def stop_replay(self, world: World, keep: bool) -> None:
        """End the replay, if there is one.

        Args:
            world: in which it goes on.
            keep: whether the actors that it made stay.
        """
        if self._replayer is not None:
            self._replayer.finish(world, keep)
            self._replayer = None

    def set_factor(self, factor: float) -> None:
        """Replay faster or slower from now on."""
        self.factor = factor
        if self._replayer is not None:
            self._replayer.factor = factor

    def before_step(self, world: World) -> None:
        """Put replayed actors where the coming tick ends; at the end of the replay physics has them back."""
        if self._replayer is not None and not self._replayer.advance(world, world.fixed_step_s, self._spawn):
            self.stop_replay(world, keep=True)

    def after_step(self, world: World) -> None:
        """Give replayed actors their speeds, and write the tick into the recording."""
        if self._replayer is not None:
            self._replayer.give_speeds()
        if self._recorder is None:
            return
        try:
            self._recorder.after_tick(world)
        except OSError as error:
            log.warning("recording to %s ends here: %s", self._recorder.path, error.strerror)
            self.stop()

    def world_changed(self) -> None:
        """End both: the actors are gone."""
        self.stop()
        self._replayer = None
