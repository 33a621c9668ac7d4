"""Planning: run an episode's traffic without a camera, and keep the moments that are to be photographed.

No camera and no weather change takes part, so that settle ticks cannot influence the traffic: an episode follows from
(scenario, seed, episode) alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from carla_plugin.layouts import Layouts, Moment
from carla_plugin.scenario import Scenario, episode_seed
from carla_plugin.viewpoints import lenses, viewpoints
from carla_plugin.views import may_see
from carla_plugin.world.actors import Cast, choose
from carla_plugin.world.connection import World
from carla_plugin.world.people import PoseBook
from carla_plugin.world.streets import Streets
from carla_plugin.world.traffic import Traffic, restart_signals
from protocols.carla_rpc.types import Location, Rotation, Transform

WALKER_LIFT_M = 1.0
"""CARLA spawns people with their middle, not their soles, at the place."""


def plan_episode(
    world: World,
    streets: Streets,
    scenario: Scenario,
    seed: int,
    episode: int,
    progress: Callable[[int], None] | None = None,
) -> Layouts:
    """Run an episode's traffic and return its moments as data; all actors are gone afterwards.

    Args:
        world: where.
        streets: of its whole map.
        scenario: what takes part.
        seed: of the run.
        episode: number of the episode, from 0.
        progress: called with the number of moments kept so far.

    Raises:
        ServerError: the server did not answer.
        InputError: the server has no blueprint for a wanted kind.
    """
    dice = random.Random(episode_seed(seed, episode))
    streets = streets.quarter(scenario.traffic.radius_m, dice)
    wanted = choose(world, scenario.traffic, dice)
    walking, parked = [plan for plan in wanted if plan.walks], [plan for plan in wanted if plan.parked]
    driving = [plan for plan in wanted if plan.drives]
    # where there are fewer places than actors, the last are left out
    lanes = streets.vehicle_places(len(driving), dice)
    kerbs = streets.parking_places(len(parked), dice)
    walks = streets.walks(len(walking), scenario.traffic.crossing_share, dice)
    starts = [[_start(way, at) for at in (0, 1)] for way in walks]
    plans = [*driving[: len(lanes)], *parked[: len(kerbs)], *walking[: len(walks)]]
    places = [*lanes, *kerbs, *starts]
    ways = {len(lanes) + len(kerbs) + number: way for number, way in enumerate(walks)}
    restart_signals(world)
    with Cast.spawned(world, plans, places) as cast, Traffic.running(world, cast, ways, dice) as traffic:
        return _kept(scenario, streets, cast, traffic, seed, episode, dice, progress)


def _kept(
    scenario: Scenario,
    streets: Streets,
    cast: Cast,
    traffic: Traffic,
    seed: int,
    episode: int,
    dice: random.Random,
    progress: Callable[[int], None] | None,
) -> Layouts:
    """Run the traffic and return the moments to be photographed."""
    views, book = viewpoints(scenario, streets, cast, dice), PoseBook()
    for _ in range(scenario.traffic.warm_up_ticks):
        traffic.step()
    moments: list[Moment] = []
    for number in range(scenario.bundles):
        if number:
            views.advance(traffic)
        scene = traffic.scene()
        place, hidden = views.choose(scene)
        cameras = lenses(scenario, place)
        poses = [
            book.number_of(cast.world, actor) if plan.walks and _in_sight(scenario, cameras, where) else -1
            for plan, actor, where in zip(cast.plans, cast.actors, scene.places, strict=True)
        ]
        moments.append(
            Moment(
                tick=traffic.ticks,
                places=scene.places,
                lights=scene.lights,
                poses=tuple(poses),
                signals=scene.signals,
                cameras=cameras,
                hidden=hidden,
            )
        )
        if progress is not None:
            progress(len(moments))
    return Layouts(
        town=traffic.world.town,
        seed=seed,
        episode=episode,
        actors=cast.plans,
        signals=traffic.signal_ids,
        skeletons=tuple(book.skeletons),
        poses=tuple(book.poses),
        moments=tuple(moments),
    )


def _in_sight(scenario: Scenario, cameras: tuple[Transform, ...], place: Transform) -> bool:
    """Return whether a camera may see somebody; whose bones nobody sees are not worth asking for."""
    views = zip(scenario.cameras, cameras, strict=True)
    return any(may_see(lens, place, camera.fov_deg / 2.0) for camera, lens in views)


def _start(way: list[Location], at: int) -> Transform:
    """Return a person's place at a point of the way, looking along it."""
    here, ahead = way[at], way[(at + 1) % len(way)]
    yaw = math.degrees(math.atan2(ahead.y - here.y, ahead.x - here.x))
    return Transform(here._replace(z=here.z + WALKER_LIFT_M), Rotation(0.0, yaw, 0.0))
