"""Bounding boxes projected into images with the K matrix of CARLA's tutorial, held against the instance mask."""

from __future__ import annotations

import argparse
import queue
import random

import carla
import numpy as np


def build_projection_matrix(w, h, fov):
    focal = w / (2.0 * np.tan(fov * np.pi / 360.0))
    K = np.identity(3)
    K[0, 0] = K[1, 1] = focal
    K[0, 2] = w / 2.0
    K[1, 2] = h / 2.0
    return K


def get_image_point(loc, K, w2c):
    point = np.dot(w2c, np.array([loc.x, loc.y, loc.z, 1]))
    point_camera = [point[1], -point[2], point[0]]  # from UE4's axes to a camera's: (x, y, z) -> (y, -z, x)
    point_img = np.dot(K, point_camera)
    return point_img[:2] / point_img[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--width", default=400, type=int)
    parser.add_argument("--height", default=300, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    found = world.get_settings()
    actors = []
    try:
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        random.seed(1)
        bp_lib = world.get_blueprint_library()
        spawn_points = world.get_map().get_spawn_points()
        vehicle = world.spawn_actor(bp_lib.find("vehicle.lincoln.mkz_2020"), spawn_points[0])
        actors.append(vehicle)
        camera_bp = bp_lib.find("sensor.camera.instance_segmentation")
        camera_bp.set_attribute("image_size_x", str(args.width))
        camera_bp.set_attribute("image_size_y", str(args.height))
        camera = world.spawn_actor(camera_bp, carla.Transform(carla.Location(z=2)), attach_to=vehicle)
        actors.append(camera)
        image_queue = queue.Queue()
        camera.listen(image_queue.put)

        ahead = spawn_points[0].get_forward_vector()
        right = spawn_points[0].get_right_vector()
        for far, aside, bp in ((10.0, 0.0, "vehicle.nissan.patrol"), (16.0, -4.0, "vehicle.audi.tt")):
            place = carla.Transform(
                spawn_points[0].location + ahead * far + right * aside + carla.Location(z=0.3),
                spawn_points[0].rotation,
            )
            npc = world.try_spawn_actor(bp_lib.find(bp), place)
            if npc:
                actors.append(npc)
        for _ in range(15):
            frame = world.tick()
        while True:
            image = image_queue.get(timeout=20)
            if image.frame == frame:
                break
        world_2_camera = np.array(camera.get_transform().get_inverse_matrix())
        K = build_projection_matrix(args.width, args.height, float(camera_bp.get_attribute("fov")))
        img = np.reshape(np.copy(image.raw_data), (image.height, image.width, 4)).astype(int)
        ids = img[..., 0] * 256 + img[..., 1]  # blue and green: the instance; red: the tag

        boxes = 0
        for npc in world.get_actors().filter("*vehicle*"):
            if npc.id == vehicle.id:
                continue
            bb = npc.bounding_box
            dist = npc.get_transform().location.distance(vehicle.get_transform().location)
            ray = npc.get_transform().location - vehicle.get_transform().location
            if dist > 50 or vehicle.get_transform().get_forward_vector().dot(ray) < 1:
                continue
            verts = [get_image_point(v, K, world_2_camera) for v in bb.get_world_vertices(npc.get_transform())]
            x_min, y_min = np.min(verts, axis=0)
            x_max, y_max = np.max(verts, axis=0)
            x0, x1 = max(int(x_min), 0), min(int(np.ceil(x_max)), args.width)
            y0, y1 = max(int(y_min), 0), min(int(np.ceil(y_max)), args.height)
            inside = ids[y0:y1, x0:x1][np.isin(img[y0:y1, x0:x1, 2], (14, 15, 16))]
            if inside.size == 0:
                continue
            numbers, counts = np.unique(inside, return_counts=True)
            ys, xs = np.nonzero(ids == numbers[counts.argmax()])
            out = max(x0 - xs.min(), y0 - ys.min(), xs.max() + 1 - x1, ys.max() + 1 - y1, 0)  # of the box, in pixels
            filled = (xs.max() - xs.min()) * (ys.max() - ys.min()) / ((x1 - x0) * (y1 - y0))
            print("box", npc.type_id, "out", int(out), "filled", round(float(filled), 2))
            boxes += 1
        print("boxes", boxes)
    finally:
        for actor in reversed(actors):
            if actor.type_id.startswith("sensor"):
                actor.stop()
            actor.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
