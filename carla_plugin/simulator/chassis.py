"""Chassis: what a vehicle is built like, as clients read and change it, and the numbers that motion needs of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.pose import heading

MASSES_KG = {
    "audi.a2": 1100, "audi.etron": 2490, "audi.tt": 1430, "bh.crossbike": 95, "bmw.grandtourer": 1600,
    "carlamotors.carlacola": 5500, "carlamotors.european_hgv": 7500, "carlamotors.firetruck": 12500,
    "chevrolet.impala": 1700, "citroen.c3": 1130, "diamondback.century": 92, "dodge.charger_2020": 1920,
    "dodge.charger_police": 1920, "dodge.charger_police_2020": 1920, "ford.ambulance": 4300, "ford.crown": 1860,
    "ford.mustang": 1720, "gazelle.omafiets": 98, "harley-davidson.low_rider": 360,
    "jeep.wrangler_rubicon": 2010, "kawasaki.ninja": 270,
    "lincoln.mkz_2017": 1720, "lincoln.mkz_2020": 1720, "mercedes.coupe": 1690, "mercedes.coupe_2020": 1690,
    "mercedes.sprinter": 2400, "micro.microlino": 570, "mini.cooper_s": 1230, "mini.cooper_s_2021": 1270,
    "mitsubishi.fusorosa": 6000, "nissan.micra": 1050, "nissan.patrol": 2350, "nissan.patrol_2021": 2750,
    "seat.leon": 1320, "tesla.cybertruck": 3100, "tesla.model3": 1845, "toyota.prius": 1400, "vespa.zx125": 190,
    "volkswagen.t2": 1450, "volkswagen.t2_2021": 1450, "yamaha.yzf": 280,
}  # fmt: skip
"""By blueprint id without its first word, ready to drive; two-wheelers with their rider."""

TORQUE_SHAPE = ((0.0, 0.8), (1890.0, 1.0), (5729.0, 0.8))  # rpm, share of the peak
RATIOS = (4.25, 2.52, 1.66, 1.22, 1.0)
STEERING_CURVE = [[0.0, 1.0], [20.0, 0.9], [60.0, 0.8], [120.0, 0.7]]  # km/h, share of the wheels' largest angle
AT_WHEELS = 0.35  # share of the torque that reaches the road
GRIP_PER_FRICTION = 0.37  # CARLA's tyres have a friction of 3.5 and hold more than a car's weight sideways
AIR_KG_M3 = 1.2
GRAVITY_M_S2 = 9.81
CURVE_STEP_KM_H = 10.0
CURVE_STEPS = 16
MOST_GEARS = 8


class Build(NamedTuple):
    """Describe a make of vehicle: m/s^2 and m/s it is able to, wheels' radius in metres, air's drag coefficient."""

    acceleration: float
    top_m_s: float
    radius: float
    drag: float
    steer_deg: float
    max_rpm: float


CAR = Build(5.0, 55.0, 0.35, 0.30, 70.0, 5800.0)
BUILDS = {
    "truck": Build(2.6, 34.0, 0.50, 0.60, 70.0, 3500.0),
    "bus": Build(2.6, 34.0, 0.45, 0.60, 70.0, 3500.0),
    "motorcycle": Build(6.0, 60.0, 0.30, 0.50, 60.0, 9500.0),
    "bicycle": Build(2.0, 13.0, 0.34, 0.60, 60.0, 180.0),
}


def mass_of(vehicle: Vehicle) -> float:
    """Return a vehicle's mass in kg as it leaves the works."""
    known = MASSES_KG.get(vehicle.description.id.partition(".")[2])
    if known is not None:
        return float(known)
    length, width, height = (2.0 * half for half in vehicle.extent)
    return round(max(100.0, 140.0 * length * width * math.sqrt(height)), 1)


def ordinary(vehicle: Vehicle) -> list[Any]:
    """Return the 17 members of CARLA's VehiclePhysicsControl as the vehicle leaves the works."""
    build = _build(vehicle)
    mass = mass_of(vehicle)
    final = build.max_rpm * math.tau / 60.0 * build.radius / build.top_m_s  # top speed in the last gear, of ratio 1
    peak = mass * build.acceleration * build.radius / (RATIOS[0] * final * AT_WHEELS)
    scale = build.max_rpm / 5800.0
    torque = [[rpm * scale, share * peak] for rpm, share in TORQUE_SHAPE]
    gears = [[ratio, 0.5, 0.65] for ratio in RATIOS]
    wheels = [_wheel(vehicle, build, mass, front, right) for front in (True, False) for right in (False, True)]
    return [
        torque, build.max_rpm, 1.0, 0.15, 2.0, 0.35, True, 0.5, 10.0, final, gears, mass, build.drag,
        (0.0, 0.0, -0.1), STEERING_CURVE, wheels, False,
    ]  # fmt: skip


def _build(vehicle: Vehicle) -> Build:
    if 18 in vehicle.tags:
        return BUILDS["motorcycle"]
    if 19 in vehicle.tags:
        return BUILDS["bicycle"]
    if 15 in vehicle.tags:
        return BUILDS["truck"]
    return BUILDS["bus"] if 16 in vehicle.tags else CAR


def _wheel(vehicle: Vehicle, build: Build, mass: float, front: bool, right: bool) -> list[Any]:
    """Return one wheel's ten members; its place is in centimetres in the world, as CARLA sends it."""
    brake = round(mass * 9.3 * build.radius / 4.0, 1)
    steers, hand_brake = (build.steer_deg, 0.0) if front else (0.0, 2.0 * brake)
    return [
        3.5, 0.25, steers, 100.0 * build.radius, brake, hand_brake, 3.0, 20.0, 3000.0,
        wheel_place(vehicle, build.radius, front, right),
    ]  # fmt: skip


def wheel_place(vehicle: Vehicle, radius: float, front: bool, right: bool) -> list[float]:
    """Return where the middle of a wheel is now, in centimetres in the world."""
    along = vehicle.wheelbase / (2.0 if front else -2.0)
    across = vehicle.extent[1] * (0.85 if right else -0.85)
    (x, y, z), (_, yaw, _) = vehicle.place
    cos, sin = heading(yaw)
    place = (x + along * cos - across * sin, y + along * sin + across * cos, z + radius)
    return [100.0 * metres for metres in place]


def told(vehicle: Vehicle) -> list[Any]:
    """Return a vehicle's physics control as a client reads it now: the wheels stand where the vehicle stands."""
    control = list(vehicle.physics_control or ordinary(vehicle))
    wheels = []
    for number, wheel in enumerate(control[15]):
        place = wheel_place(vehicle, wheel[3] / 100.0, number < 2, number % 2 == 1)
        wheels.append([*wheel[:9], place])
    control[15] = wheels
    return control


class Chassis(NamedTuple):
    """Hold what motion needs of a vehicle; SI units, angles in radians.

    Attributes:
        mass: kg.
        inertia: kg m^2 about the upright axis.
        wheelbase: m.
        max_steer: of the front wheels, rad.
        push: N at the wheels in first gear, at full throttle.
        power: W at the wheels.
        top: m/s in the last gear.
        brake: N of the foot brake.
        hand_brake: N of the hand brake.
        grip: m/s^2 that the tyres can hold.
        drag: N for each (m/s)^2.
        track: m between left and right wheels.
        ratios: of the forward gears.
        curve: `(CURVE_STEPS,)` share of `max_steer` at every CURVE_STEP_KM_H of speed.
        rpm_per_m_s: of the engine, in a gear of ratio 1.
        radius: of the wheels, m.
        top_rpm: of the engine.
    """

    mass: float
    inertia: float
    wheelbase: float
    max_steer: float
    push: float
    power: float
    top: float
    brake: float
    hand_brake: float
    grip: float
    drag: float
    track: float
    ratios: tuple[float, ...]
    curve: tuple[float, ...]
    rpm_per_m_s: float
    radius: float
    top_rpm: float

    def row(self) -> NDArray[np.float64]:
        """Return the first twelve members, then each forward gear's top speed (none: infinite), then the curve."""
        tops = [self.top * self.ratios[-1] / ratio for ratio in self.ratios][:MOST_GEARS]
        tops += [math.inf] * (MOST_GEARS - len(tops))
        return np.array([*self[:12], *tops, *self.curve], dtype=np.float64)


def chassis_of(vehicle: Vehicle) -> Chassis:
    """Return what motion needs of a vehicle, from its physics control as it is now."""
    control = vehicle.physics_control or ordinary(vehicle)
    wheels = control[15]
    length, width, height = (2.0 * half for half in vehicle.extent)
    mass = _within(control[11], 1.0, 1e7)
    radius = _within(float(np.mean([_within(wheel[3], 5.0, 500.0) for wheel in wheels])) / 100.0, 0.05, 5.0)
    final = _within(abs(control[9]), 1e-3, 1e3)
    ratios = tuple(_within(abs(gear[0]), 1e-3, 1e3) for gear in control[10][:MOST_GEARS]) or (1.0,)
    peak = max((_within(point[1], 0.0, 1e7) for point in control[0]), default=0.0)
    top_rpm = _within(control[1], 1.0, 1e6)
    turns = top_rpm * math.tau / 60.0
    push = peak * ratios[0] * final / radius * AT_WHEELS
    friction = float(np.mean([_within(wheel[0], 0.0, 1e3) for wheel in wheels]))
    return Chassis(
        mass=mass,
        inertia=mass * (length * length + width * width) / 12.0,
        wheelbase=vehicle.wheelbase,
        max_steer=math.radians(_within(max(wheel[2] for wheel in wheels), 0.0, 80.0)),
        push=push,
        # the first gear pulls evenly up to 0.8 of its own top speed; from there on the engine gives what it can
        power=push * 0.8 * turns * radius / (ratios[0] * final),
        top=turns * radius / (ratios[-1] * final),
        brake=sum(_within(wheel[4], 0.0, 1e9) for wheel in wheels) / radius,
        hand_brake=sum(_within(wheel[5], 0.0, 1e9) for wheel in wheels) / radius,
        grip=friction * GRIP_PER_FRICTION * GRAVITY_M_S2,
        drag=0.5 * AIR_KG_M3 * _within(control[12], 0.0, 1e4) * 0.85 * width * height,
        track=1.7 * vehicle.extent[1],
        ratios=ratios,
        curve=_sampled(control[14]),
        rpm_per_m_s=60.0 / math.tau * final / radius,
        radius=radius,
        top_rpm=top_rpm,
    )


def _within(value: float, low: float, high: float) -> float:
    """Return a client's number, or the nearest that a vehicle could be built with."""
    return min(max(float(value), low), high)


def _sampled(curve: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return a steering curve at every CURVE_STEP_KM_H."""
    if not curve:
        return (1.0,) * CURVE_STEPS
    points = sorted((float(point[0]), float(point[1])) for point in curve)
    speeds = np.arange(CURVE_STEPS) * CURVE_STEP_KM_H
    values = np.interp(speeds, [point[0] for point in points], [point[1] for point in points])
    return tuple(np.clip(values, 0.0, 1.0).tolist())
