"""`carla-plugin plan`: what goes wrong on the way ends in a line, leaves no half a file, and the server as it was."""

import signal

import carla
import pytest

from protocols.errors import PeerError

LONG = """
seed: 5
town: Grid_07
appearances: [noon]
episodes: 1000
bundles: 2
traffic: {cars: 4, vans: 0, trucks: 1, buses: 0, motorcycles: 1, bicycles: 1, pedestrians: 5, radius_m: 60,
          warm_up_ticks: 5}
camera: {width: 64, height: 32}
"""


@pytest.fixture
def start(tmp_path, command):
    """Return a function that starts a plan without end; it gives the process after one episode, and its folder."""

    def started(address: str):
        (tmp_path / "long.yaml").write_text(LONG)
        out = tmp_path / "out"
        out.mkdir()
        (out / "long.layouts").write_text("what was there before")
        process = command("plan", str(tmp_path / "long.yaml"), "-o", str(out / "long.layouts"), "--server", address)
        assert process.stderr.readline() == "carla-plugin: episode 1 of 1000: 2 moments\n"
        return process, out

    return started


def rest(process) -> tuple[int, list[str]]:
    _, errors = process.communicate(timeout=120)
    return process.returncode, [line for line in errors.splitlines() if ": episode " not in line]


def old_file_is_left(out) -> bool:
    return [(file.name, file.read_text()) for file in out.iterdir()] == [("long.layouts", "what was there before")]


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [
        (signal.SIGINT, 130, "carla-plugin: stopped by Ctrl-C"),
        (signal.SIGTERM, 143, "carla-plugin: stopped: told to leave"),
    ],
)
def test_told_to_leave(start, simulator, number, status, line):
    process, out = start(simulator.address)
    process.send_signal(number)
    assert rest(process) == (status, [line])
    assert old_file_is_left(out)
    client = carla.Client("127.0.0.1", simulator.port)
    client.set_timeout(30.0)
    world = client.get_world()
    assert not world.get_settings().synchronous_mode
    assert not [actor for actor in world.get_actors() if actor.type_id.startswith(("vehicle", "walker", "sensor"))]


def test_the_server_dies(start, own_simulator):
    process, out = start(own_simulator.address)
    own_simulator.kill()
    status, lines = rest(process)
    assert status == PeerError.exit_code
    assert len(lines) == 1
    assert lines[0].startswith(f"carla-plugin: simulator at {own_simulator.address}: ")
    assert old_file_is_left(out)
