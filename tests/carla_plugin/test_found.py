"""What a plugin found is on the server itself, and is put back by whoever comes after one that was killed."""

import base64
import contextlib
import os
import signal
import time
import zlib

import carla
import msgspec
import pytest

from carla_plugin.world.found import MARKER, PREFIX, SETTINGS, Found, leftovers

WEATHER = carla.WeatherParameters(cloudiness=37.0, sun_altitude_angle=11.0, wind_intensity=40.0)


def seen(world):
    """Return what must be put back: settings, weather, traffic lights held or not, and all actors."""
    world.wait_for_tick()
    actors = world.get_actors()
    lights = actors.filter("traffic.traffic_light*")
    held = any(light.is_frozen() for light in lights)
    settings = world.get_settings()
    return {
        "settings": {name: getattr(settings, name) for name in SETTINGS},
        "weather": world.get_weather(),
        "held": held,
        "signals": {light.get_opendrive_id(): light.get_state() for light in lights} if held else {},
        "actors": {(actor.id, actor.type_id, actor.attributes.get("role_name")) for actor in actors},
    }


def until(true, seconds=20.0):
    """Wait until something holds that the wheel or another process brings about, or for so long."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        pass  # what is asked waits for a tick


@pytest.fixture
def client(simulator):
    client = carla.Client("127.0.0.1", simulator.port)
    client.set_timeout(20.0)
    return client


@pytest.fixture
def world(client):
    """A world with weather, actors and traffic lights of somebody's own."""
    world = client.get_world()
    before, settings = world.get_weather(), world.get_settings()
    world.set_weather(WEATHER)
    changed = world.get_settings()
    changed.max_substeps = 7
    world.apply_settings(changed)
    entry = world.get_blueprint_library().find("vehicle.tesla.model3")
    entry.set_attribute("role_name", "hero")
    car = next(filter(None, (world.try_spawn_actor(entry, place) for place in world.get_map().get_spawn_points())))
    world.freeze_all_traffic_lights(True)
    lights = list(world.get_actors().filter("traffic.traffic_light*"))
    wanted = {
        light.get_opendrive_id(): carla.TrafficLightState.values[number % 3] for number, light in enumerate(lights)
    }
    for light in lights:
        light.set_state(wanted[light.get_opendrive_id()])
    until(lambda: seen(world)["signals"] == wanted)  # the wheel sends such calls without waiting for an answer
    assert seen(world)["signals"] == wanted
    yield world
    car.destroy()
    world.freeze_all_traffic_lights(False)
    world.apply_settings(settings)
    world.set_weather(before)


@pytest.mark.parametrize("how", ["restore", "stream"])
def test_after_kill_9_all_is_put_back(how, simulator, world, trainers, tiny, command, ended):
    before = seen(world)
    trainer = trainers()
    process = command("stream", tiny, "--bundles", "1000", "--server", simulator.address, "--to", trainer.endpoint)
    trainer.pump(lambda t: t.bundles)
    (left,) = leftovers(world)
    process.kill()
    with contextlib.suppress(ProcessLookupError):  # it may be one and the same
        os.kill(left.process, signal.SIGKILL)
    process.communicate()
    assert world.get_settings().synchronous_mode
    assert world.get_weather() != WEATHER
    if how == "restore":
        status, lines = ended(command("restore", simulator.address))
        assert (status, len(lines)) == (0, 1), "\n".join(lines)[-1500:]
        assert "actors removed" in lines[0]
        assert ended(command("restore", simulator.address)) == (
            0, [f"simulator at {simulator.address}: nothing was left behind"],
        )  # fmt: skip
    else:
        again = trainers()
        process = command("stream", tiny, "--bundles", "1", "--server", simulator.address, "--to", again.endpoint)
        again.pump(lambda t: process.poll() is not None or (t.bundles and not t.consumer.producers))
        assert ended(process)[0] == 0
    until(lambda: seen(world) == before)
    assert seen(world) == before


def test_a_plugin_at_work_is_left_in_peace(simulator, world, trainer, trainers, tiny, command, ended):
    process = command("stream", tiny, "--bundles", "1000", "--server", simulator.address, "--to", trainer.endpoint)
    trainer.pump(lambda t: t.bundles)
    for other in (
        command("restore", simulator.address),
        command("stream", tiny, "--server", simulator.address, "--to", trainers().endpoint),
    ):
        status, lines = ended(other)
        assert (status, len(lines)) == (3, 1)
        assert "another plugin (process" in lines[0]
    process.send_signal(signal.SIGTERM)
    ended(process)


def test_what_others_write_into_role_names_is_no_marker(client, world, simulator):
    found = Found.of(world)
    other = msgspec.structs.replace(found, mark="00000000")
    whole = msgspec.to_builtins(other)

    def packed(values):
        return base64.b64encode(zlib.compress(msgspec.msgpack.encode(values))).decode()

    wrong = [
        "hero", PREFIX, f"{PREFIX}ab:", f"{PREFIX}ab:####", f"{other.role}:{base64.b64encode(b'no zlib').decode()}",
        f"{other.role}:{packed([1, 2])}", f"{other.role}:{packed({'a': 1})}", f"{PREFIX}11111111:{packed(whole)}",
        f"{other.role}:{packed([*whole[:4], whole[4][:-1], *whole[5:]])}",
        f"{other.role}:{packed([*whole[:6], {'1': 77}, whole[7]])}",
        f"{other.role}:{base64.b64encode(zlib.compress(bytes(1 << 24))).decode()}",
    ]  # fmt: skip
    entry = world.get_blueprint_library().find(MARKER)
    actors = []
    for role in wrong:
        entry.set_attribute("role_name", role)
        actors.append(world.spawn_actor(entry, carla.Transform()))
    assert leftovers(world) == []
    found.leave_marker(world)
    assert leftovers(world) == [found]
    found.put_back(client)
    world.wait_for_tick()
    assert {actor.id for actor in world.get_actors().filter(MARKER)} == {actor.id for actor in actors}
    client.apply_batch_sync([carla.command.DestroyActor(actor.id) for actor in actors], False)


class Through:
    """The wheel's client or world, but for what a test has it do otherwise."""

    def __init__(self, real, **others):
        self._real = real
        self.__dict__.update(others)

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def standing(world):
    """The same world, standing still until somebody ticks."""
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return world


def car_of(world, found, place):
    """Spawn a car of a plugin's."""
    entry = world.get_blueprint_library().find("vehicle.tesla.model3")
    entry.set_attribute("role_name", found.role)
    return world.spawn_actor(entry, world.get_map().get_spawn_points()[place])


@pytest.mark.parametrize("mode", ["world", "standing"])
def test_what_comes_after_the_first_look_is_removed_too(mode, client, world, request):
    """A call of a plugin that was killed may still be in the server's queue when its actors are being removed."""
    found = Found.of(world)
    found.leave_marker(world)
    request.getfixturevalue(mode)
    car_of(world, found, 5)
    late = [7, 9]

    def apply_batch_sync(commands, tick):
        answer = client.apply_batch_sync(commands, tick)
        if late:
            car_of(world, found, late.pop())
        return answer

    assert found.put_back(Through(client, apply_batch_sync=apply_batch_sync)) == 3
    world.wait_for_tick()
    assert not world.get_settings().synchronous_mode
    assert not [actor for actor in world.get_actors() if actor.attributes.get("role_name", "").startswith(PREFIX)]


def test_marker_that_no_frame_has_shown_yet_is_seen(client, standing, monkeypatch):
    """A new client is greeted with the last frame; who was killed before the first tick is in none."""
    monkeypatch.setattr("carla_plugin.world.found.WAIT_S", 0.2)
    found = Found.of(standing)
    found = msgspec.structs.replace(found, settings=(False, *found.settings[1:]))  # as it was before it stood still
    found.leave_marker(standing)
    car = car_of(standing, found, 5)
    greetings = [None]

    def wait_for_tick(seconds):
        return greetings.pop() if greetings else standing.wait_for_tick(seconds)

    assert leftovers(Through(standing, wait_for_tick=wait_for_tick)) == [found]
    assert found.put_back(client) == 1
    standing.wait_for_tick()
    assert car.id not in {actor.id for actor in standing.get_actors()}
