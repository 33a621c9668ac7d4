"""Collisions and obstacles through the wheel: who is told, of whom, and with what push."""

import math

import carla
import pytest

WAIT_S = 5.0


def ear(stage, kind, place, parent, **attributes):
    """Return a sensor that listens before the next tick."""
    found = stage.ear(f"sensor.other.{kind}", place, parent, **attributes)
    stage.world.tick()
    return found


def in_line(stage, gap):
    """Return two cars on one straight lane, `gap` metres between their middles; the second is ahead."""
    for number, point in enumerate(stage.map.get_spawn_points()):
        way = stage.map.get_waypoint(point.location)
        ahead = way.next(gap)
        if (
            ahead
            and not ahead[0].is_junction
            and abs(ahead[0].transform.rotation.yaw - way.transform.rotation.yaw) < 0.5
        ):
            there = ahead[0].transform
            there.location.z += 0.5
            entry = stage.library.find("vehicle.tesla.model3")
            front = stage.world.try_spawn_actor(entry, there)
            if front is not None:
                stage.actors.append(front)
                return stage.car(number), front
    raise AssertionError("no straight lane is free")


def settle(stage):
    for _ in range(20):
        stage.world.tick()


@pytest.mark.source("CARLA docs: ref_sensors#collision-detector")
def test_both_cars_are_told_of_a_crash(stage):
    behind, front = in_line(stage, 9.0)
    settle(stage)
    ears = [ear(stage, "collision", carla.Transform(), car) for car in (behind, front)]
    behind.set_target_velocity(behind.get_transform().get_forward_vector() * 12.0)
    for _ in range(40):
        stage.world.tick()
    first, second = (one.messages.get(timeout=WAIT_S) for one in ears)
    assert first.frame == second.frame
    assert (first.actor.id, first.other_actor.id) == (behind.id, front.id)
    assert (second.actor.id, second.other_actor.id) == (front.id, behind.id)
    assert first.other_actor.type_id == "vehicle.tesla.model3"
    ahead = behind.get_transform().get_forward_vector()
    push = first.normal_impulse
    assert push.x * ahead.x + push.y * ahead.y < -1000.0, "the one behind is pushed back"
    assert push.length() < 12.0 * 2.0 * behind.get_physics_control().mass
    back = second.normal_impulse
    assert back.x * ahead.x + back.y * ahead.y > 1000.0
    assert behind.get_location().distance(front.get_location()) > 4.0


@pytest.mark.source("CARLA source: CollisionSensor, CarlaEpisode::SerializeActor")
def test_a_post_stops_a_car_and_is_named(stage):
    light = stage.world.get_actors().filter("traffic.traffic_light*")[0]
    post, stop = light.get_location(), light.get_stop_waypoints()[0].transform.location
    car = settled_before(stage, post, stop)
    ears = ear(stage, "collision", carla.Transform(), car)
    car.set_target_velocity(car.get_transform().get_forward_vector() * 10.0)
    for _ in range(40):
        stage.world.tick()
    blow = ears.messages.get(timeout=WAIT_S)
    assert blow.other_actor.type_id.startswith(("static.", "traffic."))
    if blow.other_actor.type_id.startswith("traffic."):
        assert blow.other_actor.id == light.id
    ahead = car.get_transform().get_forward_vector()
    assert blow.normal_impulse.x * ahead.x + blow.normal_impulse.y * ahead.y < -1000.0
    assert car.get_location().distance(post) < 4.0
    assert car.get_velocity().length() < 3.0


def settled_before(stage, post, stop):
    """Return a car on the road, ten metres from a post beside it, that looks at the post."""
    car = stage.car(12)
    yaw = math.degrees(math.atan2(post.y - stop.y, post.x - stop.x))
    place = carla.Transform(post, carla.Rotation(yaw=yaw))
    back = place.get_forward_vector() * -10.0
    car.set_transform(carla.Transform(carla.Location(post.x + back.x, post.y + back.y, 0.5), place.rotation))
    car.set_target_velocity(carla.Vector3D())
    settle(stage)
    return car


@pytest.mark.source("CARLA docs: ref_sensors#obstacle-detector")
def test_an_obstacle_ahead_is_told_with_its_distance(stage):
    behind, front = in_line(stage, 15.0)
    settle(stage)
    extent = behind.bounding_box.extent
    nose = carla.Transform(carla.Location(x=extent.x, z=1.0))
    near = ear(stage, "obstacle", nose, behind, distance=5, hit_radius=0.3)
    far = ear(stage, "obstacle", nose, behind, distance=30, hit_radius=0.3, only_dynamics=True)
    stage.world.tick()
    event = far.messages.get(timeout=WAIT_S)
    assert event.actor.id == behind.id
    assert event.other_actor.id == front.id
    assert event.distance == pytest.approx(15.0 - 2 * extent.x, abs=0.7)
    assert near.messages.empty(), "nothing is within five metres"


@pytest.mark.source("CARLA docs: python_api#carla.Actor.set_collisions")
def test_without_collisions_one_drives_through(stage):
    behind, front = in_line(stage, 9.0)
    settle(stage)
    behind.set_collisions(False)
    ears = ear(stage, "collision", carla.Transform(), behind)
    start = behind.get_location()
    behind.set_target_velocity(behind.get_transform().get_forward_vector() * 12.0)
    for _ in range(30):
        stage.world.tick()
    assert behind.get_location().distance(start) > 10.0
    assert ears.messages.empty()
    assert front.get_velocity().length() < 0.1


@pytest.mark.source("CARLA docs: python_api#carla.World.try_spawn_actor")
def test_no_body_is_born_inside_what_stands_still(stage):
    entry = stage.library.find("vehicle.tesla.model3")
    for light in list(stage.world.get_actors().filter("traffic.traffic_light*"))[:5]:
        post = light.get_location()
        place = carla.Transform(carla.Location(post.x, post.y, post.z + 0.3))
        assert stage.world.try_spawn_actor(entry, place) is None


@pytest.mark.source("CARLA docs: python_api#carla.Map.get_spawn_points")
def test_every_recommended_place_is_free(stage, scale):
    points = stage.map.get_spawn_points()
    entry = stage.library.find("vehicle.carlamotors.firetruck")
    chosen = points if scale == "soak" else points[::8]
    for start in range(0, len(chosen), 20):
        spawns = [carla.command.SpawnActor(entry, point) for point in chosen[start : start + 20]]
        answers = stage.client.apply_batch_sync(spawns, True)
        stage.client.apply_batch_sync([carla.command.DestroyActor(answer.actor_id) for answer in answers], True)
        assert [answer.error for answer in answers] == [""] * len(answers)
