"""Lidar points in a camera's image, with the matrices of CARLA's lidar_to_camera.py; depth says whether they fit."""

from __future__ import annotations

import argparse
from queue import Queue

import carla
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--width", default=320, type=int)
    parser.add_argument("--height", default=240, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    found = world.get_settings()
    actors = []
    try:
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.1
        world.apply_settings(settings)
        bp_lib = world.get_blueprint_library()
        vehicle = world.spawn_actor(bp_lib.filter("vehicle.lincoln.mkz_2020")[0], world.get_map().get_spawn_points()[0])
        actors.append(vehicle)
        camera_bp = bp_lib.filter("sensor.camera.depth")[0]
        camera_bp.set_attribute("image_size_x", str(args.width))
        camera_bp.set_attribute("image_size_y", str(args.height))
        lidar_bp = bp_lib.filter("sensor.lidar.ray_cast")[0]
        lidar_bp.set_attribute("upper_fov", "15")
        lidar_bp.set_attribute("lower_fov", "-25")
        lidar_bp.set_attribute("channels", "32")
        lidar_bp.set_attribute("range", "60")
        lidar_bp.set_attribute("points_per_second", "100000")
        lidar_bp.set_attribute("rotation_frequency", "10")
        lidar_bp.set_attribute("dropoff_general_rate", "0.0")
        place = carla.Transform(carla.Location(x=1.6, z=1.9))
        camera = world.spawn_actor(camera_bp, place, attach_to=vehicle)
        lidar = world.spawn_actor(lidar_bp, place, attach_to=vehicle)
        actors += [camera, lidar]
        fov = camera_bp.get_attribute("fov").as_float()
        focal = args.width / (2.0 * np.tan(fov * np.pi / 360.0))
        K = np.identity(3)
        K[0, 0] = K[1, 1] = focal
        K[0, 2] = args.width / 2.0
        K[1, 2] = args.height / 2.0
        image_queue, lidar_queue = Queue(), Queue()
        camera.listen(image_queue.put)
        lidar.listen(lidar_queue.put)
        for _ in range(10):
            world.tick()
            image, cloud = image_queue.get(True, 20.0), lidar_queue.get(True, 20.0)
        assert image.frame == cloud.frame

        im = np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4).astype(float)
        depth = 1000.0 * (im[..., 2] + im[..., 1] * 256 + im[..., 0] * 65536) / (256**3 - 1)
        points = np.copy(np.frombuffer(cloud.raw_data, dtype=np.dtype("f4")))
        points = np.reshape(points, (len(points) // 4, 4))
        local = np.r_[points[:, :3].T, [np.ones(len(points))]]
        world_points = np.dot(lidar.get_transform().get_matrix(), local)
        sensor_points = np.dot(np.array(camera.get_transform().get_inverse_matrix()), world_points)
        ahead = np.array([sensor_points[1], sensor_points[2] * -1, sensor_points[0]])
        points_2d = np.dot(K, ahead)
        points_2d = np.array([points_2d[0] / points_2d[2], points_2d[1] / points_2d[2], points_2d[2]]).T
        seen = (
            (points_2d[:, 0] > 0.0) & (points_2d[:, 0] < args.width)
            & (points_2d[:, 1] > 0.0) & (points_2d[:, 1] < args.height)
            & (points_2d[:, 2] > 0.0)
        )  # fmt: skip
        points_2d = points_2d[seen]
        found_depth = depth[points_2d[:, 1].astype(int), points_2d[:, 0].astype(int)]
        agree = np.abs(found_depth - points_2d[:, 2]) < 0.1 + 0.05 * points_2d[:, 2]
        print("points", len(points), "in image", len(points_2d))
        print("agree", round(float(agree.mean()), 3))
    finally:
        for actor in reversed(actors):
            if actor.type_id.startswith("sensor"):
                actor.stop()
            actor.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
