"""Manual driving without a display: a car with every sensor of CARLA's manual_control.py, and its keys in turn."""

from __future__ import annotations

import argparse
import collections
import math
import weakref

import carla
import numpy as np

CAMERAS = (
    ("sensor.camera.rgb", carla.ColorConverter.Raw),
    ("sensor.camera.depth", carla.ColorConverter.LogarithmicDepth),
    ("sensor.camera.semantic_segmentation", carla.ColorConverter.CityScapesPalette),
    ("sensor.camera.instance_segmentation", carla.ColorConverter.CityScapesPalette),
    ("sensor.camera.dvs", carla.ColorConverter.Raw),
    ("sensor.camera.optical_flow", carla.ColorConverter.Raw),
    ("sensor.camera.normals", carla.ColorConverter.Raw),
)


class CollisionSensor:
    def __init__(self, parent_actor):
        self.history = []
        world = parent_actor.get_world()
        bp = world.get_blueprint_library().find("sensor.other.collision")
        self.sensor = world.spawn_actor(bp, carla.Transform(), attach_to=parent_actor)
        weak_self = weakref.ref(self)
        self.sensor.listen(lambda event: CollisionSensor._on_collision(weak_self, event))

    @staticmethod
    def _on_collision(weak_self, event):
        self = weak_self()
        if self:
            impulse = event.normal_impulse
            self.history.append((event.frame, math.sqrt(impulse.x**2 + impulse.y**2 + impulse.z**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    found = world.get_settings()
    actors = []
    counts = collections.Counter()
    try:
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        library = world.get_blueprint_library()
        blueprint = library.find("vehicle.mini.cooper_s_2021")
        blueprint.set_attribute("role_name", "hero")
        if blueprint.has_attribute("is_invincible"):
            blueprint.set_attribute("is_invincible", "true")
        player = None
        for spawn_point in world.get_map().get_spawn_points():
            player = world.try_spawn_actor(blueprint, spawn_point)
            if player is not None:
                break
        actors.append(player)
        player.show_debug_telemetry(False)
        physics_control = player.get_physics_control()
        physics_control.use_sweep_wheel_collision = True
        player.apply_physics_control(physics_control)

        collision = CollisionSensor(player)
        actors.append(collision.sensor)
        for name in ("sensor.other.lane_invasion", "sensor.other.gnss", "sensor.other.imu"):
            sensor = world.spawn_actor(library.find(name), carla.Transform(), attach_to=player)
            sensor.listen(lambda event, name=name: counts.update([name]))
            actors.append(sensor)
        radar_bp = library.find("sensor.other.radar")
        radar_bp.set_attribute("horizontal_fov", "35")
        radar_bp.set_attribute("vertical_fov", "20")
        radar = world.spawn_actor(
            radar_bp, carla.Transform(carla.Location(x=2.8, z=1.0), carla.Rotation(pitch=5)), attach_to=player
        )
        radar.listen(lambda data: counts.update({"sensor.other.radar": len(data) > 0}))
        actors.append(radar)
        for name, converter in CAMERAS:
            camera_bp = library.find(name)
            camera_bp.set_attribute("image_size_x", "128")
            camera_bp.set_attribute("image_size_y", "72")
            if camera_bp.has_attribute("gamma"):
                camera_bp.set_attribute("gamma", "2.2")
            camera = world.spawn_actor(
                camera_bp,
                carla.Transform(carla.Location(x=-5.5, z=2.8), carla.Rotation(pitch=8.0)),
                attach_to=player,
                attachment_type=carla.AttachmentType.SpringArmGhost,
            )

            def parse_image(image, name=name, converter=converter):
                if name.endswith("dvs"):
                    np.frombuffer(
                        image.raw_data,
                        dtype=np.dtype([("x", np.uint16), ("y", np.uint16), ("t", np.int64), ("pol", bool)]),
                    )
                elif name.endswith("optical_flow"):
                    image = image.get_color_coded_flow()
                    np.reshape(np.frombuffer(image.raw_data, np.uint8), (image.height, image.width, 4))
                else:
                    image.convert(converter)
                    np.reshape(np.frombuffer(image.raw_data, np.uint8), (image.height, image.width, 4))
                counts[name] += 1

            camera.listen(parse_image)
            actors.append(camera)
        lidar_bp = library.find("sensor.lidar.ray_cast")
        lidar_bp.set_attribute("range", "50")
        lidar = world.spawn_actor(lidar_bp, carla.Transform(carla.Location(z=2.5)), attach_to=player)
        lidar.listen(lambda data: counts.update({"sensor.lidar.ray_cast": len(data) > 0}))
        actors.append(lidar)

        world.tick()
        start = player.get_location()
        for key, control, ticks in (
            ("W", carla.VehicleControl(throttle=1.0), 25),
            ("D", carla.VehicleControl(throttle=0.5, steer=0.4), 6),
            ("A", carla.VehicleControl(throttle=0.5, steer=-0.4), 6),
            ("S", carla.VehicleControl(brake=1.0), 25),
            ("Q", carla.VehicleControl(throttle=0.6, reverse=True), 20),
            ("space", carla.VehicleControl(hand_brake=True), 5),
        ):
            for _ in range(ticks):
                player.apply_control(control)
                world.tick()
            v = player.get_transform().get_forward_vector().dot(player.get_velocity())
            gear = player.get_control().gear
            print("key", key, "km/h", round(3.6 * v, 1), "gear", gear)
        player.set_light_state(carla.VehicleLightState(carla.VehicleLightState.Position))
        player.apply_ackermann_control(carla.VehicleAckermannControl(speed=5.0))
        for _ in range(30):
            world.tick()
        print("lights", int(player.get_light_state()))
        print("moved", round(player.get_location().distance(start), 1))
        for actor in actors[1:]:
            if actor.type_id.startswith("sensor"):
                actor.stop()
        for name in sorted(counts):
            print("sensor", name, counts[name])
    finally:
        for actor in reversed(actors):
            actor.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
