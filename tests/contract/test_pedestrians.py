"""People on foot through the wheel: where they walk, how fast, whether they arrive, who leads them, how they die."""

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import carla
import numpy as np
import pytest

from carla_plugin.simulator.navigation import Area
from carla_plugin.simulator.navigation.detour import decode

SEED = 7
CLOSE_M = 0.12
PATIENCE_TICKS = 1600
CAREFUL = (Area.SIDEWALK, Area.CROSSWALK, Area.GRASS, Area.ROAD, Area.BLOCK)
"""Where two areas meet, a person is on the one that comes first here."""


class Ground:
    """The polygons of a navigation mesh, to be asked what a point lies on."""

    def __init__(self, data: bytes) -> None:
        self.mesh = decode(data)
        rings = [np.array([self.mesh.vertices[corner][:2] for corner in ring]) for ring in self.mesh.rings]
        self.middles = np.array([ring.mean(axis=0) for ring in rings])
        self.low = np.array([ring.min(axis=0) for ring in rings]) - CLOSE_M
        self.high = np.array([ring.max(axis=0) for ring in rings]) + CLOSE_M

    def area(self, x: float, y: float) -> Area | None:
        """Return the area at a point, or within a hand of it: people walk along the very edge."""
        near = np.flatnonzero(((self.low <= (x, y)) & (self.high >= (x, y))).all(axis=1)).tolist()
        there = {self.mesh.areas[number] for number in near if self.outside(number, x, y) < CLOSE_M}
        return next((area for area in CAREFUL if area in there), None)

    def outside(self, number: int, x: float, y: float) -> float:
        """Return how far a point lies beyond a polygon's edges, metres; within it less than 0."""
        points = [self.mesh.vertices[corner] for corner in self.mesh.rings[number]]
        beyond = -math.inf
        for (ax, ay, _), (bx, by, _) in pairwise([*points, points[0]]):
            length = math.hypot(bx - ax, by - ay)
            beyond = max(beyond, ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length)
        return beyond


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, stage):
    """Keep the wheel's cache of maps out of the tester's own; it reads HOME when it is loaded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    stage.client.set_files_base_folder(str(tmp_path))
    return tmp_path


@pytest.fixture
def ground(stage, home):
    return ground_of(stage, home)


def ground_of(stage, home):
    (path,) = stage.client.get_required_files("Nav", True)
    (file,) = Path(home).rglob(Path(path).name)
    return Ground(file.read_bytes())


@pytest.fixture
def red(stage):
    """Let all cars wait, so that people cross at once."""
    lights = list(stage.world.get_actors().filter("traffic.traffic_light"))
    for light in lights:
        light.set_state(carla.TrafficLightState.Red)
    stage.world.freeze_all_traffic_lights(True)
    yield
    stage.world.freeze_all_traffic_lights(False)
    stage.world.reset_all_traffic_lights()


def populate(stage, count, attributes=()):
    """Spawn people and their controllers as CARLA's generate_traffic does; return pairs of them."""
    world, client = stage.world, stage.client
    world.set_pedestrians_seed(SEED)
    people = stage.library.filter("walker.pedestrian.*")
    batch = []
    for number in range(count):
        entry = people[number * 5 % len(people)]
        if entry.has_attribute("is_invincible"):
            entry.set_attribute("is_invincible", "false")
        place = carla.Transform(world.get_random_location_from_navigation())
        batch.append(carla.command.SpawnActor(entry, place))
    born = [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error]
    leader = stage.library.find("controller.ai.walker")
    batch = [carla.command.SpawnActor(leader, carla.Transform(), person) for person in born]
    answers = client.apply_batch_sync(batch, True)
    assert not any(answer.error for answer in answers)
    world.tick()
    walkers, leaders = world.get_actors(born), world.get_actors([answer.actor_id for answer in answers])
    stage.actors += [*walkers, *leaders]
    return list(zip(walkers, leaders, strict=True))


def lives(stage, walker):
    return stage.world.get_snapshot().find(walker.id) is not None


def lead_one(stage, places=()):
    """Spawn one person, at the first free of these places or anywhere, with a controller that has started."""
    entry, walker = stage.library.find("walker.pedestrian.0012"), None
    for there in places or (stage.world.get_random_location_from_navigation() for _ in range(50)):
        walker = stage.world.try_spawn_actor(entry, carla.Transform(there + carla.Location(z=1.0)))
        if walker is not None:
            break
    stage.actors.append(walker)
    leader = stage.spawn("controller.ai.walker", carla.Transform(), walker)
    stage.world.tick()
    leader.start()
    return walker, leader


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: python_api#carla.World.get_random_location_from_navigation")
def test_random_places_lie_on_pavements_and_follow_from_the_seed(stage, ground):
    def draw(seed, count):
        stage.world.set_pedestrians_seed(seed)
        return [stage.world.get_random_location_from_navigation() for _ in range(count)]

    places = draw(SEED, 150)
    assert {ground.area(place.x, place.y) for place in places} == {Area.SIDEWALK}
    assert len({(round(place.x / 60), round(place.y / 60)) for place in places}) > 10, "all over the town"
    told = [(place.x, place.y, place.z) for place in places[:20]]
    assert [(place.x, place.y, place.z) for place in draw(SEED, 20)] == told
    assert [(place.x, place.y, place.z) for place in draw(SEED + 1, 20)] != told


@pytest.mark.embedded
@pytest.mark.source("CARLA example: generate_traffic.py")
def test_people_walk_on_pavements_and_crossings_only_and_no_faster_than_told(stage, ground, red, scale):
    crowd = populate(stage, 10 if scale == "test" else 40)
    limits = {}
    for number, (walker, leader) in enumerate(crowd):
        leader.start()
        leader.go_to_location(stage.world.get_random_location_from_navigation())
        limits[walker.id] = 1.2 + 0.2 * (number % 4)
        leader.set_max_speed(limits[walker.id])
    stage.world.tick()
    seen, paths, last = {}, dict.fromkeys(limits, 0.0), {}
    for tick in range(400 if scale == "test" else 2000):
        snapshot = stage.world.get_snapshot() if stage.world.tick() else None
        for walker, limit in limits.items():
            state = snapshot.find(walker)
            here, velocity = state.get_transform(), state.get_velocity()
            assert math.hypot(velocity.x, velocity.y) < limit + 0.35, "crowding pushes a little"
            assert -180.0 <= here.rotation.yaw <= 180.0
            point = here.location.x, here.location.y
            paths[walker] += math.dist(point, last.get(walker, point))
            last[walker] = point
            if tick % 10 == 0:
                seen.setdefault(ground.area(*point), set()).add(walker)
    assert set(seen) <= {Area.SIDEWALK, Area.CROSSWALK}
    assert seen[Area.SIDEWALK] == set(limits)
    assert np.median(list(paths.values())) > (10.0 if scale == "test" else 50.0)


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: python_api#carla.WalkerAIController.go_to_location")
def test_a_person_crosses_the_street_and_arrives(stage, ground, red):
    pairs = across_a_street(ground)
    walker, leader = lead_one(stage, [start for start, _ in pairs])
    here = walker.get_location()
    end = min(pairs, key=lambda pair: math.dist((pair[0].x, pair[0].y), (here.x, here.y)))[1]
    leader.go_to_location(end)
    leader.set_max_speed(2.0)
    trod = set()
    for _ in range(PATIENCE_TICKS):
        stage.world.tick()
        here = walker.get_location()
        trod.add(ground.area(here.x, here.y))
        if math.hypot(here.x - end.x, here.y - end.y) < 1.0:
            break
    else:
        pytest.fail("never arrived")
    assert trod == {Area.SIDEWALK, Area.CROSSWALK}
    half = walker.bounding_box.extent.z
    assert here.z == pytest.approx(0.15 + half, abs=0.05), "feet are on the pavement"


def across_a_street(ground):
    """Return pairs of places on pavements, one on either side of a crossing."""
    mesh = ground.mesh
    ends = []
    for number, (area, beyond) in enumerate(zip(mesh.areas, mesh.neighbours, strict=True)):
        if area == Area.CROSSWALK and any(other >= 0 and mesh.areas[other] == Area.SIDEWALK for other in beyond):
            pavement = next(other for other in beyond if other >= 0 and mesh.areas[other] == Area.SIDEWALK)
            ends.append((number, pavement))
    pairs = []
    for first in ends[:: max(1, len(ends) // 12)]:
        reached, pending = {first[0]}, [first[0]]
        while pending:  # over the crossing
            for other in mesh.neighbours[pending.pop()]:
                if other >= 0 and other not in reached and mesh.areas[other] == Area.CROSSWALK:
                    reached.add(other)
                    pending.append(other)
        second = next(end for end in ends if end[0] in reached and far(ground, end[1], first[1]))
        pairs.append(tuple(carla.Location(*ground.middles[end[1]].tolist(), 0.15) for end in (first, second)))
    return pairs


def far(ground, one, other):
    return math.dist(ground.middles[one], ground.middles[other]) > 5.0


@pytest.mark.source("CARLA docs: python_api#carla.WalkerAIController.set_max_speed")
@pytest.mark.parametrize("speed", [1.4, 2.8])
def test_a_led_person_has_the_speed_and_says_so(stage, red, speed):
    walker, leader = lead_one(stage)
    leader.go_to_location(stage.world.get_random_location_from_navigation())
    leader.set_max_speed(speed)
    last, steps, told = None, [], []
    for _ in range(80):
        stage.world.tick()
        here, velocity, control = walker.get_transform(), walker.get_velocity(), walker.get_control()
        if last is not None:
            steps.append(math.hypot(here.location.x - last.x, here.location.y - last.y) / 0.05)
            told.append(math.hypot(velocity.x, velocity.y))
        assert math.hypot(velocity.x, velocity.y) == pytest.approx(control.speed, abs=1e-3)
        forward = here.get_forward_vector()
        assert (control.direction.x, control.direction.y) == pytest.approx((forward.x, forward.y), abs=1e-3)
        last = here.location
    assert np.median(steps[20:]) == pytest.approx(speed, abs=0.1)
    assert np.median(told[20:]) == pytest.approx(speed, abs=0.1)


@pytest.mark.source("CARLA docs: python_api#carla.WalkerAIController.stop")
def test_who_is_led_no_more_stands(stage, red):
    walker, leader = lead_one(stage)
    leader.go_to_location(stage.world.get_random_location_from_navigation())
    for _ in range(40):
        stage.world.tick()
    assert walker.get_velocity().length() > 0.5
    leader.stop()
    stage.world.tick()
    stage.world.tick()
    here = walker.get_location()
    for _ in range(5):
        stage.world.tick()
        assert walker.get_velocity().length() == 0.0
        assert walker.get_location() == here
        assert walker.get_control().speed == 0.0


@pytest.mark.source("CARLA source: WalkerController::ControlTickVisitor")
def test_a_person_jumps_and_lands(stage):
    walker = stage.spawn("walker.pedestrian.0012", stage.map.get_spawn_points()[2])
    stage.world.tick()
    floor = walker.get_location().z
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, True))
    stage.world.tick()
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, False))
    heights = []
    for _ in range(30):
        stage.world.tick()
        heights.append(walker.get_location().z - floor)
    assert 0.8 < max(heights) < 1.6
    assert heights[-1] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.embedded
@pytest.mark.source("CARLA source: AWalkerBase::StartDeathLifeSpan")
def test_a_dead_person_lies_and_is_gone_after_ten_seconds(stage, ask):
    place = stage.map.get_spawn_points()[0]
    walker = stage.spawn("walker.pedestrian.0007", place)
    forward = place.get_forward_vector()
    view = carla.Transform(place.location + carla.Location(5 * forward.x, 5 * forward.y, 0.5), place.rotation)
    view.rotation.yaw += 180.0
    eye = stage.eye("semantic_segmentation", view, size=(128, 128), fov=60.0)
    stage.world.tick()
    upright = eye.at(stage.world.tick())[..., 2] == 12
    ask("set_actor_dead", walker.id)
    flat = eye.at(stage.world.tick())[..., 2] == 12
    assert flat.any()
    assert np.flatnonzero(flat.any(axis=1)).size < 0.5 * np.flatnonzero(upright.any(axis=1)).size
    for _ in range(190):
        stage.world.tick()
    assert lives(stage, walker)
    for _ in range(15):
        stage.world.tick()
    assert not lives(stage, walker)


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: bp_library walker is_invincible")
@pytest.mark.parametrize(("invincible", "dies"), [("true", False), ("false", True)])
def test_a_car_kills_only_who_is_not_invincible(stage, invincible, dies):
    car = stage.car(0)
    place = car.get_transform()
    forward = place.get_forward_vector()
    there = carla.Transform(place.location + carla.Location(8 * forward.x, 8 * forward.y, 1.0), place.rotation)
    walker = stage.spawn("walker.pedestrian.0012", there, is_invincible=invincible)
    stage.world.tick()
    car.enable_constant_velocity(carla.Vector3D(10.0, 0.0, 0.0))
    for _ in range(20):
        stage.world.tick()
    car.disable_constant_velocity()
    for _ in range(205):
        stage.world.tick()
    assert lives(stage, walker) != dies


@pytest.mark.embedded
@pytest.mark.source("CARLA source: WalkerNavigation::Tick")
def test_a_led_person_whom_a_car_strikes_dies_and_loses_the_leader(stage, red):
    walker, leader, car = struck(stage)
    car.enable_constant_velocity(carla.Vector3D(9.0, 0.0, 0.0))
    for _ in range(30):
        stage.world.tick()
        if not stage.world.get_snapshot().find(leader.id):
            break
    else:
        pytest.fail("nobody died")
    for _ in range(3):
        stage.world.tick()
    assert lives(stage, walker), "the body lies"
    assert walker.get_velocity().length() == 0.0
    car.destroy()
    for _ in range(205):
        stage.world.tick()
    assert not lives(stage, walker)


def struck(stage):
    """Return a person who walks, the leader, and a car behind that person's back."""
    for seed in range(30):
        stage.world.set_pedestrians_seed(seed)
        walker, leader = lead_one(stage)
        leader.go_to_location(stage.world.get_random_location_from_navigation())
        for _ in range(20):
            stage.world.tick()
        place = walker.get_transform()
        forward = place.get_forward_vector()
        behind = place.location + carla.Location(-5.5 * forward.x, -5.5 * forward.y, 1.0)
        car = stage.world.try_spawn_actor(
            stage.library.find("vehicle.micro.microlino"), carla.Transform(behind, place.rotation)
        )
        if car is not None:
            stage.actors.append(car)
            return walker, leader, car
        leader.stop()
        stage.clear()
    pytest.fail("no room for a car behind anybody")


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: python_api#carla.World.set_pedestrians_cross_factor")
def test_only_the_careless_walk_on_the_road(stage, ground, red, scale):
    def strayed(factor):
        """Return whether one of a crowd was seen on the road."""
        stage.world.set_pedestrians_cross_factor(factor)
        crowd = populate(stage, 24 if scale == "test" else 60)
        for _, leader in crowd:
            leader.start()
            leader.go_to_location(stage.world.get_random_location_from_navigation())
            leader.set_max_speed(5.0)
        found = False
        for tick in range(2000 if factor or scale == "soak" else 300):
            stage.world.tick()
            if tick % 10 == 0 and not found:
                places = [walker.get_location() for walker, _ in crowd]
                found = any(ground.area(here.x, here.y) == Area.ROAD for here in places)
            if found:
                break
        for _, leader in crowd:
            leader.stop()
        stage.clear()
        return found

    assert not strayed(0.0)
    assert strayed(1.0)
    stage.world.set_pedestrians_cross_factor(0.0)


@pytest.mark.embedded
@pytest.mark.source("CARLA docs: python_api#carla.Client.get_required_files")
def test_every_town_has_a_mesh_of_its_own_and_a_new_episode_knows_no_walkers(stage, home):
    here = stage.map.name.rpartition("/")[2]
    crowd = populate(stage, 3)
    for _, leader in crowd:
        leader.start()
    stage.world.tick()
    before = stage.client.get_required_files("Nav", False)
    stage.actors.clear()
    try:
        stage.world = stage.client.load_world("Town07" if here != "Town07" else "Town02", False)
        ground = ground_of(stage, home)
        assert stage.client.get_required_files("Nav", False) != before
        for _ in range(10):
            stage.world.tick()
        assert not stage.world.get_actors().filter("*walker*")
        place = stage.world.get_random_location_from_navigation()
        assert ground.area(place.x, place.y) == Area.SIDEWALK
    finally:
        stage.world = stage.client.load_world(here, False)


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_no_other_file_is_given_away(ask):
    for path in ("", "../../etc/passwd", "/etc/passwd", "Manyskies/Nav/../../pyproject.toml"):
        assert ask("request_file", path)[1][0][0] == 0


@pytest.mark.source("ours")
def test_equal_seeds_walk_equal_ways_in_fresh_processes(simulator, home, scale):
    count, ticks = (8, 60) if scale == "test" else (50, 1200)
    told = [walked(simulator, seed, count, ticks) for seed in (SEED, SEED, SEED + 1)]
    assert told[0] == told[1]
    assert told[0] != told[2]


def walked(simulator, seed, count, ticks):
    command = [sys.executable, str(Path(__file__).with_name("walking_people.py")), simulator.host, str(simulator.port)]
    done = subprocess.run([*command, str(seed), str(count), str(ticks)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
