"""Driving: N vehicles as bicycles on the ground or thrown through the air, all by one tick, in numpy.

Wheels roll where they point; what pedals, wheel and slope ask of the tyres is bounded by their grip, sideways and
along. Whatever velocity a vehicle has been given, by a client, an impulse or a collision, the tyres go on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.chassis import CURVE_STEP_KM_H, CURVE_STEPS, GRAVITY_M_S2, MOST_GEARS

Floats = NDArray[np.float64]
GroundHeight = Callable[[float, float], float]

ROLL_M_S2 = 0.25  # what rolling and an idle engine take away
SETTLE_S = 0.08  # in which a body follows the slope under it
REACH_M = 0.02  # a body this little above the ground still stands on it
FARTHEST_M = 1e8
FASTEST_M_S = 1e7
FASTEST_RAD_S = 1e5
REVERSE_TOP_M_S = 9.0
HAND_BRAKE_GRIP = 0.6  # share of the weight that the locked wheels carry


@dataclass
class Bodies:
    """Hold the state of N vehicles; SI units, angles in radians, world axes.

    Attributes:
        place: `(N, 3)` metres.
        turn: `(N, 3)` pitch, yaw, roll.
        velocity: `(N, 3)` m/s.
        spin: `(N,)` rad/s about the upright axis, positive from x to y.
    """

    place: Floats
    turn: Floats
    velocity: Floats
    spin: Floats


@dataclass(frozen=True)
class Demands:
    """Hold what drivers and the world ask of N vehicles.

    Attributes:
        pedals: `(N, 7)` throttle, steer, brake, hand brake, reverse, manual gear shift, gear: CARLA's control.
        gravity: `(N,)` bool.
        held: `(N, 2)` m/s forward and to the right that a vehicle keeps whatever its pedals say, NaN for none.
    """

    pedals: Floats
    gravity: NDArray[np.bool_]
    held: Floats


def drive(bodies: Bodies, chassis: Floats, demands: Demands, seconds: float, ground: GroundHeight) -> Bodies:
    """Return where N vehicles are after one tick, if nothing is in their way.

    Args:
        bodies: as they are.
        chassis: `(N, 12 + gears + curve)`, rows of `Chassis`.
        demands: pedals and the like.
        seconds: of the tick.
        ground: height in metres of the ground at (x, y).
    """
    mass, inertia, wheelbase = chassis[:, :3].T
    foot, hand, grip, drag, track = chassis[:, 7:12].T
    bodies = _sane(bodies)
    yaw = bodies.turn[:, 1]
    ahead = bodies.place + bodies.velocity * seconds
    floor, pitch, roll = _under(ahead[:, :2], yaw + bodies.spin * seconds, wheelbase, track, ground)
    pull = np.where(demands.gravity, GRAVITY_M_S2, 0.0)
    stands = ahead[:, 2] - 0.5 * pull * seconds**2 <= floor + REACH_M

    cos, sin = np.cos(yaw), np.sin(yaw)
    vx, vy, vz = bodies.velocity.T
    along, across = vx * cos + vy * sin, vy * cos - vx * sin
    along = along / np.cos(pitch)  # metres on the slope
    held = ~np.isnan(demands.held[:, 0])
    rolled = along + (_engine(along, demands.pedals, chassis) / mass - pull * np.sin(pitch)) * seconds
    brakes = demands.pedals[:, 2] * foot + demands.pedals[:, 3] * np.minimum(hand, HAND_BRAKE_GRIP * grip * mass)
    slowed = (np.minimum(brakes / mass + ROLL_M_S2, grip) + drag * along * along / mass) * seconds
    new_along = np.copysign(np.maximum(np.abs(rolled) - slowed, 0.0), rolled)
    new_along = np.where(held, demands.held[:, 0], new_along)

    tangent = np.tan(steer_angles(along, demands.pedals[:, 1], chassis))
    most = grip / np.maximum(np.abs(new_along), 1e-6)
    wanted_spin = np.clip(new_along * tangent / wheelbase, -most, most)
    quickest = grip * mass * 0.5 * wheelbase / inertia * seconds
    new_spin = bodies.spin + np.clip(wanted_spin - bodies.spin, -quickest, quickest)
    # the origin lies between the axles: there a body that turns about its rear axle moves sideways
    sideways = np.where(held, demands.held[:, 1], 0.5 * wheelbase * new_spin)
    new_across = across + np.clip(sideways - across, -grip * seconds, grip * seconds)
    new_across = np.where(held, sideways, new_across)

    new_along = np.where(stands, new_along, along * np.cos(pitch))
    new_across = np.where(stands, new_across, across)
    new_spin = np.where(stands, new_spin, bodies.spin)
    level = np.where(stands, new_along * np.cos(pitch), new_along)
    place, turn, velocity = np.empty_like(bodies.place), np.empty_like(bodies.turn), np.empty_like(bodies.velocity)
    middle = yaw + 0.5 * new_spin * seconds
    place[:, 0] = bodies.place[:, 0] + (level * np.cos(middle) - new_across * np.sin(middle)) * seconds
    place[:, 1] = bodies.place[:, 1] + (level * np.sin(middle) + new_across * np.cos(middle)) * seconds
    turn[:, 1] = yaw + new_spin * seconds
    end_cos, end_sin = np.cos(turn[:, 1]), np.sin(turn[:, 1])
    velocity[:, 0] = level * end_cos - new_across * end_sin
    velocity[:, 1] = level * end_sin + new_across * end_cos
    velocity[:, 2] = np.where(stands, level * np.tan(pitch), vz - pull * seconds)
    rise = (place[:, 0] - ahead[:, 0]) * end_cos + (place[:, 1] - ahead[:, 1]) * end_sin
    lands = bodies.place[:, 2] + 0.5 * (vz + velocity[:, 2]) * seconds
    place[:, 2] = np.where(stands, floor + rise * np.tan(pitch), np.maximum(lands, floor))
    share = min(1.0, seconds / SETTLE_S)
    for column, target in ((0, pitch), (2, roll)):
        left = (target - bodies.turn[:, column]) * (1.0 - share)
        settled = target - np.where(np.abs(left) < 1e-6, 0.0, left)
        turn[:, column] = np.where(stands, settled, bodies.turn[:, column])
    return _sane(Bodies(place, turn, velocity, new_spin))


def _sane(bodies: Bodies) -> Bodies:
    """Return bodies whose numbers the wire can carry, whatever a client has set: a turn more or less is none."""
    turn = (bodies.turn + np.pi) % (2.0 * np.pi) - np.pi if (np.abs(bodies.turn) > 2.0 * np.pi).any() else bodies.turn
    return Bodies(
        np.clip(bodies.place, -FARTHEST_M, FARTHEST_M),
        turn,
        np.clip(bodies.velocity, -FASTEST_M_S, FASTEST_M_S),
        np.clip(bodies.spin, -FASTEST_RAD_S, FASTEST_RAD_S),
    )


def steer_angles(along: Floats, steer: Floats, chassis: Floats) -> Floats:
    """Return `(N,)` radians of the front wheels at speeds `along` in m/s and wheels turned by `steer`, -1..1."""
    curve = chassis[:, 12 + MOST_GEARS :]
    place = np.clip(np.abs(along) * 3.6 / CURVE_STEP_KM_H, 0.0, CURVE_STEPS - 1.0)
    low = np.minimum(place.astype(np.int64), CURVE_STEPS - 2)
    rows = np.arange(len(curve))
    share = place - low
    return np.asarray(steer * chassis[:, 3] * (curve[rows, low] * (1.0 - share) + curve[rows, low + 1] * share))


def pull(along: Floats, pedals: Floats, chassis: Floats) -> Floats:
    """Return `(N,)` m/s^2 that the engine gives at speeds `along` in m/s, forward positive."""
    return np.asarray(_engine(along, pedals, chassis) / chassis[:, 0])


def gears(along: Floats, pedals: Floats, chassis: Floats) -> NDArray[np.int64]:
    """Return `(N,)` the gear each is in: -1 reverse, 0 none, 1 and more forward."""
    tops = chassis[:, 12 : 12 + MOST_GEARS]
    up = 1 + (np.abs(along)[:, None] > 0.65 * tops[:, :-1]).sum(axis=1)
    count = np.isfinite(tops).sum(axis=1)
    idle = (np.abs(along) < 0.01) & (pedals[:, 0] == 0.0)
    automatic = np.where(pedals[:, 4] > 0.0, -1, np.where(idle, 0, np.minimum(up, count)))
    chosen = np.clip(pedals[:, 6].astype(np.int64), -1, count)
    return np.where(pedals[:, 5] > 0.0, chosen, automatic)


def _engine(along: Floats, pedals: Floats, chassis: Floats) -> Floats:
    """Return `(N,)` N that the engine gives at the wheels, forward positive."""
    mass, push, power, top, grip = (chassis[:, column] for column in (0, 4, 5, 6, 9))
    tops = chassis[:, 12 : 12 + MOST_GEARS]
    speed = np.abs(along)
    most = np.minimum(push, power / np.maximum(speed, 0.1))
    manual = pedals[:, 5] > 0.0
    gear = pedals[:, 6].astype(np.int64)
    chosen = np.clip(gear, 1, np.isfinite(tops).sum(axis=1))
    gear_top = tops[np.arange(len(tops)), chosen - 1]
    most = np.where(manual & (gear > 0), np.minimum(most, push * tops[:, 0] / gear_top), most)
    back = np.where(manual, gear < 0, pedals[:, 4] > 0.0)
    limit = np.where(back, REVERSE_TOP_M_S, np.where(manual, gear_top, top))
    most = most * np.clip((limit - speed) / (0.1 * limit), 0.0, 1.0)  # the rev limiter closes gently
    way = np.where(back, -1.0, np.where(manual & (gear == 0), 0.0, 1.0))
    return np.asarray(way * np.minimum(pedals[:, 0] * most, grip * mass))


def _under(
    points: Floats, yaw: Floats, wheelbase: Floats, track: Floats, ground: GroundHeight
) -> tuple[Floats, Floats, Floats]:
    """Return `(N,)` height of the ground under the wheels' middle, and its pitch and roll in radians."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    forward = 0.5 * wheelbase[:, None] * np.stack([cos, sin], axis=1)
    right = 0.5 * track[:, None] * np.stack([-sin, cos], axis=1)
    front, rear, left, other = heights(
        ground, np.stack([points + forward, points - forward, points - right, points + right])
    )
    floor = (front + rear + left + other) / 4.0
    return floor, np.arctan2(front - rear, wheelbase), np.arctan2(left - other, track)


def heights(ground: GroundHeight, points: Floats) -> Floats:
    """Return the `(...)` heights of the ground at points `(..., 2)`: at once where the ground can, else one by one."""
    many: Callable[[Floats], Floats] | None = getattr(ground, "many", None)
    if many is not None:
        return many(points)
    flat: Sequence[Sequence[float]] = points.reshape(-1, 2).tolist()
    return np.array([ground(x, y) for x, y in flat], dtype=np.float64).reshape(points.shape[:-1])


def degrees(bodies: Bodies) -> Floats:
    """Return `(N, 3)` pitch, yaw, roll in degrees, yaw from -180 to 180."""
    turn = np.degrees(bodies.turn)
    turn[:, 1] = (turn[:, 1] + 180.0) % 360.0 - 180.0
    return turn
