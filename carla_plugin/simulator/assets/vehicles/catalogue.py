"""What is known of each `vehicle.*` blueprint: family, size and usual colour."""

from __future__ import annotations

from typing import NamedTuple

Colour = tuple[int, int, int]


class Model(NamedTuple):
    """Describe one vehicle.

    Attributes:
        family: the shape it is built after.
        length: metres over bumpers.
        width: metres without mirrors for cars; over the handlebar for two-wheelers.
        height: metres; with the rider for two-wheelers.
        wheelbase: metres between axles.
        colour: what it wears if nobody asks for another.
    """

    family: str
    length: float
    width: float
    height: float
    wheelbase: float
    colour: Colour


MODELS: dict[str, Model] = {
    "vehicle.audi.a2": Model("hatchback", 3.83, 1.67, 1.55, 2.41, (150, 160, 175)),
    "vehicle.audi.etron": Model("suv", 4.90, 1.94, 1.63, 2.93, (70, 90, 130)),
    "vehicle.audi.tt": Model("coupe", 4.18, 1.83, 1.35, 2.47, (170, 30, 30)),
    "vehicle.bh.crossbike": Model("bicycle", 1.72, 0.62, 1.75, 1.06, (200, 60, 40)),
    "vehicle.bmw.grandtourer": Model("mpv", 4.61, 1.80, 1.64, 2.78, (120, 125, 130)),
    "vehicle.carlamotors.carlacola": Model("boxtruck", 5.30, 2.10, 2.47, 3.30, (190, 20, 30)),
    "vehicle.carlamotors.european_hgv": Model("hgv", 7.90, 2.55, 3.60, 4.50, (230, 230, 230)),
    "vehicle.carlamotors.firetruck": Model("firetruck", 8.40, 2.55, 3.40, 4.60, (200, 20, 20)),
    "vehicle.chevrolet.impala": Model("sedan", 5.10, 1.85, 1.47, 2.84, (40, 50, 70)),
    "vehicle.citroen.c3": Model("hatchback", 3.99, 1.75, 1.49, 2.54, (200, 110, 40)),
    "vehicle.diamondback.century": Model("bicycle", 1.68, 0.46, 1.74, 1.00, (30, 80, 160)),
    "vehicle.dodge.charger_2020": Model("muscle", 5.03, 1.90, 1.48, 3.05, (50, 50, 54)),
    "vehicle.dodge.charger_police": Model("police", 5.03, 1.90, 1.60, 3.05, (20, 22, 26)),
    "vehicle.dodge.charger_police_2020": Model("police", 5.03, 1.90, 1.60, 3.05, (20, 22, 26)),
    "vehicle.ford.ambulance": Model("ambulance", 6.36, 2.20, 2.70, 4.00, (235, 235, 235)),
    "vehicle.ford.crown": Model("taxi", 5.38, 1.95, 1.62, 2.91, (240, 180, 20)),
    "vehicle.ford.mustang": Model("coupe", 4.72, 1.88, 1.36, 2.72, (20, 60, 140)),
    "vehicle.gazelle.omafiets": Model("bicycle", 1.84, 0.60, 1.80, 1.14, (30, 34, 32)),
    "vehicle.harley-davidson.low_rider": Model("cruiser", 2.35, 0.90, 1.60, 1.63, (60, 20, 20)),
    "vehicle.jeep.wrangler_rubicon": Model("jeep", 3.88, 1.80, 1.84, 2.42, (80, 96, 60)),
    "vehicle.kawasaki.ninja": Model("sportbike", 2.05, 0.74, 1.58, 1.41, (60, 170, 50)),
    "vehicle.lincoln.mkz_2017": Model("sedan", 4.92, 1.86, 1.48, 2.85, (100, 30, 36)),
    "vehicle.lincoln.mkz_2020": Model("sedan", 4.92, 1.86, 1.48, 2.85, (200, 200, 204)),
    "vehicle.mercedes.coupe": Model("coupe", 4.70, 1.86, 1.40, 2.84, (190, 194, 198)),
    "vehicle.mercedes.coupe_2020": Model("coupe", 4.70, 1.86, 1.40, 2.84, (24, 26, 30)),
    "vehicle.mercedes.sprinter": Model("van", 5.93, 1.99, 2.60, 3.66, (236, 236, 232)),
    "vehicle.micro.microlino": Model("microcar", 2.43, 1.47, 1.50, 1.57, (90, 180, 190)),
    "vehicle.mini.cooper_s": Model("mini", 3.82, 1.70, 1.42, 2.49, (150, 30, 30)),
    "vehicle.mini.cooper_s_2021": Model("mini", 3.88, 1.74, 1.43, 2.50, (30, 90, 60)),
    "vehicle.mitsubishi.fusorosa": Model("bus", 10.20, 2.50, 3.10, 5.40, (210, 200, 60)),
    "vehicle.nissan.micra": Model("hatchback", 3.72, 1.66, 1.53, 2.43, (60, 120, 180)),
    "vehicle.nissan.patrol": Model("suv", 4.60, 1.93, 1.85, 2.70, (110, 112, 100)),
    "vehicle.nissan.patrol_2021": Model("suv", 5.17, 2.00, 1.94, 3.08, (230, 230, 230)),
    "vehicle.seat.leon": Model("hatchback", 4.19, 1.80, 1.46, 2.58, (170, 30, 36)),
    "vehicle.tesla.cybertruck": Model("cybertruck", 5.85, 2.05, 1.90, 3.81, (170, 172, 176)),
    "vehicle.tesla.model3": Model("fastback", 4.69, 1.85, 1.44, 2.88, (220, 222, 226)),
    "vehicle.toyota.prius": Model("liftback", 4.48, 1.76, 1.49, 2.70, (130, 170, 200)),
    "vehicle.vespa.zx125": Model("scooter", 1.80, 0.70, 1.66, 1.25, (140, 190, 170)),
    "vehicle.volkswagen.t2": Model("campervan", 4.48, 1.74, 1.95, 2.40, (210, 120, 60)),
    "vehicle.volkswagen.t2_2021": Model("campervan", 4.48, 1.74, 1.95, 2.40, (80, 160, 170)),
    "vehicle.yamaha.yzf": Model("sportbike", 2.06, 0.72, 1.60, 1.40, (30, 60, 170)),
}
