"""A script for a process of its own, given host, port, seed, count, ticks: people walk, and it tells a hash."""

import hashlib
import random
import struct
import sys

import carla

host, port, seed, count, ticks = sys.argv[1], *map(int, sys.argv[2:6])
client = carla.Client(host, port)
client.set_timeout(20.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
made = []
for light in world.get_actors().filter("traffic.traffic_light"):
    light.set_state(carla.TrafficLightState.Red)  # people wait at lights, which do not begin anew with every process
world.freeze_all_traffic_lights(True)
try:
    world.set_pedestrians_seed(seed)
    world.set_pedestrians_cross_factor(0.3)
    dice = random.Random(seed)
    people = sorted(world.get_blueprint_library().filter("walker.pedestrian.*"), key=lambda entry: entry.id)
    leader = world.get_blueprint_library().find("controller.ai.walker")
    places = [carla.Transform(world.get_random_location_from_navigation()) for _ in range(count)]
    batch = [carla.command.SpawnActor(dice.choice(people), place) for place in places]
    walkers = [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error]
    made += walkers
    batch = [carla.command.SpawnActor(leader, carla.Transform(), walker) for walker in walkers]
    leaders = [answer.actor_id for answer in client.apply_batch_sync(batch, True)]
    made += leaders
    world.tick()
    for controller in world.get_actors(leaders):
        controller.start()
        controller.go_to_location(world.get_random_location_from_navigation())
        controller.set_max_speed(dice.uniform(1.0, 2.5))
    ways = hashlib.sha256()
    for _ in range(ticks):
        world.tick()
        snapshot = world.get_snapshot()
        for walker in walkers:
            here = snapshot.find(walker).get_transform()
            ways.update(struct.pack("<4f", here.location.x, here.location.y, here.location.z, here.rotation.yaw))
    print(len(walkers), ways.hexdigest())
    for controller in world.get_actors(leaders):
        controller.stop()
finally:
    client.apply_batch_sync([carla.command.DestroyActor(number) for number in reversed(made)], True)
    world.freeze_all_traffic_lights(False)
    world.reset_all_traffic_lights()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings)
