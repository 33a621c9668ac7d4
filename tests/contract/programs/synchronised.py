"""A full rig in synchronous mode: queues met once a tick, by frame, as in CARLA's sensor_synchronization."""

from __future__ import annotations

import argparse
from queue import Queue

import carla


def sensor_callback(sensor_data, sensor_queue, sensor_name):
    sensor_queue.put((sensor_data.frame, sensor_name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--ticks", default=5, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    original_settings = world.get_settings()
    sensor_list = []
    try:
        settings = world.get_settings()
        settings.fixed_delta_seconds = 0.2
        settings.synchronous_mode = True
        world.apply_settings(settings)
        sensor_queue = Queue()
        library = world.get_blueprint_library()
        place = world.get_map().get_spawn_points()[3]
        place.location.z += 2.0
        cam_bp = library.find("sensor.camera.rgb")
        cam_bp.set_attribute("image_size_x", "160")
        cam_bp.set_attribute("image_size_y", "90")
        lidar_bp = library.find("sensor.lidar.ray_cast")
        lidar_bp.set_attribute("points_per_second", "50000")
        radar_bp = library.find("sensor.other.radar")
        for blueprint, name in (
            (cam_bp, "camera01"),
            (lidar_bp, "lidar01"),
            (lidar_bp, "lidar02"),
            (radar_bp, "radar01"),
            (library.find("sensor.other.imu"), "imu01"),
            (library.find("sensor.other.gnss"), "gnss01"),
        ):
            sensor = world.spawn_actor(blueprint, place)
            sensor.listen(lambda data, name=name: sensor_callback(data, sensor_queue, name))
            sensor_list.append(sensor)
        for _ in range(args.ticks):
            world.tick()
            w_frame = world.get_snapshot().frame
            met = [sensor_queue.get(True, 20.0) for _ in range(len(sensor_list))]
            assert all(frame == w_frame for frame, _ in met), (w_frame, met)
            assert len({name for _, name in met}) == len(sensor_list), met
            print("frame met by", len(met))
    finally:
        world.apply_settings(original_settings)
        for sensor in sensor_list:
            sensor.stop()
            sensor.destroy()


if __name__ == "__main__":
    main()
