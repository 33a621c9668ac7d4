"""A simulator of our own for the plugin's tests, met over TCP as any other, and a trainer's end that takes bundles."""

import functools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import zmq

from protocols.bundle import Bundle, decode_bundle
from protocols.carla_rpc.types import WeatherParameters
from protocols.flow import Consumer

COMMAND = [sys.executable, "-c", "import sys; from carla_plugin.cli import main; sys.exit(main())"]

TINY = """
seed: 5
town: Grid_07
appearances: [noon, night, rain]
bundles: 3
traffic: {cars: 4, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 1, pedestrians: 5, radius_m: 60,
          warm_up_ticks: 5}
camera: {width: 64, height: 32}
capture: {every_ticks: 3}
"""


def started(*arguments: str, errors: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start a command of ours whose standard input ends with this process."""
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    )


class Simulator:
    """A simulator process and its port."""

    def __init__(self) -> None:
        # nobody reads what it says of clients that vanish, and a full pipe would hold it up
        self.process = started(
            "simulate", "--port", "0", "--town", "Grid_07", "--stay-with-stdin", errors=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready on "), line
        self.address = line.split()[-1]
        self.port = int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """Kill it as kill -9 does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """One simulator for all tests that leave it as it was."""
    own = Simulator()
    yield own
    own.kill()


@pytest.fixture
def own_simulator() -> Iterator[Simulator]:
    """A simulator that a test may kill."""
    own = Simulator()
    yield own
    own.kill()


@pytest.fixture
def tiny(tmp_path) -> str:
    """The path of a scenario that takes about a second."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return str(file)


class Trainer:
    """A ROUTER and `flow.Consumer`, pumped by hand."""

    def __init__(self, context: zmq.Context, port: int = 0, slots: int = 2, max_bytes: int = 1 << 20) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.SNDHWM, 0)
        self.socket.set(zmq.RCVHWM, 0)
        for _ in range(200):  # a socket just closed keeps its port for a moment
            try:
                self.socket.bind(f"tcp://127.0.0.1:{port or '*'}")
                break
            except zmq.ZMQError:
                time.sleep(0.02)
        self.endpoint = self.socket.get(zmq.LAST_ENDPOINT).decode()
        self.consumer = Consumer("run", slots, max_bytes)
        self.bundles: list[Bundle] = []
        self.free = True

    def send(self, replies) -> None:
        for reply in replies:
            self.socket.send_multipart([reply.peer, *reply.message])

    def pump(self, until, limit_s: float = 60.0) -> None:
        """Serve until `until(self)`; an assertion fails when that takes longer than the limit."""
        deadline = time.monotonic() + limit_s
        while not until(self):
            assert time.monotonic() < deadline, "the trainer waited in vain"
            if not self.socket.poll(50):
                continue
            peer, *frames = self.socket.recv_multipart()
            replies, delivery = self.consumer.receive(peer, frames[0])
            self.send(replies)
            if delivery:
                got = decode_bundle(frames[1:])
                self.bundles.append(got)
                self.send(self.consumer.stored())
                if self.free:
                    self.send(self.consumer.freed([delivery.slot]))

    def identities(self) -> list[tuple[str, str, bytes]]:
        """Return what makes bundles the same: identity, mask hash, image bytes."""
        return [(b.header.identity, b.header.mask_sha256, b.images.tobytes()) for b in self.bundles]


@pytest.fixture
def trainers() -> Iterator[Callable[..., Trainer]]:
    """Makes trainers' ends."""
    with zmq.Context() as context:
        yield functools.partial(Trainer, context)
        context.destroy(linger=0)


@pytest.fixture
def trainer(trainers) -> Trainer:
    """A trainer's end on a free port."""
    return trainers()


@pytest.fixture
def command() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts commands of ours; none outlives its test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        running.append(started(*arguments))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def ended() -> Callable[..., tuple[int, list[str]]]:
    """Waits for a command's end and returns its exit status and the lines it said on stderr."""
    return finished


def finished(process: subprocess.Popen[str], limit_s: float = 60.0) -> tuple[int, list[str]]:
    """Return exit status and the lines on stderr of a command, killed if it does not end in time."""
    try:
        _, errors = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
        raise AssertionError(f"{process.args} did not end; it said: {errors}") from None
    return process.returncode, [line for line in errors.splitlines() if "carla-plugin: bundles " not in line]


@pytest.fixture
def found() -> Callable[[Simulator], tuple[object, ...]]:
    """Tells what must be the same before and after a plugin was at work."""
    return state_of


def state_of(simulator: Simulator) -> tuple[object, ...]:
    """Return settings, weather, lights and actors of a server; it must be ticking by itself."""
    import carla

    client = carla.Client("127.0.0.1", simulator.port)
    client.set_timeout(10.0)
    world = client.get_world()
    settings, weather = world.get_settings(), world.get_weather()
    world.wait_for_tick(10.0)
    numbers = [getattr(weather, name) for name in WeatherParameters._fields]
    states = {light.is_frozen() for light in world.get_actors().filter("traffic.traffic_light")}
    lamps = sorted((int(number), int(bits)) for number, bits in world.get_vehicles_light_states().items())
    actors = sorted((actor.id, actor.type_id) for actor in world.get_actors())
    return settings.synchronous_mode, settings.fixed_delta_seconds, numbers, states, lamps, actors
