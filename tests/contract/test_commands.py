"""Batches: every command, each answered for itself, and what follows a birth."""

from __future__ import annotations

import carla
import pytest

command = carla.command
COMMANDS = "CARLA docs: python_api#command"


@pytest.fixture
def car(stage) -> carla.Actor:
    return stage.car(12)


@pytest.fixture
def walker(stage) -> carla.Actor:
    place = stage.map.get_spawn_points()[13]
    place.location.z += 0.5
    made = stage.spawn("walker.pedestrian.0002", place)
    stage.world.tick()
    return made


@pytest.mark.source(COMMANDS)
def test_every_command_for_a_car_is_answered_with_its_id(stage, car):
    up, here = carla.Vector3D(0.0, 0.0, 1.0), car.get_transform()
    answers = stage.client.apply_batch_sync(
        [
            command.ApplyVehicleControl(car.id, carla.VehicleControl(throttle=0.1)),
            command.ApplyVehicleAckermannControl(car.id, carla.VehicleAckermannControl(speed=1.0)),
            command.ApplyVehiclePhysicsControl(car.id, car.get_physics_control()),
            command.ApplyTransform(car.id, here),
            command.ApplyLocation(car.id, here.location) if hasattr(command, "ApplyLocation") else
            command.ApplyTransform(car.id, here),
            command.ApplyTargetVelocity(car.id, up),
            command.ApplyTargetAngularVelocity(car.id, up),
            command.ApplyImpulse(car.id, up),
            command.ApplyForce(car.id, up),
            command.ApplyAngularImpulse(car.id, up),
            command.ApplyTorque(car.id, up),
            command.SetSimulatePhysics(car.id, True),
            command.SetEnableGravity(car.id, True),
            command.SetVehicleLightState(car.id, carla.VehicleLightState.LowBeam),
        ]
    )  # fmt: skip
    assert [(answer.actor_id, answer.error) for answer in answers] == [(car.id, "")] * len(answers)
    assert car.get_light_state() == carla.VehicleLightState.LowBeam


@pytest.mark.source(COMMANDS)
def test_commands_for_a_person(stage, walker):
    place = walker.get_transform()
    answers = stage.client.apply_batch_sync(
        [
            command.ApplyWalkerControl(walker.id, carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.0, False)),
            command.ApplyWalkerState(walker.id, place, 0.0),
        ]
    )
    assert not any(answer.error for answer in answers)


@pytest.mark.source("CARLA source: CarlaServer, RespondError")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: command.ApplyVehicleControl(999_999, carla.VehicleControl()),
            "Responding error from function apply_control_to_vehicle: "
            "Actor could not be found in the registry.  Actor Id: 999999",
        ),
        (lambda: command.DestroyActor(999_999), "unable to destroy actor: not found"),
        (
            lambda: command.ApplyTransform(999_999, carla.Transform()),
            "Responding error from function set_actor_transform: "
            "Actor could not be found in the registry.  Actor Id: 999999",
        ),
    ],
)
def test_who_is_not_there_costs_one_answer_in_carlas_words(stage, car, make, words):
    good = command.ApplyVehicleControl(car.id, carla.VehicleControl(brake=1.0))
    first, wrong, last = stage.client.apply_batch_sync([good, make(), good])
    assert (first.error, last.error) == ("", "")
    assert wrong.has_error()
    assert (wrong.actor_id, wrong.error) == (0, words)


@pytest.mark.source("CARLA source: CarlaServer, apply_control_to_vehicle of what is none")
def test_a_walker_does_not_take_a_cars_pedals(stage, walker):
    (answer,) = stage.client.apply_batch_sync([command.ApplyVehicleControl(walker.id, carla.VehicleControl())])
    assert answer.error == (
        "Responding error from function apply_control_to_vehicle: "
        f"Actor does not match the expected type.  Actor Id: {walker.id}"
    )


@pytest.mark.source("CARLA source: rpc/Command.h")
@pytest.mark.embedded
def test_commands_that_python_cannot_send_are_known_too(stage, car, ask):
    light = stage.world.get_actors().filter("traffic.traffic_light*")[0]
    place = car.get_location()
    commands = [
        [[16, [car.id, False]]],
        [[17, [car.id, True]]],
        [[19, [car.id, [place.x, place.y, place.z]]]],
        [[20, ["stat fps"]]],
        [[21, [light.id, 2]]],
        [[22, [car.id]]],
    ]
    error, answers = ask("apply_batch", commands, False)
    assert error is None
    assert [answer[0][0] for answer in answers] == [1, 1, 1, 1, 1, 0]
    assert [answer[0][1] for answer in answers[:3]] == [car.id] * 3


@pytest.mark.source("CARLA docs: python_api#command.FutureActor")
def test_what_follows_a_birth_is_done_with_the_new_actor(stage):
    entry = stage.library.find("vehicle.audi.a2")
    place = stage.map.get_spawn_points()[14]
    future = command.FutureActor
    birth = (
        command.SpawnActor(entry, place)
        .then(command.SetSimulatePhysics(future, False))
        .then(command.SetVehicleLightState(future, carla.VehicleLightState.HighBeam))
    )
    (answer,) = stage.client.apply_batch_sync([birth], True)
    assert not answer.error
    made = stage.world.get_actor(answer.actor_id)
    stage.actors.append(made)
    assert made.get_light_state() == carla.VehicleLightState.HighBeam
    stage.world.tick()
    assert made.get_location() == place.location  # it does not fall


@pytest.mark.source("CARLA source: CarlaServer, apply_batch ignores what follow-up commands say")
def test_a_birth_stands_though_what_follows_fails(stage):
    entry, place = stage.library.find("vehicle.audi.a2"), stage.map.get_spawn_points()[15]
    wrong = command.ApplyWalkerControl(command.FutureActor, carla.WalkerControl())
    (answer,) = stage.client.apply_batch_sync([command.SpawnActor(entry, place).then(wrong)], True)
    assert not answer.error
    stage.actors.append(stage.world.get_actor(answer.actor_id))


@pytest.mark.source("CARLA docs: python_api#carla.Client, apply_batch_sync")
def test_a_batch_ticks_if_asked(stage):
    before = stage.world.get_snapshot().frame
    stage.client.apply_batch_sync([], True)
    assert stage.world.tick() >= before + 2


@pytest.mark.source("CARLA docs: python_api#command.SpawnActor")
def test_sensors_are_fixed_to_parents_in_a_batch(stage, car):
    entry = stage.library.find("sensor.other.collision")
    (answer,) = stage.client.apply_batch_sync(
        [command.SpawnActor(entry, carla.Transform(carla.Location(z=2.0)), car)], True
    )
    made = stage.world.get_actor(answer.actor_id)
    stage.actors.append(made)
    assert made.parent.id == car.id
    stage.world.tick()
    assert made.get_location().z == pytest.approx(car.get_location().z + 2.0, abs=0.05)
    (answer,) = stage.client.apply_batch_sync([command.SpawnActor(entry, carla.Transform(), 999_999)])
    assert answer.error == "unable to attach actor: parent actor not found"


@pytest.mark.source("CARLA docs: python_api#carla.Client, apply_batch")
def test_hundreds_are_born_and_die_in_one_batch(stage, scale):
    """Cars high in the air, without physics: 300 of them on a grid."""
    count = 300 if scale == "soak" else 120
    entry = stage.library.find("vehicle.micro.microlino")
    places = [
        carla.Transform(carla.Location(6.0 * (number % 20), 6.0 * (number // 20), 80.0)) for number in range(count)
    ]
    still = command.SetSimulatePhysics(command.FutureActor, False)
    answers = stage.client.apply_batch_sync([command.SpawnActor(entry, place).then(still) for place in places], True)
    ids = [answer.actor_id for answer in answers]
    assert not any(answer.error for answer in answers)
    assert len(set(ids)) == count
    stage.world.tick()
    assert len(stage.world.get_actors().filter("vehicle.*")) == count
    assert not any(answer.error for answer in stage.client.apply_batch_sync([command.DestroyActor(i) for i in ids]))
    stage.world.tick()
    assert not stage.world.get_actors().filter("vehicle.*")
