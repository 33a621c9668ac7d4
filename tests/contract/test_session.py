"""Sessions: version, ticks, settings, maps, clients (sources: CARLA's Python API reference and foundations pages)."""

import socket
import struct

import carla
import msgpack
import pytest


@pytest.mark.source("CARLA docs: python_api#carla.Client.get_server_version")
def test_version_is_the_wheels_own(stage):
    assert stage.client.get_server_version() == stage.client.get_client_version() == "0.9.16"


@pytest.mark.source("CARLA docs: adv_synchrony_timestep")
def test_each_tick_is_one_frame_and_one_step(stage):
    first = stage.world.get_snapshot()
    frames = [stage.world.tick() for _ in range(20)]
    assert frames == list(range(frames[0], frames[0] + 20))
    last = stage.world.get_snapshot()
    assert last.frame == frames[-1]
    ticks = last.frame - first.frame
    assert last.timestamp.elapsed_seconds - first.timestamp.elapsed_seconds == pytest.approx(0.05 * ticks, abs=1e-6)
    assert last.timestamp.delta_seconds == pytest.approx(0.05)


@pytest.mark.source("CARLA docs: python_api#carla.WorldSettings")
def test_settings_are_kept(stage):
    settings = stage.world.get_settings()
    assert settings.synchronous_mode
    assert settings.fixed_delta_seconds == pytest.approx(0.05)
    settings.fixed_delta_seconds = 0.02
    stage.world.apply_settings(settings)
    assert stage.world.get_settings().fixed_delta_seconds == pytest.approx(0.02)


@pytest.mark.source("CARLA docs: adv_synchrony_timestep")
def test_asynchronous_worlds_tick_by_themselves(stage):
    settings = stage.world.get_settings()
    settings.synchronous_mode = False
    stage.world.apply_settings(settings)
    first = stage.world.wait_for_tick(20.0).frame
    assert stage.world.wait_for_tick(20.0).frame > first


@pytest.mark.source("CARLA docs: foundations, World and client")
def test_two_clients_see_one_world(stage, simulator):
    car = stage.car()
    other = carla.Client(simulator.host, simulator.port)
    other.set_timeout(20.0)
    seen = other.get_world().get_actor(car.id)
    assert seen.type_id == car.type_id
    stage.world.tick()


@pytest.mark.source("CARLA docs: core_map, Navigation through waypoints")
def test_spawn_points_lie_on_driving_lanes(stage):
    points = stage.map.get_spawn_points()
    assert len(points) >= 60
    for point in points[:40]:
        lane = stage.map.get_waypoint(point.location, project_to_road=False)
        assert lane is not None
        assert lane.lane_type == carla.LaneType.Driving
        assert abs((lane.transform.rotation.yaw - point.rotation.yaw + 180) % 360 - 180) < 5


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: python_api#carla.Client.load_world")
def test_load_world_opens_another_town_and_resets_settings(stage):
    before = stage.map.name
    try:
        world = stage.client.load_world("Grid_03")
        assert world.get_map().name.endswith("Grid_03")
        assert not world.get_settings().synchronous_mode
        assert len(world.get_actors().filter("vehicle.*")) == 0
    finally:
        world = stage.client.load_world(before.rpartition("/")[2])
    assert world.get_map().name == before


@pytest.mark.source("CARLA docs: python_api#carla.Client.load_world")
def test_unknown_maps_are_refused_in_carlas_words(stage):
    with pytest.raises(RuntimeError, match="Map 'Nowhere' not found"):
        stage.client.load_world("Nowhere")


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes to the calls' port and return what comes back until the server closes or answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(data)
        return peer.recv(1 << 16)


@pytest.mark.embedded
@pytest.mark.source("rpclib source: dispatcher")
def test_unknown_methods_are_answered_as_rpclib_does(simulator):
    answer = msgpack.unpackb(exchange(simulator.port, msgpack.packb([0, 7, "make_tea", [[False], 1]])))
    assert answer == [1, 7, "rpclib: server could not find function 'make_tea' with argument count 2.", None]


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize(
    "junk", [b"\xc1" * 10, b"GET / HTTP/1.1\r\n\r\n", msgpack.packb([9, 9]), msgpack.packb([0, 1, "version", [3]])]
)
def test_hostile_bytes_cost_the_peer_its_connection_and_nobody_else(stage, simulator, junk):
    assert exchange(simulator.port, junk) == b""
    assert stage.client.get_server_version() == "0.9.16"


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize("junk", [b"", b"\x01", struct.pack("<I", 4_000_000_000), b"\xff" * 64])
def test_hostile_subscribers_get_nothing(stage, simulator, junk):
    with socket.create_connection(("127.0.0.1", simulator.port + 1), timeout=20) as peer:
        peer.sendall(junk)
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(64) == b""
    stage.world.tick()


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("set_weather_parameters", [["wet"]]),
        ("spawn_actor", [[1, "vehicle.tesla.model3", []], [[0, 0], [0, 0, 0]]]),
        ("apply_batch", [[[[2, [1]]]], False]),
        ("apply_batch", [[[[6, [1, "there"]]], 5, [[]]], False]),
        ("set_actor_transform", [1, [[float("nan"), 0, 0], [0, 0, 0]]]),
        ("get_sensor_token", [-5]),
        ("get_sensor_token", ["one"]),
        ("set_episode_settings", [[True]]),
    ],
)
def test_wrong_arguments_are_answered_and_change_nothing(stage, simulator, method, arguments):
    stage.world.tick()
    answer = msgpack.unpackb(exchange(simulator.port, msgpack.packb([0, 3, method, [[False], *arguments]])))
    assert answer[:2] == [1, 3]
    assert stage.world.get_settings().synchronous_mode
    stage.world.tick()
