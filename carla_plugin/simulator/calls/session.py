"""Calls about the session: version, episode, settings, ticks, maps and files."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.navigation.files import NavigationFile, navigation_file
from carla_plugin.simulator.navigation.mesh import NavigationError
from carla_plugin.simulator.roads import Making, RoadsError, build_roads
from carla_plugin.simulator.scenery import ALL_LAYERS
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError
from carla_plugin.simulator.town import ALIASES, TOWN_NAMES
from protocols.carla_rpc import reading
from protocols.carla_rpc.streaming import WORLD_STREAM, token
from protocols.carla_rpc.types import EpisodeSettings, Transform

log = logging.getLogger(__name__)

VERSION = "0.9.16"
MAP_FOLDER = "Carla/Maps/"
LONGEST_STEP_S = 10.0


def get_version(simulation: Simulation) -> str:
    """Return the version we speak."""
    return VERSION


def get_episode_info(simulation: Simulation) -> Any:
    """Return the episode's number and where its state is streamed."""
    return [simulation.world.episode, [token(WORLD_STREAM, simulation.port)]]


def get_sensor_token(simulation: Simulation, stream: Any) -> Any:
    """Return where a stream is to be had."""
    return [token(reading.integer(stream) & 0xFFFFFFFF, simulation.port)]


def get_episode_settings(simulation: Simulation) -> EpisodeSettings:
    """Return the world's settings."""
    return simulation.world.settings


def set_episode_settings(simulation: Simulation, settings: Any) -> int:
    """Take over settings; the client waits until it has seen the frame that is returned."""
    wanted = reading.settings(settings)
    step = wanted.fixed_delta_seconds
    if len(step) > 1 and step[1] > LONGEST_STEP_S:
        raise CallError(f"fixed_delta_seconds must be at most {LONGEST_STEP_S:g}, not {step[1]:g}")
    simulation.world.settings = wanted
    simulation.wake.set()
    return simulation.world.frame


async def tick_cue(simulation: Simulation) -> int:
    """Let a tick pass."""
    return await simulation.tick()


def get_map_info(simulation: Simulation) -> tuple[str, tuple[Transform, ...]]:
    """Return the map's name and its spawn points."""
    town = simulation.world.town
    return MAP_FOLDER + town.name, town.spawn_points


def get_map_data(simulation: Simulation) -> str:
    """Return the map as OpenDRIVE."""
    return simulation.world.town.opendrive


def get_available_maps(simulation: Simulation) -> list[str]:
    """Return CARLA's names, if they are answered, and some of ours: any `Grid_<number>` can be loaded."""
    aliases = ALIASES if simulation.options.aliases else ()
    names = dict.fromkeys((*aliases, *TOWN_NAMES, simulation.world.town.name))
    return [f"/Game/{MAP_FOLDER}{name}" for name in names]


async def get_required_files(simulation: Simulation, folder: Any) -> list[str]:
    """Return the path of the map's navigation mesh; the map itself goes by `get_map_data`."""
    if reading.text(folder).strip("/") not in ("", "Nav"):
        return []
    file = await _navigation(simulation)
    return [file.path] if file else []


async def _navigation(simulation: Simulation) -> NavigationFile | None:
    """Return the map's navigation mesh, or None for want of one: people then stand, and all else goes on."""
    try:
        return await asyncio.to_thread(navigation_file, simulation.world.town)
    except NavigationError as error:
        log.warning("%s has no navigation mesh: %s", simulation.world.town.name, error)
        return None


async def request_file(simulation: Simulation, path: Any) -> bytes:
    """Return a file that `get_required_files` has named."""
    wanted = reading.text(path)
    file = await _navigation(simulation)
    if file is None or file.path != wanted:
        raise CallError(f"file not found: {wanted[:200]}")
    return file.data


async def copy_opendrive_to_file(simulation: Simulation, text: Any, making: Any) -> None:
    """Make a town of a user's map; `load_new_episode` opens it under the name OpenDriveMap."""
    words = reading.text(text)
    fields = reading.array(making, len(Making._fields))
    length, longest, wall, extra = (reading.number(field) for field in fields[:4])
    smooth, visible, walked = (reading.boolean(field) for field in fields[4:7])
    wanted = Making(length, longest, wall, extra, smooth, visible, walked)
    try:
        simulation.generated = await asyncio.to_thread(build_roads, words, wanted)
    except RoadsError as error:
        raise CallError(f"opendrive could not be correctly parsed: {error}") from None


async def load_new_episode(simulation: Simulation, name: Any, reset: Any, layers: Any) -> None:
    """Open a new episode."""
    present = reading.integer(layers, 0, ALL_LAYERS)
    await simulation.load(reading.text(name), reading.boolean(reset))
    if present != ALL_LAYERS:
        simulation.world.set_layers(present)


def is_traffic_manager_running(simulation: Simulation, port: Any) -> bool:
    """Return whether a client has registered a traffic manager under this port."""
    return reading.integer(port) in simulation.traffic_managers


def get_traffic_manager_running(simulation: Simulation, port: Any) -> tuple[str, int]:
    """Return where the traffic manager of this port lives."""
    return simulation.traffic_managers.get(reading.integer(port), ("", 0))


def add_traffic_manager_running(simulation: Simulation, place: Any) -> bool:
    """Register a client's traffic manager."""
    address, port = reading.array(place, 2)[:2]
    if reading.integer(port, 0, 65_535) in simulation.traffic_managers:
        return False
    simulation.traffic_managers[port] = (reading.text(address), port)
    return True


def destroy_traffic_manager(simulation: Simulation, port: Any) -> bool:
    """Forget a client's traffic manager."""
    return simulation.traffic_managers.pop(reading.integer(port), None) is not None


CALLS = {
    "version": value(get_version),
    "get_episode_info": value(get_episode_info),
    "get_sensor_token": value(get_sensor_token),
    "get_episode_settings": value(get_episode_settings),
    "set_episode_settings": value(set_episode_settings),
    "tick_cue": value(tick_cue),
    "get_map_info": value(get_map_info),
    "get_map_data": value(get_map_data),
    "get_available_maps": value(get_available_maps),
    "get_required_files": value(get_required_files),
    "request_file": value(request_file),
    "copy_opendrive_to_file": void(copy_opendrive_to_file),
    "load_new_episode": void(load_new_episode),
    "is_traffic_manager_running": value(is_traffic_manager_running),
    "get_traffic_manager_running": value(get_traffic_manager_running),
    "add_traffic_manager_running": value(add_traffic_manager_running),
    "destroy_traffic_manager": value(destroy_traffic_manager),
}
