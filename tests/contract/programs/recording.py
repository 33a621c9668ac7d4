"""The recorder: drive and record, ask what is in the file, replay it and follow, as CARLA's start_recording.py does."""

from __future__ import annotations

import argparse

import carla


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--ticks", default=40, type=int)
    parser.add_argument("--file", default="user_program.log")
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
        print("recording on file", client.start_recorder(args.file, True))
        blueprint = world.get_blueprint_library().find("vehicle.toyota.prius")
        actors.append(world.spawn_actor(blueprint, world.get_map().get_spawn_points()[2]))
        actors[0].apply_control(carla.VehicleControl(throttle=0.8))
        for _ in range(args.ticks):
            world.tick()
        end = actors[0].get_location()
        client.stop_recorder()
        actors.pop().destroy()
        world.tick()

        info = client.show_recorder_file_info(args.file, False)
        print("created", "vehicle.toyota.prius" in info)
        print("blocked", "Duration" in client.show_recorder_actors_blocked(args.file, 30, 10))
        client.set_replayer_time_factor(1.0)
        client.replay_file(args.file, 0.0, 0.0, 0)
        closest = 1e9
        for _ in range(args.ticks + 2):
            world.tick()
            for car in world.get_actors().filter("vehicle.toyota.prius"):
                closest = min(closest, car.get_location().distance(end))
        print("replayed to", round(closest, 2))
        client.stop_replayer(False)
        world.tick()
    finally:
        for actor in actors + list(world.get_actors().filter("vehicle.toyota.prius")):
            actor.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
