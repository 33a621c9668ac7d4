"""Traffic and pedestrians, as CARLA's examples make them: batches, autopilot of the traffic manager, AI controllers."""

from __future__ import annotations

import argparse
import random

import carla
from carla.command import DestroyActor, FutureActor, SetAutopilot, SpawnActor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    parser.add_argument("--tm-port", default=8000, type=int)
    parser.add_argument("--vehicles", default=15, type=int)
    parser.add_argument("--walkers", default=10, type=int)
    parser.add_argument("--ticks", default=60, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(20.0)
    world = client.get_world()
    found = world.get_settings()
    random.seed(0)
    vehicles, walkers, controllers = [], [], []
    traffic_manager = client.get_trafficmanager(args.tm_port)
    try:
        traffic_manager.set_global_distance_to_leading_vehicle(2.5)
        traffic_manager.set_respawn_dormant_vehicles(False)
        traffic_manager.set_random_device_seed(0)
        traffic_manager.set_synchronous_mode(True)
        traffic_manager.global_percentage_speed_difference(10.0)
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)

        blueprints = world.get_blueprint_library().filter("vehicle.*")
        blueprints = [x for x in blueprints if x.get_attribute("base_type") == "car"]
        blueprints = sorted(blueprints, key=lambda bp: bp.id)
        spawn_points = world.get_map().get_spawn_points()
        random.shuffle(spawn_points)
        batch = []
        for transform in spawn_points[: args.vehicles]:
            blueprint = random.choice(blueprints)
            if blueprint.has_attribute("color"):
                color = random.choice(blueprint.get_attribute("color").recommended_values)
                blueprint.set_attribute("color", color)
            if blueprint.has_attribute("driver_id"):
                driver_id = random.choice(blueprint.get_attribute("driver_id").recommended_values)
                blueprint.set_attribute("driver_id", driver_id)
            blueprint.set_attribute("role_name", "autopilot")
            batch.append(
                SpawnActor(blueprint, transform).then(SetAutopilot(FutureActor, True, traffic_manager.get_port()))
            )
        for response in client.apply_batch_sync(batch, True):
            if response.error:
                print("error", response.error)
            else:
                vehicles.append(response.actor_id)
        for vehicle in world.get_actors(vehicles):
            traffic_manager.update_vehicle_lights(vehicle, True)

        world.set_pedestrians_cross_factor(0.1)
        world.set_pedestrians_seed(1)
        places = []
        for _ in range(args.walkers):
            place = carla.Transform()
            location = world.get_random_location_from_navigation()
            if location is not None:
                place.location = location
                place.location.z += 1.0
                places.append(place)
        people = world.get_blueprint_library().filter("walker.pedestrian.*")
        batch, speeds = [], []
        for place in places:
            person = random.choice(people)
            if person.has_attribute("is_invincible"):
                person.set_attribute("is_invincible", "false")
            speeds.append(float(person.get_attribute("speed").recommended_values[1]))
            batch.append(SpawnActor(person, place))
        kept = []
        for response, speed in zip(client.apply_batch_sync(batch, True), speeds, strict=True):
            if not response.error:
                walkers.append(response.actor_id)
                kept.append(speed)
        controller = world.get_blueprint_library().find("controller.ai.walker")
        batch = [SpawnActor(controller, carla.Transform(), walker) for walker in walkers]
        for response in client.apply_batch_sync(batch, True):
            if response.error:
                print("error", response.error)
            else:
                controllers.append(response.actor_id)
        world.tick()
        for actor, speed in zip(world.get_actors(controllers), kept, strict=True):
            actor.start()
            actor.go_to_location(world.get_random_location_from_navigation())
            actor.set_max_speed(speed)

        before = {actor.id: actor.get_location() for actor in world.get_actors(vehicles + walkers)}
        for _ in range(args.ticks):
            world.tick()
        moved = {actor.id: actor.get_location().distance(before[actor.id]) for actor in world.get_actors(list(before))}
        print("vehicles", len(vehicles), "walkers", len(walkers), "controllers", len(controllers))
        print("vehicles moved", sum(moved[number] > 1.0 for number in vehicles))
        print("walkers moved", sum(moved[number] > 0.5 for number in walkers))
    finally:
        client.apply_batch([DestroyActor(x) for x in vehicles])
        for actor in world.get_actors(controllers):
            actor.stop()
        client.apply_batch([DestroyActor(x) for x in controllers + walkers])
        traffic_manager.set_synchronous_mode(False)
        world.apply_settings(found)


if __name__ == "__main__":
    main()
