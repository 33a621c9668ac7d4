"""The server: two ports, the calls of every client on one, the streams on the other, and one thread that draws."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.calls import answer
from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.render import Camera, Renderer
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError
from carla_plugin.simulator.town import Town, TownNameError, build_town
from carla_plugin.simulator.world import World
from protocols.carla_rpc import messages, streaming
from protocols.errors import PeerError, RemoteProtocolError

log = logging.getLogger(__name__)

SUBSCRIBE_GRACE_S = 0.5  # a tick waits so long for a client that was told of a stream and has not come yet
SLOW_CLIENT_S = 30.0
HIGH_WATER = 8 << 20


class PortError(PeerError):
    """The port is taken."""


class Server:
    """Serve one simulation; made and ended by `serve`."""

    def __init__(self, threads: int, progress: Callable[[str], None]) -> None:
        """Make nothing yet but the drawing thread.

        Args:
            threads: bands of rows that the renderer draws at once.
            progress: told in a few words what takes time.
        """
        self._threads = threads
        self._progress = progress
        self._draws = ThreadPoolExecutor(1, "render")
        self._cameras: dict[str, Cameras] = {}
        self._streams: defaultdict[int, set[asyncio.StreamWriter]] = defaultdict(set)
        self._expected: dict[int, float] = {}  # streams handed out, and until when a tick waits for them
        self._arrived = asyncio.Event()
        self._drawing: asyncio.Task[None] | None = None
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
        self.simulation = Simulation(await starting, port, self._build, self._publish)
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

    async def _build(self, map_name: str) -> Town:
        """Make a town and what draws it, in the drawing thread."""

        def make() -> Town:
            self._progress(f"building {map_name}")
            town = build_town(map_name)
            renderer = Renderer(town.scene, town.lamps, threads=self._threads)
            renderer.warm_up(self._progress)
            self._cameras[town.name] = Cameras(renderer)
            return town

        try:
            town = await asyncio.get_running_loop().run_in_executor(self._draws, make)
        except TownNameError:
            raise CallError(f"Map '{map_name}' not found") from None
        for name in list(self._cameras)[:-2]:  # the town before may still be drawn
            del self._cameras[name]
        return town

    async def _serve_calls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client's calls, one after the other."""
        _without_delay(writer)
        self._peers.add(writer)
        requests = messages.RequestReader()
        try:
            while data := await reader.read(1 << 16):
                for request in requests.feed(data):
                    if request.method == "get_sensor_token" and request.arguments:
                        self._expect(request.arguments[0])
                    reply = await self._answer(request)
                    if not request.asynchronous:
                        writer.write(reply)
                        await writer.drain()
        except RemoteProtocolError as error:
            log.warning("a client was dropped: %s", error)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._peers.discard(writer)
            writer.close()

    async def _answer(self, request: messages.Request) -> bytes:
        """Do what is asked; a fault of ours costs the call, not the server."""
        before = self.simulation.world
        try:
            return await answer(self.simulation, request)
        except Exception:
            log.exception("call %s failed", request.method)
            return messages.no_such_method(request.number, request.method, len(request.arguments) + 1)
        finally:
            self._drop_streams_of_the_dead(before)

    def _drop_streams_of_the_dead(self, before: World) -> None:
        """Close the streams whose sensors are gone."""
        world = self.simulation.world
        if not self._streams:
            return
        alive = {actor.stream for actor in world.actors.values() if isinstance(actor, Sensor)}
        for stream in list(self._streams):
            if stream != streaming.WORLD_STREAM and (stream not in alive or world is not before):
                for writer in self._streams.pop(stream):
                    writer.close()

    def _expect(self, stream: object) -> None:
        """Remember that a client was told of a stream and is about to come."""
        if isinstance(stream, int) and stream != streaming.WORLD_STREAM:
            self._expected[stream] = asyncio.get_running_loop().time() + SUBSCRIBE_GRACE_S

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Register a subscriber until it leaves."""
        _without_delay(writer)
        self._peers.add(writer)
        stream = 0
        try:
            async with asyncio.timeout(SLOW_CLIENT_S):
                stream = streaming.subscription(await reader.readexactly(4))
            known = stream == streaming.WORLD_STREAM or any(
                isinstance(actor, Sensor) and actor.stream == stream for actor in self.simulation.world.actors.values()
            )
            if not known:
                return
            self._streams[stream].add(writer)
            self._expected.pop(stream, None)
            self._arrived.set()
            while await reader.read(1 << 12):
                pass  # clients say nothing more
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._streams[stream].discard(writer)
            if not self._streams[stream]:
                del self._streams[stream]
            self._peers.discard(writer)
            writer.close()

    async def _publish(self, world: World, due: list[Sensor]) -> None:
        """Send a tick's state, then have its cameras drawn; a synchronous world waits for those who are behind."""
        synchronous = world.settings.synchronous_mode
        await self._wait_for_subscribers()
        if self._drawing is not None and (synchronous or self._drawing.done()):
            await self._drawing
            self._drawing = None
        await self._send(streaming.WORLD_STREAM, world.state_message(), synchronous)
        wanted = [sensor for sensor in due if self._streams.get(sensor.stream)]
        if wanted and self._drawing is None and not world.settings.no_rendering_mode:
            jobs = [
                (
                    sensor,
                    Camera(sensor.place, sensor.width, sensor.height, sensor.fov_deg),
                    streaming.header(sensor.kind, world.frame, world.elapsed_s, sensor.place),
                )
                for sensor in wanted
            ]
            cameras = self._cameras[world.town.name]
            self._drawing = asyncio.create_task(self._draw(cameras, world.still(), jobs, synchronous))

    async def _draw(
        self, cameras: Cameras, still: Still, jobs: list[tuple[Sensor, Camera, bytes]], synchronous: bool
    ) -> None:
        """Draw and send the images of one tick, sensor by sensor."""
        loop = asyncio.get_running_loop()
        for sensor, camera, opening in jobs:
            try:
                pixels = await loop.run_in_executor(self._draws, cameras.pixels, sensor.kind, camera, still)
            except RuntimeError:  # the thread has been closed: we are leaving
                return
            except Exception:
                log.exception("camera %d could not be drawn", sensor.id)
                continue
            middle = streaming.image(camera.width, camera.height, camera.fov_deg)
            await self._send(sensor.stream, streaming.framed(opening, middle, pixels), synchronous)

    async def _send(self, stream: int, message: bytes, synchronous: bool) -> None:
        """Send to all subscribers; one that is behind is waited for in synchronous mode, and skipped otherwise."""
        for writer in list(self._streams.get(stream, ())):
            if not synchronous and writer.transport.get_write_buffer_size() > HIGH_WATER:
                continue
            try:
                writer.write(message)
                async with asyncio.timeout(SLOW_CLIENT_S if synchronous else 0.5):
                    await writer.drain()
            except TimeoutError:
                if synchronous:
                    log.warning("a client did not read stream %d for %g s and was dropped", stream, SLOW_CLIENT_S)
                    writer.transport.abort()
            except ConnectionError:
                writer.close()

    async def _wait_for_subscribers(self) -> None:
        """Wait until every client that was told of a stream has come, at most the time of grace."""
        loop = asyncio.get_running_loop()
        while self._expected:
            alive = {actor.stream for actor in self.simulation.world.actors.values() if isinstance(actor, Sensor)}
            now = loop.time()
            self._expected = {s: until for s, until in self._expected.items() if until > now and s in alive}
            if not self._expected:
                return
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._expected.values()) - now):
                    await self._arrived.wait()


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
            first.bind((host, port))
            second.bind((host, first.getsockname()[1] + 1))
        except (OSError, OverflowError) as error:
            first.close()
            second.close()
            if port:
                raise PortError(
                    f"{host}:{port} and {port + 1}: expected two free ports, got '{error}'; choose another --port"
                ) from None
            continue
        return first, second
    raise PortError(f"{host}: expected two free ports side by side, found none")


async def serve(
    host: str, port: int, map_name: str, *, threads: int, progress: Callable[[str], None],
    ready: Callable[[int], None], stop: asyncio.Event,
) -> None:  # fmt: skip
    """Serve a town until `stop` is set.

    Args:
        host: address to listen on.
        port: of the calls, streams use the next one; 0 takes a free pair.
        map_name: of the first town.
        threads: bands of rows that the renderer draws at once.
        progress: told in a few words what takes time.
        ready: called with the port when clients are served.
        stop: set to end.

    Raises:
        PortError: a port is taken.
        CallError: no such map.
    """
    sockets = bind(host, port)
    try:
        await Server(threads, progress).run(sockets, map_name, lambda: ready(sockets[0].getsockname()[1]), stop)
    finally:
        for each in sockets:
            each.close()
