"""Blueprints: what can be spawned, with CARLA's ids, attributes and defaults."""

from __future__ import annotations

from functools import lru_cache

from carla_plugin.simulator.assets.vehicles import VEHICLE_IDS, vehicle_colours, vehicle_tag
from carla_plugin.simulator.assets.walkers import WALKER_IDS, walker_age, walker_gender
from protocols.carla_rpc.types import ActorAttribute, ActorDefinition, AttributeType

CAMERAS = ("rgb", "semantic_segmentation", "depth", "instance_segmentation")

VANS = ("ambulance", "sprinter", "volkswagen.t2")
SPECIAL = {
    "vehicle.carlamotors.firetruck": "emergency",
    "vehicle.dodge.charger_police": "emergency",
    "vehicle.dodge.charger_police_2020": "emergency",
    "vehicle.ford.ambulance": "emergency",
    "vehicle.ford.crown": "taxi",
    "vehicle.tesla.model3": "electric",
    "vehicle.tesla.cybertruck": "electric",
    "vehicle.audi.etron": "electric",
    "vehicle.micro.microlino": "electric",
}
NEWER = ("_2020", "_2021", "ambulance", "firetruck", "crown", "sprinter", "cooper_s_2021", "fusorosa")

LENS = {
    "fov": "90.0",
    "lens_circle_falloff": "5.0",
    "lens_circle_multiplier": "0.0",
    "lens_k": "-1.0",
    "lens_kcube": "0.0",
    "lens_x_size": "0.08",
    "lens_y_size": "0.08",
    "sensor_tick": "0.0",
}
EXPOSURE = {
    "black_clip": "0.0",
    "bloom_intensity": "0.675",
    "blur_amount": "1.0",
    "blur_radius": "0.0",
    "calibration_constant": "16.0",
    "chromatic_aberration_intensity": "0.0",
    "chromatic_aberration_offset": "0.0",
    "exposure_compensation": "0.75",
    "exposure_max_bright": "12.0",
    "exposure_min_bright": "10.0",
    "exposure_speed_down": "1.0",
    "exposure_speed_up": "3.0",
    "focal_distance": "1000.0",
    "fstop": "1.4",
    "gamma": "2.2",
    "iso": "100.0",
    "lens_flare_intensity": "0.1",
    "min_fstop": "1.2",
    "motion_blur_intensity": "0.45",
    "motion_blur_max_distortion": "0.35",
    "motion_blur_min_object_screen_size": "0.1",
    "shoulder": "0.26",
    "shutter_speed": "200.0",
    "slope": "0.88",
    "temp": "6500.0",
    "tint": "0.0",
    "toe": "0.55",
    "white_clip": "0.04",
}


def base_type(vehicle_id: str) -> str:
    """Return CARLA's `base_type`: car, truck, van, bus, motorcycle or bicycle."""
    if any(word in vehicle_id for word in VANS):
        return "van"
    return {15: "truck", 16: "bus", 18: "motorcycle", 19: "bicycle"}.get(vehicle_tag(vehicle_id), "car")


@lru_cache(maxsize=1)
def definitions() -> tuple[ActorDefinition, ...]:
    """Return all blueprints, numbered from 1."""
    rows = [*map(_vehicle, VEHICLE_IDS), *map(_walker, WALKER_IDS), *map(_camera, CAMERAS)]
    return tuple(
        ActorDefinition(number, name, ",".join(name.split(".")), attributes)
        for number, (name, attributes) in enumerate(sorted(rows), start=1)
    )


@lru_cache(maxsize=1)
def by_id() -> dict[str, ActorDefinition]:
    """Return all blueprints by their ids."""
    return {definition.id: definition for definition in definitions()}


def _fixed(name: str, kind: int, value: str) -> ActorAttribute:
    return ActorAttribute(name, kind, value, (value,), False, False)


def _free(name: str, kind: int, value: str, recommended: tuple[str, ...] = ()) -> ActorAttribute:
    return ActorAttribute(name, kind, value, recommended, True, False)


def _vehicle(name: str) -> tuple[str, tuple[ActorAttribute, ...]]:
    kind = base_type(name)
    wheels = "2" if kind in ("motorcycle", "bicycle") else "4"
    newer = any(word in name for word in NEWER)
    colours = tuple(",".join(map(str, colour)) for colour in vehicle_colours(name))
    return name, (
        _free("role_name", AttributeType.STRING, "autopilot", ("autopilot", "scenario", "ego_vehicle")),
        _free("color", AttributeType.COLOUR, colours[0], colours),
        _free("sticky_control", AttributeType.BOOL, "True", ("True", "False")),
        _free("terramechanics", AttributeType.BOOL, "False", ("True", "False")),
        _fixed("object_type", AttributeType.STRING, ""),
        _fixed("base_type", AttributeType.STRING, kind),
        _fixed("special_type", AttributeType.STRING, SPECIAL.get(name, "")),
        _fixed("number_of_wheels", AttributeType.INT, wheels),
        _fixed("generation", AttributeType.INT, "2" if newer else "1"),
        _fixed("has_dynamic_doors", AttributeType.BOOL, "False"),
        _fixed("has_lights", AttributeType.BOOL, "False" if kind == "bicycle" else "True"),
    )


def _walker(name: str) -> tuple[str, tuple[ActorAttribute, ...]]:
    number = int(name.rpartition(".")[2])
    return name, (
        _free("role_name", AttributeType.STRING, "pedestrian", ("pedestrian",)),
        _free("is_invincible", AttributeType.BOOL, "True", ("True", "False")),
        _free("speed", AttributeType.FLOAT, "0.0", ("0.0", "1.4", "3.0")),
        _fixed("age", AttributeType.STRING, walker_age(name)),
        _fixed("gender", AttributeType.STRING, walker_gender(name)),
        _fixed("generation", AttributeType.INT, "2" if number > 14 else "1"),
    )


def _camera(kind: str) -> tuple[str, tuple[ActorAttribute, ...]]:
    attributes = [
        _free("role_name", AttributeType.STRING, "front", ("front",)),
        _free("image_size_x", AttributeType.INT, "800", ("800",)),
        _free("image_size_y", AttributeType.INT, "600", ("600",)),
        *(_free(name, AttributeType.FLOAT, value, (value,)) for name, value in LENS.items()),
    ]
    if kind == "rgb":
        attributes += [
            _free("enable_postprocess_effects", AttributeType.BOOL, "True", ("True", "False")),
            _free("exposure_mode", AttributeType.STRING, "histogram", ("histogram", "manual")),
            _free("blade_count", AttributeType.INT, "5", ("5",)),
            *(_free(name, AttributeType.FLOAT, value, (value,)) for name, value in EXPOSURE.items()),
        ]
    return f"sensor.camera.{kind}", tuple(attributes)
