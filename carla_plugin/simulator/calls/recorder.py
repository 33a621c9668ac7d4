"""Calls about the recorder: record, tell of recordings, replay them."""

from __future__ import annotations

from functools import partial
from typing import Any

from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.recorder import reports
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading


def start_recorder(simulation: Simulation, name: Any, additional: Any) -> str:
    """Begin to record and return the path of the file."""
    return simulation.tape.start(simulation.world, reading.text(name), reading.boolean(additional))


def stop_recorder(simulation: Simulation) -> None:
    """End the recording."""
    simulation.tape.stop()


def show_recorder_file_info(simulation: Simulation, name: Any, everything: Any) -> str:
    """Return what happened in a recording."""
    about = partial(reports.file_info, everything=reading.boolean(everything))
    return simulation.tape.tell(reading.text(name), about)


def show_recorder_collisions(simulation: Simulation, name: Any, first: Any, second: Any) -> str:
    """Return the collisions between two kinds of actors, which come as codes of letters."""
    letters = [chr(reading.integer(each) & 0x7F) for each in (first, second)]
    about = partial(reports.collisions, first=letters[0], second=letters[1])
    return simulation.tape.tell(reading.text(name), about)


def show_recorder_actors_blocked(simulation: Simulation, name: Any, min_time_s: Any, min_distance_cm: Any) -> str:
    """Return the vehicles that stood for a while."""
    about = partial(
        reports.blocked, min_time_s=reading.number(min_time_s), min_distance_cm=reading.number(min_distance_cm)
    )
    return simulation.tape.tell(reading.text(name), about)


async def replay_file(
    simulation: Simulation, name: Any, start: Any, duration: Any, follow: Any, sensors: Any, offset: Any
) -> str:
    """Replay a recording, on its map; sensors of the recording are not made again."""
    tape, title = simulation.tape, reading.text(name)
    path, found = tape.path(title), tape.open(title)
    if isinstance(found, str):
        return found
    if found.map_name != simulation.world.town.name:
        await simulation.load(found.map_name, False)
    start_s, duration_s = reading.number(start), reading.number(duration)
    view = reading.transform(offset)
    words = tape.replay(simulation.world, found, start_s, duration_s, reading.integer(follow), view)
    return f"Replaying File: {path}\n{words}"


def set_replayer_time_factor(simulation: Simulation, factor: Any) -> None:
    """Replay faster or slower."""
    simulation.tape.set_factor(max(reading.number(factor), 0.0))


def set_replayer_ignore_hero(simulation: Simulation, ignore: Any) -> None:
    """Leave heroes to themselves in the next replay."""
    simulation.tape.ignore_hero = reading.boolean(ignore)


def set_replayer_ignore_spectator(simulation: Simulation, ignore: Any) -> None:
    """Leave the onlooker where it is in the next replay."""
    simulation.tape.ignore_spectator = reading.boolean(ignore)


def stop_replayer(simulation: Simulation, keep: Any) -> None:
    """End the replay; the actors it made stay or go."""
    simulation.tape.stop_replay(simulation.world, reading.boolean(keep))


CALLS = {
    "start_recorder": value(start_recorder),
    "stop_recorder": void(stop_recorder),
    "show_recorder_file_info": value(show_recorder_file_info),
    "show_recorder_collisions": value(show_recorder_collisions),
    "show_recorder_actors_blocked": value(show_recorder_actors_blocked),
    "replay_file": value(replay_file),
    "set_replayer_time_factor": void(set_replayer_time_factor),
    "set_replayer_ignore_hero": void(set_replayer_ignore_hero),
    "set_replayer_ignore_spectator": void(set_replayer_ignore_spectator),
    "stop_replayer": void(stop_replayer),
}
