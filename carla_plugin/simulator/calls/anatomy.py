"""Calls about what an actor is made of: components, bones, sockets."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Prop, Sensor, SimActor, Vehicle, Walker
from carla_plugin.simulator.body.figures import feet_of, shown_pose
from carla_plugin.simulator.body.pose import moved, transforms, within_one
from carla_plugin.simulator.body.skeleton import BONES
from carla_plugin.simulator.calls.kinds import actor_as, actor_of, value
from carla_plugin.simulator.pose import compose
from carla_plugin.simulator.refusal import ActorError
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Location, Transform

NO_COMPONENT = "Component could not be found in this actor"
BODIES: tuple[tuple[type[SimActor], str], ...] = (
    (Vehicle, "VehicleMesh"), (Walker, "CharacterMesh0"), (Prop, "StaticMeshComponent0"), (Sensor, "SensorMesh"),
)  # fmt: skip
"""What CARLA calls the component that carries an actor's shape."""


def component_names(actor: SimActor) -> list[str]:
    """Return the names of an actor's components: that of its place and that of its shape."""
    return ["DefaultSceneRoot", *(name for kind, name in BODIES if isinstance(actor, kind))]


def vehicle_bones(vehicle: Vehicle) -> dict[str, Transform]:
    """Return a vehicle's bones within its own axes: its body, and the middle of each wheel."""
    half, wide = vehicle.wheelbase / 2.0, vehicle.extent[1] * 0.85
    radius = min(0.36, vehicle.extent[2] * 0.5)
    if vehicle.attribute("number_of_wheels", "4") == "2":
        wheels = {"Wheel_Front": (half, 0.0), "Wheel_Rear": (-half, 0.0)}
    else:
        wheels = {
            "Wheel_Front_Left": (half, -wide), "Wheel_Front_Right": (half, wide),
            "Wheel_Rear_Left": (-half, -wide), "Wheel_Rear_Right": (-half, wide),
        }  # fmt: skip
    places = {name: Transform(Location(x, y, radius)) for name, (x, y) in wheels.items()}
    return {"Vehicle_Base": Transform(), **places}


def get_actor_component_names(simulation: Simulation, number: Any) -> list[str]:
    """Return the names of an actor's components."""
    return component_names(actor_of(simulation, number))


def get_actor_component_world_transform(simulation: Simulation, number: Any, name: Any) -> Transform:
    """Return where a component is in the world."""
    actor = actor_of(simulation, number)
    return compose(actor.place, _component(actor, name))


def get_actor_component_relative_transform(simulation: Simulation, number: Any, name: Any) -> Transform:
    """Return where a component is within its actor."""
    return _component(actor_of(simulation, number), name)


def _component(actor: SimActor, name: Any) -> Transform:
    if reading.text(name) not in component_names(actor):
        raise ActorError(NO_COMPONENT, actor.id)
    if isinstance(actor, Walker) and name != "DefaultSceneRoot":
        return Transform(Location(0.0, 0.0, -actor.half_height))  # its feet
    return Transform()


def get_actor_bone_names(simulation: Simulation, number: Any) -> list[str]:
    """Return the names of an actor's bones."""
    actor = actor_of(simulation, number)
    if isinstance(actor, Walker):
        return list(BONES)
    return list(vehicle_bones(actor)) if isinstance(actor, Vehicle) else []


def get_actor_bone_relative_transforms(simulation: Simulation, number: Any) -> list[Transform]:
    """Return where an actor's bones are within their parents."""
    actor = actor_of(simulation, number)
    if isinstance(actor, Walker):
        return transforms(shown_pose(actor))
    return list(vehicle_bones(actor).values()) if isinstance(actor, Vehicle) else []


def get_actor_bone_world_transforms(simulation: Simulation, number: Any) -> list[Transform]:
    """Return where an actor's bones are in the world."""
    actor = actor_of(simulation, number)
    if isinstance(actor, Walker):
        return transforms(moved(within_one(shown_pose(actor)), feet_of(actor)))
    bones = vehicle_bones(actor).values() if isinstance(actor, Vehicle) else ()
    return [compose(actor.place, bone) for bone in bones]


def get_vehicle_bone_world_transforms(simulation: Simulation, number: Any) -> list[Transform]:
    """Return where a vehicle's bones are in the world."""
    actor_as(simulation, number, Vehicle, "vehicle")
    return get_actor_bone_world_transforms(simulation, number)


def get_actor_socket_names(simulation: Simulation, number: Any) -> list[str]:
    """Return no sockets: our actors have none."""
    actor_of(simulation, number)
    return []


def get_actor_socket_transforms(simulation: Simulation, number: Any) -> list[Transform]:
    """Return where no sockets are."""
    actor_of(simulation, number)
    return []


CALLS = {
    "get_actor_component_names": value(get_actor_component_names),
    "get_actor_component_world_transform": value(get_actor_component_world_transform),
    "get_actor_component_relative_transform": value(get_actor_component_relative_transform),
    "get_actor_bone_names": value(get_actor_bone_names),
    "get_actor_bone_relative_transforms": value(get_actor_bone_relative_transforms),
    "get_actor_bone_world_transforms": value(get_actor_bone_world_transforms),
    "get_vehicle_bone_world_transforms": value(get_vehicle_bone_world_transforms),
    "get_actor_socket_names": value(get_actor_socket_names),
    "get_actor_socket_world_transforms": value(get_actor_socket_transforms),
    "get_actor_socket_relative_transforms": value(get_actor_socket_transforms),
}
