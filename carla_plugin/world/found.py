"""What was found: a server's settings, weather and traffic lights before the first change, and how to put them back.

It is kept on the server itself, in the role name of an invisible actor, so that whoever comes after a plugin that was
killed can put things back; all our actors carry the plugin's mark in theirs.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import socket
import zlib
from pathlib import Path
from typing import Any

import carla
import msgspec

from protocols.carla_rpc.types import WeatherParameters

PREFIX = "manyskies:"
"""Role names of our actors begin so; then comes the mark of the plugin's start, and in the marker's what was found."""

MARKER = "sensor.other.gnss"
"""Invisible, and free of cost while nobody listens."""

WAIT_S = 2.0
"""For the frame of somebody else's tick."""

FRAME_S = 20.0
"""For a frame of a world that ticks by itself, on a machine that has much else to do."""

LOOKS = 6
"""At most so often our actors are looked for; as a rule the second look finds no more."""

TEXT_LIMIT = 64 * 1024
STATE_LIMIT = 4096

SETTINGS = (
    "synchronous_mode",
    "no_rendering_mode",
    "fixed_delta_seconds",
    "substepping",
    "max_substep_delta_time",
    "max_substeps",
    "max_culling_distance",
    "deterministic_ragdolls",
    "tile_stream_distance",
    "actor_active_distance",
    "spectator_as_ego",
)


class Found(msgspec.Struct, frozen=True, array_like=True):
    """Hold what is to be put back.

    Attributes:
        mark: of the plugin's start, which its actors carry.
        machine: where the plugin runs.
        process: its process id there.
        began: when that process began, in the system's own count; 0 where that cannot be known.
        settings: values of `SETTINGS`.
        weather: CARLA's 14 numbers.
        signals: state of each traffic light, by OpenDRIVE id.
        frozen: whether the traffic lights were held.
    """

    mark: str
    machine: str
    process: int
    began: int
    settings: tuple[bool | int | float | None, ...]
    weather: tuple[float, ...]
    signals: dict[str, int]
    frozen: bool

    @classmethod
    def of(cls, world: carla.World) -> Found:
        """Read it from a server.

        Args:
            world: the wheel's world; nothing of it is changed.
        """
        settings, weather = world.get_settings(), world.get_weather()
        lights = _lights(world)
        return cls(
            *_ourselves(),
            settings=tuple(getattr(settings, name) for name in SETTINGS),
            weather=tuple(float(getattr(weather, name)) for name in WeatherParameters._fields),
            signals={key: int(light.get_state()) for key, light in lights.items()},
            frozen=any(bool(light.is_frozen()) for light in lights.values()),
        )

    def ours(self) -> Found:
        """Return the same as found by this process: what was put back a moment ago need not be read again."""
        mark, machine, process, began = _ourselves()
        return msgspec.structs.replace(self, mark=mark, machine=machine, process=process, began=began)

    @property
    def role(self) -> str:
        """Return the role name of our actors."""
        return f"{PREFIX}{self.mark}"

    def leave_marker(self, world: carla.World) -> None:
        """Write it into the role name of an invisible actor."""
        entry = world.get_blueprint_library().find(MARKER)
        packed = base64.b64encode(zlib.compress(msgspec.msgpack.encode(self), 9)).decode()
        entry.set_attribute("role_name", f"{self.role}:{packed}")
        world.spawn_actor(entry, carla.Transform(carla.Location(z=0.5)))

    def alive(self) -> bool:
        """Return whether the plugin still runs, as far as this machine can tell; never for another machine's."""
        if self.machine != socket.gethostname() or self.process == os.getpid():
            return False
        began = _began(self.process)
        return began != 0 and began == self.began

    def put_back(self, client: carla.Client) -> int:
        """Remove our actors, put traffic lights, weather and settings back, and remove the marker last.

        Args:
            client: the wheel's client.

        Returns:
            How many actors of ours were still there, the marker left out.
        """
        world = client.get_world()
        removed, markers = self._remove_actors(client, world)
        self._set_signals(world)
        weather = carla.WeatherParameters(*self.weather)
        if world.get_weather() != weather:
            world.set_weather(weather)
        settings = world.get_settings()
        for name, value in zip(SETTINGS, self.settings, strict=True):
            setattr(settings, name, value)
        world.apply_settings(settings)
        _destroy(client, markers)
        return len(removed)

    def _remove_actors(self, client: carla.Client, world: carla.World) -> tuple[list[int], list[int]]:
        """Remove our actors, look again until there are no more, and return the ids of both: actors and markers.

        Each look is of another frame: what was spawned after the last one is in nobody's list yet, and a call of a
        plugin that was killed may reach the server after ours.
        """
        removed: set[int] = set()
        markers: set[int] = set()
        for look in range(LOOKS):
            if world.get_settings().synchronous_mode:
                world.tick()
            else:
                world.wait_for_tick(FRAME_S)
            roles = {int(actor.id): _role(actor) for actor in world.get_actors()}
            markers |= {number for number, role in roles.items() if role.startswith(f"{self.role}:")}
            rest = {number for number, role in roles.items() if role == self.role} - removed
            if look and not rest:
                break
            _destroy(client, sorted(rest))
            removed |= rest
        return sorted(removed), sorted(markers)

    def _set_signals(self, world: carla.World) -> None:
        """Set all of them: what the newest snapshot says may be older than what we told them last."""
        for key, light in _lights(world).items():
            if key in self.signals:
                light.set_state(carla.TrafficLightState.values[self.signals[key]])
        world.freeze_all_traffic_lights(self.frozen)


def leftovers(world: carla.World) -> list[Found]:
    """Return what plugins found and did not put back, oldest first.

    Args:
        world: the wheel's world.
    """
    _await_frame(world)
    markers = sorted(world.get_actors().filter(MARKER), key=lambda actor: int(actor.id))
    read = [_read(_role(marker)) for marker in markers]
    return [found for found in read if found is not None]


def _await_frame(world: carla.World) -> None:
    """Return when the list of actors, which comes with a frame, is no older than the call.

    The first frame that a new client hears of may be long past: servers greet with it. In a synchronous world that
    nobody ticks any more no other would come.
    """
    synchronous = world.get_settings().synchronous_mode
    for _ in range(2):
        try:
            world.wait_for_tick(WAIT_S if synchronous else FRAME_S)
        except RuntimeError:
            if not synchronous:
                raise
            world.tick()
            return


def _read(role: str) -> Found | None:
    """Return what a marker says, None if it is no marker of ours; it may hold anything."""
    _, _, packed = role.removeprefix(PREFIX).partition(":")
    if not role.startswith(PREFIX) or not packed or len(packed) > TEXT_LIMIT:
        return None
    with contextlib.suppress(ValueError, zlib.error, msgspec.MsgspecError):
        plain = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), 1 << 20)
        found = msgspec.msgpack.decode(plain, type=Found)
        sizes = len(found.settings) == len(SETTINGS) and len(found.weather) == len(WeatherParameters._fields)
        known = all(state in carla.TrafficLightState.values for state in found.signals.values())
        if sizes and known and role.startswith(f"{found.role}:") and len(found.signals) <= STATE_LIMIT:
            return found
    return None


def _role(actor: Any) -> str:
    return str(actor.attributes.get("role_name", ""))


def _lights(world: carla.World) -> dict[str, Any]:
    """Return the traffic lights by OpenDRIVE id; those without one by their number."""
    lights = world.get_actors().filter("traffic.traffic_light*")
    return {str(light.get_opendrive_id()) or f"#{light.id}": light for light in lights}


def _destroy(client: carla.Client, ids: list[int]) -> None:
    if ids:
        client.apply_batch_sync([carla.command.DestroyActor(number) for number in ids], False)


def _ourselves() -> tuple[str, str, int, int]:
    """Return a new mark, this machine, this process, and when it began."""
    return secrets.token_hex(4), socket.gethostname(), os.getpid(), _began(os.getpid())


def _began(process: int) -> int:
    """Return when a process of this machine began, 0 when it has ended or the system does not say."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        return 0
