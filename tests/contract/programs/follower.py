"""Several clients at once: one ticks; the other waits for ticks, spawns, looks at what the first one spawned."""

from __future__ import annotations

import argparse
import threading

import carla


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--ticks", default=40, type=int)
    args = parser.parse_args()

    master = carla.Client(args.host, args.port)
    master.set_timeout(20.0)
    world = master.get_world()
    found = world.get_settings()
    actors = []
    finished = threading.Event()
    said = []

    def follow(number):
        client = carla.Client(args.host, args.port)
        client.set_timeout(20.0)
        mine = client.get_world()
        first = mine.wait_for_tick(20.0).frame
        point = mine.get_map().get_spawn_points()[number + 5]
        car = mine.try_spawn_actor(mine.get_blueprint_library().filter("vehicle.*")[number], point)
        actors.append(car)
        car.apply_control(carla.VehicleControl(throttle=0.7))
        last = first
        for _ in range(20):
            frame = mine.wait_for_tick(20.0).frame
            assert frame > last, (frame, last)
            last = frame
        hero = [actor for actor in mine.get_actors() if actor.attributes.get("role_name") == "hero"]
        said.append((number, len(hero), car.get_location().distance(point.location) > 0.3))

    followers = [threading.Thread(target=follow, args=(number,)) for number in range(3)]
    try:
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        blueprint = world.get_blueprint_library().find("vehicle.audi.etron")
        blueprint.set_attribute("role_name", "hero")
        actors.append(world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0]))
        world.tick()
        for follower in followers:
            follower.start()

        def tick():
            while not finished.is_set():
                world.tick()

        ticking = threading.Thread(target=tick)
        ticking.start()
        for follower in followers:
            follower.join(60)
        finished.set()
        ticking.join(20)
        for number, heroes, moved in sorted(said):
            print("follower", number, "heroes", heroes, "moved", moved)
        ours = {actor.id for actor in actors}
        print("vehicles", sum(vehicle.id in ours for vehicle in world.get_actors().filter("vehicle.*")))
    finally:
        finished.set()
        for actor in actors:
            actor.destroy()
        world.apply_settings(found)


if __name__ == "__main__":
    main()
