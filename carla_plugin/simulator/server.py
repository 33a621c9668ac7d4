"""The server: two ports, the calls of every client on one, the streams on the other, and one thread that draws."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from carla_plugin.simulator import contact
from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.callers import Callers
from carla_plugin.simulator.calls import answer
from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.hazards.late import Late
from carla_plugin.simulator.hazards.pictures import spoilt
from carla_plugin.simulator.obstacles import obstacles_of
from carla_plugin.simulator.options import Options
from carla_plugin.simulator.render import Renderer
from carla_plugin.simulator.roads import GENERATED
from carla_plugin.simulator.sensors import KINDS, Drawn, Shot, Told
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError
from carla_plugin.simulator.subscribers import SLOW_CLIENT_S, Subscribers
from carla_plugin.simulator.town import ALIASES, Town, TownNameError, build_town
from carla_plugin.simulator.world import World
from protocols.carla_rpc import messages, streaming
from protocols.errors import InputError, PeerError

log = logging.getLogger(__name__)

BACKLOG = 100
KEPT_TOWNS = 2
LATEST_S = 0.25  # for which images are held back when no tick comes


class PortError(PeerError):
    """The port is taken."""


class Server:
    """Serve one simulation; made and ended by `serve`."""

    def __init__(self, options: Options, progress: Callable[[str], None]) -> None:
        """Make nothing yet but the drawing thread.

        Args:
            options: of the command line.
            progress: told in a few words what takes time.
        """
        self._options = options
        self._progress = progress
        self._draws = ThreadPoolExecutor(1, "render")
        self._built: dict[str, tuple[Town, Cameras]] = {}  # the newest last
        self._subscribers = Subscribers()
        self._state = b""  # as the last tick sent it
        self._drawing: asyncio.Task[None] | None = None
        self._late = Late(options.hazards.seed)
        self._flush: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._peers: set[asyncio.StreamWriter] = set()

    async def run(
        self,
        sockets: tuple[socket.socket, socket.socket],
        map_name: str,
        ready: Callable[[], None],
        stop: asyncio.Event,
    ) -> None:
        """Build the town, serve until `stop` is set, then close everything.

        Args:
            sockets: bound, for calls and for streams.
            map_name: of the first town.
            ready: called when clients are served.
            stop: set to end.
        """
        calls_socket, streams_socket = sockets
        starting = asyncio.ensure_future(self._build(map_name))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            starting.cancel()
            self._draws.shutdown(wait=False, cancel_futures=True)
            return
        port = int(streams_socket.getsockname()[1])
        self.simulation = Simulation(
            await starting, port, self._options, self._build, self._settle, self._publish, self._look
        )
        self._callers = Callers(self.simulation, self._answer)
        calls = await asyncio.start_server(self._serve_calls, sock=calls_socket)
        streams = await asyncio.start_server(self._serve_stream, sock=streams_socket)
        clock = asyncio.create_task(self.simulation.run_clock())
        clock.add_done_callback(lambda _: stop.set())
        ready()
        try:
            await stopping
        finally:
            for task in (clock, self._drawing):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            calls.close()
            streams.close()
            for writer in list(self._peers):
                writer.transport.abort()
            self._draws.shutdown(wait=False, cancel_futures=True)

    async def _build(self, wanted: str | Town) -> Town:
        """Return a town, made in the drawing thread together with what draws it, unless it is still there.

        Args:
            wanted: its name, or itself if it is made from a user's map.
        """
        map_name = _key(wanted)

        def make() -> tuple[Town, Cameras]:
            alias = ALIASES.get(map_name) if self._options.aliases else None
            stands_for = f", {alias.words} of our own: places are not those of CARLA's" if alias else ""
            self._progress(f"building {map_name}{stands_for}")
            if map_name in ALIASES and not self._options.aliases:
                raise TownNameError(map_name)
            town = build_town(map_name) if isinstance(wanted, str) else wanted
            contact.warm_up()
            obstacles_of(town)  # takes time, so not on the loop
            renderer = Renderer(town.scene, town.lamps, threads=self._options.threads)
            renderer.warm_up(self._progress)
            return town, Cameras(renderer)

        if map_name not in self._built:
            try:
                town, cameras = await asyncio.get_running_loop().run_in_executor(self._draws, make)
            except TownNameError:
                raise CallError(f"Map '{map_name}' not found") from None
            self._built[map_name] = town, cameras
        town, cameras = self._built[map_name] = self._built.pop(map_name)
        for name in list(self._built)[:-KEPT_TOWNS]:
            del self._built[name]
        return town

    async def _look(self, world: World, work: Callable[[Cameras], Any]) -> Any:
        """Do work in the drawing thread, with the cameras of a world's town."""
        _, cameras = self._built[_key(world.town)]
        return await asyncio.get_running_loop().run_in_executor(self._draws, work, cameras)

    async def _serve_calls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client's calls."""
        _without_delay(writer)
        self._peers.add(writer)
        try:
            await self._callers.serve(reader, writer)
        finally:
            self._peers.discard(writer)
            writer.close()

    async def _answer(self, request: messages.Request) -> bytes:
        """Do what is asked; a fault of ours costs the call, not the server."""
        if request.method == "get_sensor_token" and request.arguments and isinstance(request.arguments[0], int):
            self._subscribers.expect(request.arguments[0])
        before = self.simulation.world
        try:
            return await answer(self.simulation, request)
        except Exception as error:
            log.exception("call %s failed", request.method)
            return messages.broken(request.number, request.method, f"{type(error).__name__}: {error}")
        finally:
            world = self.simulation.world
            self._subscribers.forget_all_but(_streams(world) if world is before else ())

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Register a subscriber until it leaves."""
        _without_delay(writer)
        self._peers.add(writer)
        stream = 0
        try:
            async with asyncio.timeout(SLOW_CLIENT_S):
                stream = streaming.subscription(await reader.readexactly(4))
            world = self.simulation.world
            if stream == streaming.WORLD_STREAM:
                # who comes while a synchronous world stands still would wait for a state until somebody ticks
                writer.write(self._state if self._state and not world.fresh else world.state_message())
            if stream == streaming.WORLD_STREAM or stream in _streams(world):
                self._subscribers.add(stream, writer)
            # who asks for a stream that is gone waits in silence: shown out, the wheel would come again at once
            while await reader.read(1 << 12):
                pass  # clients say nothing more
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._subscribers.remove(stream, writer)
            self._peers.discard(writer)
            writer.close()

    async def _settle(self, world: World) -> None:
        """Wait for clients about to subscribe; a synchronous world also waits until all is drawn and sent."""
        await self._subscribers.wait_for_expected(_streams(world))
        if not world.settings.synchronous_mode:
            await self._callers.rested()
        if self._drawing is not None and (world.settings.synchronous_mode or self._drawing.done()):
            await self._drawing
            self._drawing = None

    async def _publish(self, world: World, due: list[Sensor]) -> None:
        """Send a tick's state, then what told sensors say, then have the others drawn; in the order of the sensors."""
        synchronous = world.settings.synchronous_mode
        self._state = world.state_message()
        told: list[tuple[Sensor, bytes]] = []
        jobs: list[tuple[Sensor, Drawn, Shot, bytes]] = []
        idle = self._drawing is None  # no_rendering_mode stops no sensor, as in CARLA 0.9.16 (its issue 9535)
        still = None
        for sensor in due:
            kind = KINDS[sensor.description.id]
            opening = streaming.header(kind.wire, world.frame, world.elapsed_s, sensor.place)
            if isinstance(kind, Told):
                try:
                    told += [(sensor, streaming.framed(opening, body)) for body in kind.messages(world, sensor)]
                except Exception:  # it costs the sensor its message, not the world its tick
                    log.exception("sensor %d could not tell", sensor.id)
            elif not self._subscribers.has(sensor.stream):
                continue
            elif idle:
                still = still or world.still()
                jobs.append((sensor, kind, _shot(world, sensor, still), opening))
            else:  # an asynchronous world goes on while we draw: one with a period comes as soon as it can
                sensor.last_s -= sensor.period_s
        await self._subscribers.send(streaming.WORLD_STREAM, self._state, synchronous)
        for sensor, message in told:
            await self._subscribers.send(sensor.stream, message, synchronous)
        if jobs:
            _, cameras = self._built[_key(world.town)]
            self._drawing = asyncio.create_task(self._draw(cameras, jobs, synchronous))

    async def _draw(self, cameras: Cameras, jobs: list[tuple[Sensor, Drawn, Shot, bytes]], synchronous: bool) -> None:
        """Draw and send what the sensors of one tick see, one after the other."""
        loop = asyncio.get_running_loop()
        for sensor, kind, shot, opening in jobs:
            try:
                body = await loop.run_in_executor(self._draws, kind.draw, cameras, shot)
            except RuntimeError:  # the thread has been closed: we are leaving
                return
            except Exception:
                log.exception("sensor %d could not be drawn", sensor.id)
                continue
            if body is None:
                continue
            hazards = self._options.hazards
            if hazards.on:
                body = spoilt(hazards, kind.wire, shot, body)
            message = streaming.framed(opening, body)
            if "late-images" in hazards:
                self._late.hold(shot.frame, sensor.stream, message)
            else:
                await self._subscribers.send(sensor.stream, message, synchronous)
        if "late-images" in self._options.hazards:
            await self._send_late(jobs[0][2].frame, synchronous)

    async def _send_late(self, frame: int, synchronous: bool) -> None:
        """Send the images whose tick has come, and all that are held when no tick comes for a while."""
        for held in self._late.due(frame):
            await self._subscribers.send(held.stream, held.message, synchronous)
        if self._flush is not None:
            self._flush.cancel()
        self._flush = asyncio.get_running_loop().call_later(LATEST_S, self._send_all_late)

    def _send_all_late(self) -> None:
        async def send() -> None:
            for held in self._late.everything():
                await self._subscribers.send(held.stream, held.message, False)

        self._flushing = asyncio.create_task(send())


def _shot(world: World, sensor: Sensor, still: Still) -> Shot:
    """Return what the drawing thread may know of a sensor."""
    still = still._replace(air=still.air._replace(gain=world.exposures.gain(sensor.id)))
    if sensor.ignored:
        seen = [at for at, each in enumerate(still.placed) if each.actor_id not in sensor.ignored]
        still = still._replace(
            placed=tuple(still.placed[at] for at in seen), velocities=tuple(still.velocities[at] for at in seen)
        )
    return Shot(
        sensor.id, sensor.parent, sensor.place, sensor.settings, sensor.memory, still, world.frame, world.elapsed_s,
        world.step_s,
    )  # fmt: skip


def _key(town: str | Town) -> str:
    """Return what tells towns apart: all that are made from users' maps have one name."""
    if isinstance(town, str):
        return town
    return f"{town.name} {town.digest[:16]}" if town.name == GENERATED else town.name


def _streams(world: World) -> set[int]:
    """Return the streams of the living sensors."""
    return {actor.stream for actor in world.actors.values() if isinstance(actor, Sensor)}


def _without_delay(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return two bound sockets: calls on a port, streams on the next; port 0 takes a free pair.

    Raises:
        PortError: a port is taken, or the host is none of this machine's.
    """
    for _ in range(64):
        first, second = socket.socket(), socket.socket()
        for each in (first, second):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # listening at once keeps another simulator that starts just now from sharing the ports
            first.bind((host, port))
            first.listen(BACKLOG)
            second.bind((host, first.getsockname()[1] + 1))
            second.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            first.close()
            second.close()
            if port:
                raise PortError(
                    f"{host}:{port} and {port + 1}: expected two free ports, got '{error}'; choose another --port"
                ) from None
            if not isinstance(error, OSError) or error.errno == errno.EADDRINUSE:
                continue
            raise PortError(f"--host {host}: expected an address of this machine, got '{error}'") from None
        return first, second
    raise PortError(f"{host}: expected two free ports side by side, found none")


async def serve(
    host: str, port: int, map_name: str, *, options: Options, progress: Callable[[str], None],
    ready: Callable[[int], None], stop: asyncio.Event,
) -> None:  # fmt: skip
    """Serve a town until `stop` is set.

    Args:
        host: address to listen on.
        port: of the calls, streams use the next one; 0 takes a free pair.
        map_name: of the first town.
        options: of the command line.
        progress: told in a few words what takes time.
        ready: called with the port when clients are served.
        stop: set to end.

    Raises:
        PortError: a port is taken.
        InputError: no such map.
    """
    sockets = bind(host, port)
    try:
        await Server(options, progress).run(sockets, map_name, lambda: ready(sockets[0].getsockname()[1]), stop)
    except CallError as error:
        raise InputError(f"--town {map_name}: {error}; expected a name such as Grid_07") from None
    finally:
        for each in sockets:
            each.close()
