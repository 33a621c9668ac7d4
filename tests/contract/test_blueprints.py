"""The blueprint library through the wheel, held to facts of CARLA's documentation (`blueprints.json` beside this)."""

from __future__ import annotations

import json
from pathlib import Path

import carla
import pytest

FACTS = json.loads(Path(__file__).with_name("blueprints.json").read_text())
TYPES = {
    "bool": carla.ActorAttributeType.Bool,
    "int": carla.ActorAttributeType.Int,
    "float": carla.ActorAttributeType.Float,
    "string": carla.ActorAttributeType.String,
    "rgbcolor": carla.ActorAttributeType.RGBColor,
}
LIBRARY = "CARLA docs: bp_library"


@pytest.mark.source(LIBRARY)
@pytest.mark.parametrize("group", FACTS["groups"], ids=lambda group: group["ids"][0])
def test_ids_and_attributes_are_carlas(stage, group):
    for name in group["ids"]:
        entry = stage.library.find(name)
        for key, (kind, modifiable, default) in group["attributes"].items():
            assert entry.has_attribute(key), f"{name}: {key}"
            attribute = entry.get_attribute(key)
            assert (attribute.type, attribute.is_modifiable) == (TYPES[kind], modifiable), f"{name}: {key}"
            if default is None:
                continue
            if kind in ("int", "float"):
                assert float(str(attribute.as_str() if kind == "string" else _text(attribute))) == float(default), key
            else:
                assert _text(attribute).lower() == default.lower(), f"{name}: {key}"


def _text(attribute: carla.ActorAttribute) -> str:
    """Return an attribute's first recommended value: what it is if nobody sets it."""
    return str(next(iter(attribute.recommended_values)))


@pytest.mark.source("CARLA docs: catalogue_vehicles")
def test_lamps_and_doors_are_those_of_the_catalogue(stage):
    said = {
        entry.id: [bool(entry.get_attribute("has_lights")), bool(entry.get_attribute("has_dynamic_doors"))]
        for entry in stage.library.filter("vehicle.*")
    }
    assert {name: said[name] for name in FACTS["vehicles"]} == FACTS["vehicles"]


@pytest.mark.source(LIBRARY)
def test_programs_find_values_to_choose_from(stage):
    for entry in stage.library:
        for attribute in entry:
            assert list(attribute.recommended_values) or not attribute.is_modifiable, f"{entry.id}: {attribute.id}"


@pytest.mark.source("CARLA docs: core_actors, blueprints")
def test_every_vehicle_and_walker_has_a_generation_and_says_what_it_is(stage):
    for entry in (*stage.library.filter("vehicle.*"), *stage.library.filter("walker.*")):
        assert int(entry.get_attribute("generation")) in (1, 2, 3)
    for entry in stage.library.filter("vehicle.*"):
        base, wheels = entry.get_attribute("base_type").as_str(), int(entry.get_attribute("number_of_wheels"))
        assert base in ("car", "truck", "van", "bus", "motorcycle", "bicycle")
        assert wheels == (2 if base in ("motorcycle", "bicycle") else 4)
        assert entry.get_attribute("special_type").as_str() in ("", "electric", "emergency", "taxi")
    for entry in stage.library.filter("walker.*"):
        assert entry.get_attribute("age").as_str() in ("child", "teenager", "adult", "elderly")
        assert entry.get_attribute("gender").as_str() in ("female", "male")
        standing, walking, running = map(float, entry.get_attribute("speed").recommended_values)
        assert 0.0 == standing < walking < running


@pytest.mark.source("CARLA docs: python_api#carla.ActorBlueprint")
def test_tags_and_patterns_find_blueprints(stage):
    entry = stage.library.find("vehicle.tesla.model3")
    assert {"vehicle", "tesla", "model3"} <= set(entry.tags)
    assert entry.has_tag("tesla")
    assert entry.match_tags("vehicle.tesla.*")
    assert [found.id for found in stage.library.filter("*model3*")] == ["vehicle.tesla.model3"]
    assert len(stage.library.filter_by_attribute("generation", "2")) > 10


@pytest.mark.source("CARLA docs: ref_sensors, RGB camera")
def test_motion_blur_and_automatic_exposure_are_on_by_default(stage):
    camera = stage.library.find("sensor.camera.rgb")
    assert float(camera.get_attribute("motion_blur_intensity")) == pytest.approx(0.45)
    assert camera.get_attribute("exposure_mode").as_str() == "histogram"
    assert bool(camera.get_attribute("enable_postprocess_effects"))


@pytest.mark.source(LIBRARY)
def test_what_is_listed_can_be_spawned(stage, scale):
    """At the test's scale a few of each kind; a soak spawns all."""
    high = stage.map.get_spawn_points()[0]
    high.location.z += 60.0
    step = 1 if scale == "soak" else 9
    names = sorted(entry.id for entry in stage.library)
    chosen = [name for number, name in enumerate(names) if number % step == 0 or name.startswith("sensor.")]
    for name in chosen:
        parent = None
        if name == "controller.ai.walker":
            parent = stage.spawn("walker.pedestrian.0001", high)
        actor = stage.world.spawn_actor(stage.library.find(name), high, attach_to=parent)
        assert actor.type_id == name
        assert actor.destroy()
        stage.clear()


@pytest.mark.source("CARLA source: ActorBlueprintFunctionLibrary, attributes as integers")
def test_integers_may_be_written_with_a_point(stage):
    seen = stage.eye("rgb", stage.map.get_spawn_points()[1], size=("64.0", "48.0"))
    assert seen.at(stage.world.tick()).shape == (48, 64, 4)


@pytest.mark.source("CARLA docs: python_api#carla.Actor")
def test_an_actor_remembers_its_attributes_and_its_parent(stage):
    place = stage.map.get_spawn_points()[2]
    car = stage.spawn("vehicle.audi.tt", place, role_name="hero", color="10,20,30")
    camera = stage.spawn("sensor.camera.depth", carla.Transform(carla.Location(z=2.0)), car)
    stage.world.tick()
    again = stage.world.get_actor(car.id)
    assert (again.attributes["role_name"], again.attributes["color"]) == ("hero", "10,20,30")
    assert again.attributes["number_of_wheels"] == "4"
    assert stage.world.get_actor(camera.id).parent.id == car.id
