"""Values that no wheel sends: each is refused or borne, and the world ticks on for everybody."""

from __future__ import annotations

import pytest

HUGE = 1e300
STEP_LIMIT_S = 10.0


def settings(step: list) -> list:
    return [True, False, step, True, 0.01, 10, 0.0, False, 3000.0, 2000.0, True]


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize("blueprint", ["vehicle.tesla.model3", "walker.pedestrian.0001"])
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("set_actor_transform", [[[HUGE, 0, 0], [0, 0, 0]]]),
        ("set_actor_transform", [[[3e38, -3e38, 3e38], [0, 0, 0]]]),
        ("set_actor_transform", [[[0, 0, 0], [0, HUGE, 0]]]),
        ("set_actor_location", [[0, 1e40, 0]]),
        ("set_actor_target_velocity", [[3e38, 3e38, 0]]),
        ("enable_actor_constant_velocity", [[HUGE, 0, 0]]),
        ("apply_control_to_vehicle", [[1.0, 0.0, 0.0, False, False, False, 2**40]]),
        ("apply_control_to_vehicle", [[HUGE, 0.0, 0.0, False, False, False, 0]]),
        ("apply_control_to_walker", [[[1, 0, 0], HUGE, False]]),
        ("apply_control_to_walker", [[[1, 0, 0], 3e38, False]]),
        ("apply_control_to_walker", [[[3e38, 3e38, 0], 1.0, False]]),
        ("set_vehicle_light_state", [[2**63]]),
        ("set_traffic_light_state", [1]),
    ],
)
def test_the_world_ticks_on_after_wild_values(stage, ask, blueprint, method, arguments):
    actor = stage.spawn(blueprint, stage.map.get_spawn_points()[20])
    stage.world.tick()
    ask(method, actor.id, *arguments)
    frame = stage.world.tick()
    for _ in range(5):
        frame += 1
        assert stage.world.tick() == frame
    place = stage.world.get_snapshot().find(actor.id).get_transform().location
    assert abs(place.x) < 1e9


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize("state", [5, 300, -1, 2**40])
def test_lights_have_no_other_states_than_carlas(stage, ask, state):
    light = stage.world.get_actors().filter("traffic.traffic_light*")[0]
    before = light.get_state()
    ask("set_traffic_light_state", light.id, state)
    ask("set_traffic_light_green_time", light.id, HUGE)
    stage.world.tick()
    assert light.get_state() == before


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize("step", [[True, 0.0], [True, -1.0], [True], [False]])
def test_a_step_that_is_none_leaves_the_step_to_the_world(stage, ask, step):
    stage.car(21)
    error, _ = ask("set_episode_settings", settings(step))
    assert error is None
    stage.world.tick()
    assert 0.0 < stage.world.get_snapshot().timestamp.delta_seconds <= 0.1


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize("step_s", [STEP_LIMIT_S + 1, 1e30, HUGE])
def test_endless_steps_are_refused(stage, ask, step_s):
    ask("set_episode_settings", settings([True, step_s]))
    assert stage.world.get_settings().fixed_delta_seconds == pytest.approx(0.05)
    stage.world.tick()


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize(
    "description",
    [[2**40, "vehicle.seat.leon", []], [-1, "vehicle.seat.leon", []], [1, "vehicle.seat.leon", [["color", 900, "1"]]]],
)
def test_descriptions_that_would_choke_other_clients_are_refused(stage, ask, description):
    error, result = ask("spawn_actor", description, [[0, 0, 0], [0, 0, 0]])
    assert error is not None or result[0][0] == 0
    stage.world.tick()
    assert not stage.world.get_actors().filter("vehicle.*")
