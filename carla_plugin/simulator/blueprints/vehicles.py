"""Vehicles' blueprints: what CARLA 0.9.16's library and its vehicle catalogue say of each model."""

from __future__ import annotations

from typing import NamedTuple

from carla_plugin.simulator.blueprints.attributes import BOOL, COLOUR, INT, STRING, Row, common, fixed, free

_GREYS = "217,217,217 168,0,27 0,39,105 16,44,21 33,33,33"
_DARK = "168,0,27 0,39,105 16,44,21 33,33,33"
_BUS_COLOURS = "73,12,12 22,31,73 215,89,0 105,103,0 0,33,5 158,40,82"


class Facts(NamedTuple):
    """Hold what a vehicle's blueprint says beyond its id.

    Attributes:
        base: car, truck, van, bus, motorcycle or bicycle.
        colours: recommended values of `color`, parted by spaces; "" for a model without the attribute.
        generation: 2 for the newer models.
        lights: whether its lamps can be switched.
        doors: whether its doors open.
        special: electric, emergency, taxi or "".
        drivers: recommended values of `driver_id`, parted by spaces; "" for a model without the attribute.
    """

    base: str
    colours: str
    generation: int = 1
    lights: bool = False
    doors: bool = False
    special: str = ""
    drivers: str = ""


FACTS: dict[str, Facts] = {
    "vehicle.audi.a2": Facts("car", _DARK),
    "vehicle.audi.etron": Facts("car", "168,0,27 0,39,105 33,33,33 195,168,228", special="electric"),
    "vehicle.audi.tt": Facts("car", _DARK),
    "vehicle.bh.crossbike": Facts("bicycle", "20,78,217 0,112,39 255,202,0 180,0,0", drivers="2 3 7 8"),
    "vehicle.bmw.grandtourer": Facts("car", "109,109,109 12,38,88 68,68,77 255,255,255 255,21,0 0,0,0"),
    "vehicle.carlamotors.carlacola": Facts("truck", "255,68,0"),
    "vehicle.carlamotors.european_hgv": Facts("truck", "231,0,0 255,255,255 28,28,28 42,61,156 127,127,127 255,103,0"),
    "vehicle.carlamotors.firetruck": Facts("truck", "234,0,0", 2, True, True, "emergency"),
    "vehicle.chevrolet.impala": Facts("car", "61,86,143 0,12,49 0,0,0 71,12,12"),
    "vehicle.citroen.c3": Facts("car", _GREYS),
    "vehicle.diamondback.century": Facts("bicycle", "214,0,0 50,96,242 78,247,119", drivers="4 5 6 7"),
    "vehicle.dodge.charger_2020": Facts("car", "73,0,0 0,39,105 0,0,0 211,142,0", 2, True, True),
    "vehicle.dodge.charger_police": Facts("car", "0,0,0 8,53,0", special="emergency"),
    "vehicle.dodge.charger_police_2020": Facts("car", "0,0,0", 2, True, True, "emergency"),
    "vehicle.ford.ambulance": Facts("van", "231,231,231", 2, True, True, "emergency"),
    "vehicle.ford.crown": Facts("car", "255,185,0", 2, True, True, "taxi"),
    "vehicle.ford.mustang": Facts("car", "0,12,58 85,0,0 160,160,160 0,21,0 0,0,0"),
    "vehicle.gazelle.omafiets": Facts("bicycle", "0,0,0 41,73,217 202,88,176", drivers="0 1 3 5"),
    "vehicle.harley-davidson.low_rider": Facts("motorcycle", "67,67,67 255,0,0 255,154,0 0,38,132", drivers="0 3 7 4"),
    "vehicle.jeep.wrangler_rubicon": Facts("car", _GREYS),
    "vehicle.kawasaki.ninja": Facts("motorcycle", "11,129,0 255,203,39 168,0,0 0,0,0", drivers="0 7 3 4"),
    "vehicle.lincoln.mkz_2017": Facts("car", "16,16,16"),
    "vehicle.lincoln.mkz_2020": Facts("car", "0,0,0", 2, True, True, drivers="0"),
    "vehicle.mercedes.coupe": Facts("car", _GREYS),
    "vehicle.mercedes.coupe_2020": Facts("car", "73,0,0 0,21,81 0,0,0 187,187,187", 2, True, True),
    "vehicle.mercedes.sprinter": Facts("van", "167,166,175 255,255,255 115,115,115", 2, True, True),
    "vehicle.micro.microlino": Facts("car", "21,158,255 145,255,181 255,33,0 255,208,0 181,255,0", special="electric"),
    "vehicle.mini.cooper_s": Facts("car", _GREYS),
    "vehicle.mini.cooper_s_2021": Facts("car", "73,0,0 22,31,73 215,88,0 0,28,0", 2, True, True),
    "vehicle.mitsubishi.fusorosa": Facts("bus", "255,255,255", 2, True),
    "vehicle.nissan.micra": Facts("car", "243,243,243 83,83,86 187,0,0 28,0,46 0,0,0 17,21,99"),
    "vehicle.nissan.patrol": Facts("car", "183,187,162 0,0,0 66,52,33 22,24,43 201,147,0"),
    "vehicle.nissan.patrol_2021": Facts("car", "217,217,217 159,0,0 0,38,105 12,42,12 0,0,0", 2, True, True),
    "vehicle.seat.leon": Facts("car", "42,61,214 21,38,98 38,38,38 79,33,85 155,0,0 0,0,0"),
    "vehicle.tesla.cybertruck": Facts("truck", "", special="electric"),
    "vehicle.tesla.model3": Facts("car", "17,37,103 75,86,173 180,42,42 0,0,0 137,0,0", special="electric"),
    "vehicle.toyota.prius": Facts(
        "car", "255,0,0 215,255,143 96,102,99 28,46,58 23,51,236 227,227,227 0,0,0", special="electric"
    ),
    "vehicle.vespa.zx125": Facts("motorcycle", "255,203,39 30,121,154 168,0,0 0,0,0 208,208,208", drivers="0 2 3 6"),
    "vehicle.volkswagen.t2": Facts("van", _BUS_COLOURS),
    "vehicle.volkswagen.t2_2021": Facts("van", _BUS_COLOURS, 2, True, True),
    "vehicle.yamaha.yzf": Facts(
        "motorcycle",
        "0,0,0 206,206,206 0,12,49 42,99,159 61,68,66 33,55,61 255,0,0 58,21,21 155,0,0 255,213,0 127,130,135 141,0,58",
        drivers="0 2 3 6",
    ),
}


def vehicle_row(name: str) -> Row:
    """Return a vehicle's attributes."""
    facts = FACTS[name]
    attributes = [*common(name, "autopilot", "scenario", "ego_vehicle")]
    if facts.colours:
        attributes.append(free("color", COLOUR, *facts.colours.split()))
    if facts.drivers:
        attributes.append(free("driver_id", INT, *facts.drivers.split(), strict=True))
    return name, (
        *attributes,
        free("sticky_control", BOOL, "true"),
        free("terramechanics", BOOL, "false"),
        fixed("object_type", STRING, ""),
        fixed("base_type", STRING, facts.base),
        fixed("special_type", STRING, facts.special),
        fixed("number_of_wheels", INT, "2" if facts.base in ("motorcycle", "bicycle") else "4"),
        fixed("generation", INT, str(facts.generation)),
        fixed("has_dynamic_doors", BOOL, _word(facts.doors)),
        fixed("has_lights", BOOL, _word(facts.lights)),
    )


def _word(value: bool) -> str:
    return "true" if value else "false"
