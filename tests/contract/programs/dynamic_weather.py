"""A day goes by: the sun moves and storms come, in asynchronous mode, as CARLA's dynamic_weather.py does."""

from __future__ import annotations

import argparse
import math
import queue

import carla
import numpy as np


class Sun:
    def __init__(self, azimuth, altitude):
        self.azimuth = azimuth
        self.altitude = altitude
        self._t = 0.0

    def tick(self, delta_seconds):
        self._t += 0.008 * delta_seconds
        self._t %= 2.0 * math.pi
        self.azimuth = (self.azimuth + 0.25 * delta_seconds) % 360.0
        self.altitude = (70 * math.sin(self._t)) - 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--rounds", default=4, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    first = world.get_weather()
    camera = None
    try:
        camera_bp = world.get_blueprint_library().find("sensor.camera.rgb")
        camera_bp.set_attribute("image_size_x", "160")
        camera_bp.set_attribute("image_size_y", "90")
        camera_bp.set_attribute("exposure_mode", "manual")
        camera_bp.set_attribute("sensor_tick", "0.05")
        place = world.get_map().get_spawn_points()[0]
        place.location.z += 3.0
        camera = world.spawn_actor(camera_bp, place)
        images = queue.Queue()
        camera.listen(images.put)
        weather = world.get_weather()
        sun = Sun(weather.sun_azimuth_angle, weather.sun_altitude_angle)
        brightness = []
        for number in range(args.rounds):
            sun.tick(40.0 + 60.0 * number)
            weather.sun_azimuth_angle = sun.azimuth
            weather.sun_altitude_angle = sun.altitude
            weather.cloudiness = 20.0 * number
            weather.precipitation = 20.0 * number
            world.set_weather(weather)
            applied = world.wait_for_tick(20.0).frame + 2
            told = world.get_weather()
            assert abs(told.sun_altitude_angle - sun.altitude) < 0.01, (told, sun.altitude)
            while True:
                image = images.get(timeout=20)
                if image.frame > applied:
                    break
            brightness.append(np.frombuffer(image.raw_data, np.uint8).reshape(-1, 4)[:, :3].mean())
            print("altitude", round(sun.altitude, 1), "brightness", round(float(brightness[-1]), 1))
        world.set_weather(carla.WeatherParameters.ClearNoon)
        print("preset", world.get_weather() == carla.WeatherParameters.ClearNoon)
    finally:
        if camera is not None:
            camera.stop()
            camera.destroy()
        world.set_weather(first)


if __name__ == "__main__":
    main()
