"""A script for a process of its own: a run from a seed, and a line a tick of hashes of all that was sent.

Columns: state packet, tags, ids, depth, image; frame numbers are counted from the first tick, as a server that has
just started ticks on its own until somebody makes it synchronous. With a traffic manager's port it drives the cars.
"""

from __future__ import annotations

import argparse
import hashlib
import queue
import random
import socket
import struct

import carla
import msgpack

KINDS = ("semantic_segmentation", "instance_segmentation", "depth", "rgb")
PACKET_S = 30.0


class Packets:
    """The packets of the world's state, byte by byte, without the wheel."""

    def __init__(self, host: str, port: int) -> None:
        self._frame = 0
        with socket.create_connection((host, port), PACKET_S) as calls:
            calls.sendall(msgpack.packb([0, 1, "get_sensor_token", [[False], 1]]))
            calls.recv(4096)
        self._socket = socket.create_connection((host, port + 1), PACKET_S)
        self._socket.sendall(struct.pack("<I", 1))

    def at(self, frame: int) -> bytes:
        """Return the packet of a frame, its number left out."""
        while True:
            (length,) = struct.unpack("<I", self._exactly(4))
            packet = self._exactly(length)
            (found,) = struct.unpack_from("<Q", packet, 8)
            assert found <= frame, (found, frame)
            if found == frame:
                return packet[:8] + packet[16:]

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            assert more, "the server closed the stream"
            data += more
        return data


def short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--ticks", type=int, default=50)
    parser.add_argument("--cars", type=int, default=20)
    parser.add_argument("--manager", type=int, metavar="PORT")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    client = carla.Client(arguments.host, arguments.port)
    client.set_timeout(PACKET_S)
    settings = client.get_world().get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    client.get_world().apply_settings(settings)
    world = client.reload_world(False)
    packets = Packets(arguments.host, arguments.port)
    dice = random.Random(arguments.seed)
    library, points = world.get_blueprint_library(), world.get_map().get_spawn_points()
    manager = None
    if arguments.manager:
        manager = client.get_trafficmanager(arguments.manager)
        manager.set_random_device_seed(arguments.seed)
        manager.set_synchronous_mode(True)
    vehicles = sorted(library.filter("vehicle.*"), key=lambda each: each.id)
    cars = [world.spawn_actor(dice.choice(vehicles), point) for point in points[: arguments.cars]]
    people = []
    for point in points[arguments.cars : arguments.cars + 5]:
        entry = library.find(f"walker.pedestrian.{dice.randint(1, 40):04d}")
        people.append(world.spawn_actor(entry, carla.Transform(point.location + carla.Location(z=1.0))))
    eyes = {}
    for kind in KINDS:
        entry = library.find(f"sensor.camera.{kind}")
        entry.set_attribute("image_size_x", "160")
        entry.set_attribute("image_size_y", "96")
        camera = world.spawn_actor(entry, carla.Transform(carla.Location(x=-6.0, z=3.0)), cars[0])
        eyes[kind] = queue.Queue()
        camera.listen(eyes[kind].put)
        eyes[kind, "actor"] = camera
    if manager:
        for car in cars:
            car.set_autopilot(True, arguments.manager)
    try:
        for tick in range(arguments.ticks):
            if tick % 10 == 0 and not manager:
                for car in cars:
                    control = carla.VehicleControl(throttle=dice.random(), steer=dice.uniform(-0.3, 0.3))
                    car.apply_control(control)
            if tick % 10 == 0:
                for walker in people:
                    way = carla.Vector3D(dice.uniform(-1, 1), dice.uniform(-1, 1), 0.0)
                    walker.apply_control(carla.WalkerControl(way, dice.uniform(0.0, 2.0)))
            if tick % 25 == 0:
                world.set_weather(carla.WeatherParameters(cloudiness=dice.uniform(0, 100), sun_altitude_angle=40.0))
            frame = world.tick()
            row = [short(packets.at(frame))]
            for kind in KINDS:
                image = eyes[kind].get(timeout=PACKET_S)
                assert image.frame == frame, (image.frame, frame)
                row.append(short(bytes(image.raw_data)))
            print(tick, *row, flush=True)
    finally:
        if manager:
            for car in cars:
                car.set_autopilot(False, arguments.manager)
            manager.set_synchronous_mode(False)
        for kind in KINDS:
            eyes[kind, "actor"].stop()
            eyes[kind, "actor"].destroy()
        client.apply_batch_sync([carla.command.DestroyActor(each) for each in cars + people], False)
        settings.synchronous_mode, settings.fixed_delta_seconds = False, None
        world.apply_settings(settings)


if __name__ == "__main__":
    main()
