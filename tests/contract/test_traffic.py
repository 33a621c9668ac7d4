"""The wheel's traffic manager: lanes kept, red lights obeyed, nobody stuck. `--scale soak` has the full counts."""

import math

import carla
import numpy as np
import pytest

STEP_S = 0.05


class Log:
    """What a run of traffic did.

    Attributes:
        asides: metres from the middle of the lane, outside crossings.
        driven: metres by vehicle.
        standing: longest time in seconds that each stood, red lights left out.
        reds: (tick, vehicle, light) of every stop line crossed at red.
    """

    def __init__(self, stage, cars):
        self.cars = {car.id: car for car in cars}
        self.asides: list[float] = []
        self.driven = dict.fromkeys(self.cars, 0.0)
        self.standing = dict.fromkeys(self.cars, 0.0)
        self.reds: list[tuple[int, str, int]] = []
        self._still = dict.fromkeys(self.cars, 0.0)
        self._noses: dict[int, np.ndarray] = {}
        self._map = stage.map
        self._world = stage.world
        stops = [
            (light, stop.transform)
            for light in stage.world.get_actors().filter("traffic.traffic_light*")
            for stop in light.get_stop_waypoints()
        ]
        self._lights = [light for light, _ in stops]
        yaws = np.radians([place.rotation.yaw for _, place in stops])
        self._lines = np.stack(
            [[p.location.x for _, p in stops], [p.location.y for _, p in stops], np.cos(yaws), np.sin(yaws)]
        )

    def watch(self, tick):
        snapshot = self._world.get_snapshot()
        for number, car in self.cars.items():
            state = snapshot.find(number)
            assert state is not None, f"{car.type_id} was taken away: it stood too long"
            place, velocity = state.get_transform(), state.get_velocity()
            speed = math.hypot(velocity.x, velocity.y)
            self.driven[number] += speed * STEP_S
            red = car.is_at_traffic_light() and car.get_traffic_light_state() != carla.TrafficLightState.Green
            self._still[number] = self._still[number] + STEP_S if speed < 0.1 and not red else 0.0
            self.standing[number] = max(self.standing[number], self._still[number])
            self._cross(tick, car, place)
            if tick % 5 == 0:
                lane = self._map.get_waypoint(place.location)
                if not lane.is_junction:
                    middle = lane.transform.location
                    self.asides.append(math.hypot(middle.x - place.location.x, middle.y - place.location.y))

    def _cross(self, tick, car, place):
        ahead, reach = place.get_forward_vector(), car.bounding_box.extent.x
        x, y, cos, sin = self._lines
        dx, dy = place.location.x + ahead.x * reach - x, place.location.y + ahead.y * reach - y
        along, across = dx * cos + dy * sin, np.abs(dy * cos - dx * sin)
        before = self._noses.get(car.id)
        self._noses[car.id] = along
        if before is None:
            return
        over = (before <= 0.0) & (along > 0.0) & (along < 3.0) & (across < 1.5) & (ahead.x * cos + ahead.y * sin > 0.8)
        for number in np.flatnonzero(over).tolist():
            if self._lights[number].get_state() == carla.TrafficLightState.Red:
                self.reds.append((tick, car.type_id, self._lights[number].id))


@pytest.fixture
def manager(stage, free_port):
    manager = stage.client.get_trafficmanager(free_port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(5)
    yield manager
    manager.set_synchronous_mode(False)
    manager.shut_down()


@pytest.mark.source("CARLA docs: adv_traffic_manager")
def test_traffic_keeps_its_lanes_and_obeys_red(stage, manager, scale):
    count, ticks = (50, 3000) if scale == "soak" else (10, 240)
    entries = list(stage.library.filter("vehicle.*"))
    answers = stage.client.apply_batch_sync(
        [
            carla.command.SpawnActor(entries[number % len(entries)], point).then(
                carla.command.SetAutopilot(carla.command.FutureActor, True, manager.get_port())
            )
            for number, point in enumerate(stage.map.get_spawn_points()[:count])
        ],
        True,
    )
    assert not any(answer.error for answer in answers)
    cars = list(stage.world.get_actors([answer.actor_id for answer in answers]))
    stage.actors += cars
    log = Log(stage, cars)
    for tick in range(ticks):
        stage.world.tick()
        log.watch(tick)
    assert log.reds == []
    assert np.percentile(log.asides, 95) < 0.6
    assert np.mean(np.array(log.asides) < 1.5) > 0.99
    seconds = ticks * STEP_S
    assert np.mean(list(log.driven.values())) > 2.0 * seconds, "two metres a second on average, red lights included"
    assert sorted(log.driven.values())[count // 10] > 5.0
    assert max(log.standing.values()) < 60.0
    for car in cars:
        car.set_autopilot(False, manager.get_port())
