"""CARLA's tutorial.py: a random vehicle on autopilot, a depth camera that saves to disk, some more vehicles."""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import carla


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--tm-port", default=8000, type=int)
    args = parser.parse_args()

    actor_list = []
    out = Path(tempfile.mkdtemp())
    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    try:
        random.seed(3)
        world = client.get_world()
        blueprint_library = world.get_blueprint_library()
        bp = random.choice(blueprint_library.filter("vehicle.*.*"))
        if bp.has_attribute("color"):
            color = random.choice(bp.get_attribute("color").recommended_values)
            bp.set_attribute("color", color)
        transform = random.choice(world.get_map().get_spawn_points())
        vehicle = world.spawn_actor(bp, transform)
        actor_list.append(vehicle)
        print("created", vehicle.type_id)
        vehicle.set_autopilot(True, args.tm_port)

        camera_bp = blueprint_library.find("sensor.camera.depth")
        camera_bp.set_attribute("image_size_x", "128")
        camera_bp.set_attribute("image_size_y", "72")
        camera_transform = carla.Transform(carla.Location(x=1.5, z=2.4))
        camera = world.spawn_actor(camera_bp, camera_transform, attach_to=vehicle)
        actor_list.append(camera)
        cc = carla.ColorConverter.LogarithmicDepth
        camera.listen(lambda image: image.save_to_disk(str(out / f"{image.frame:06d}.png"), cc))

        location = vehicle.get_location()
        location.x += 40
        vehicle.set_location(location)
        world.wait_for_tick(20.0)
        moved = world.wait_for_tick(20.0).find(vehicle.id).get_transform().location
        print("teleported", abs(moved.x - location.x) < 3.0)

        transform.location += carla.Location(x=40, y=-3.2)
        transform.rotation.yaw = -180.0
        npcs = 0
        for _ in range(0, 10):
            transform.location.x += 8.0
            npc = world.try_spawn_actor(random.choice(blueprint_library.filter("vehicle")), transform)
            if npc is not None:
                actor_list.append(npc)
                npc.set_autopilot(True, args.tm_port)
                npcs += 1
        print("npcs", npcs)
        for _ in range(200):
            world.wait_for_tick(20.0)
            if len(list(out.glob("*.png"))) >= 3:
                break
        print("saved", len(list(out.glob("*.png"))) >= 3)
    finally:
        if len(actor_list) > 1:
            actor_list[1].stop()
        client.apply_batch([carla.command.DestroyActor(x) for x in actor_list])
        for path in out.glob("*"):
            path.unlink()
        out.rmdir()
        print("done.")


if __name__ == "__main__":
    main()
