"""A car follows waypoints with a small controller, as CARLA's agents do: PID in speed, Stanley-like in yaw."""

from __future__ import annotations

import argparse
import math

import carla


def get_speed(vehicle):
    vel = vehicle.get_velocity()
    return 3.6 * math.sqrt(vel.x**2 + vel.y**2 + vel.z**2)


def steer_towards(vehicle, waypoint):
    transform = vehicle.get_transform()
    v_vec = transform.get_forward_vector()
    w_loc = waypoint.transform.location
    w_vec = w_loc - transform.location
    angle = math.atan2(v_vec.x * w_vec.y - v_vec.y * w_vec.x, v_vec.x * w_vec.x + v_vec.y * w_vec.y)
    return max(-0.8, min(0.8, 1.3 * angle))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--ticks", default=160, type=int)
    parser.add_argument("--speed", default=20.0, type=float, help="km/h")
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    found = world.get_settings()
    vehicle = None
    try:
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        town = world.get_map()
        blueprint = world.get_blueprint_library().filter("vehicle.tesla.model3")[0]
        for spawn_point in town.get_spawn_points():
            vehicle = world.try_spawn_actor(blueprint, spawn_point)
            if vehicle is not None:
                break
        world.tick()
        worst, driven, here = 0.0, 0.0, vehicle.get_location()
        for _ in range(args.ticks):
            waypoint = town.get_waypoint(vehicle.get_location(), project_to_road=True, lane_type=carla.LaneType.Driving)
            following = waypoint.next(3.0 + 0.1 * get_speed(vehicle))
            error = args.speed - get_speed(vehicle)
            vehicle.apply_control(
                carla.VehicleControl(
                    throttle=max(0.0, min(0.75, 0.15 * error)),
                    brake=max(0.0, min(0.3, -0.1 * error)),
                    steer=steer_towards(vehicle, following[0]),
                )
            )
            world.tick()
            now = vehicle.get_location()
            driven += now.distance(here)
            here = now
            if not waypoint.is_junction:
                middle = town.get_waypoint(now).transform.location
                worst = max(worst, math.hypot(middle.x - now.x, middle.y - now.y))
        print("driven", round(driven, 1))
        print("speed", round(get_speed(vehicle), 1))
        print("aside", round(worst, 2))
    finally:
        if vehicle is not None:
            vehicle.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
