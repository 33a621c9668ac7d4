"""Build a town from a user's OpenDRIVE text: what CARLA does in `generate_opendrive_world`."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.mesh import join
from carla_plugin.simulator.roads.cloth import Cloth
from carla_plugin.simulator.roads.document import RoadsError
from carla_plugin.simulator.roads.lights import place_lights
from carla_plugin.simulator.roads.lines import paint_lines
from carla_plugin.simulator.roads.reader import read
from carla_plugin.simulator.roads.signs import place_signs
from carla_plugin.simulator.roads.spawn import spawn_points
from carla_plugin.simulator.roads.strips import strips
from carla_plugin.simulator.roads.surface import lay_ground
from carla_plugin.simulator.roads.walkable import walkable_of
from carla_plugin.simulator.roads.walls import raise_walls
from carla_plugin.simulator.town import Town

GENERATED = "OpenDriveMap"  # CARLA's name of every map that a user gives


class Making(NamedTuple):
    """Say how roads become a world: those of CARLA's `OpendriveGenerationParameters` that the wheel sends.

    What shapes CARLA's meshes without changing the world (length of pieces, smoothing) is taken and left alone.
    """

    vertex_distance: float = 2.0  # metres along a road
    max_road_length: float = 50.0
    wall_height: float = 1.0  # metres
    additional_width: float = 0.6  # metres, of the lanes of junctions
    smooth_junctions: bool = True
    enable_mesh_visibility: bool = True
    enable_pedestrian_navigation: bool = True


def build_roads(opendrive: str, making: Making = Making()) -> Town:  # noqa: B008 - a value
    """Build a town from OpenDRIVE; equal texts and makings give equal towns.

    Args:
        opendrive: OpenDRIVE 1.4 text.
        making: how it is made.

    Raises:
        RoadsError: the text is no OpenDRIVE, or holds what is not supported; the message is one line.
    """
    if not 0.0 < making.vertex_distance <= 1000.0:
        raise RoadsError(f"vertex_distance: expected more than 0 and at most 1000 m, got {making.vertex_distance:g}")
    if not 0.0 <= making.wall_height <= 100.0 or not 0.0 <= making.additional_width <= 10.0:
        raise RoadsError("wall_height and additional_width: expected 0 to 100 m and 0 to 10 m")
    network = read(opendrive)
    pieces = strips(network, making.vertex_distance)
    ground, walls = Cloth(), Cloth()
    heights, _ = lay_ground(pieces, making.additional_width, ground, visible=making.enable_mesh_visibility)
    for strip in pieces if making.enable_mesh_visibility else ():
        paint_lines(strip, ground)
    raise_walls(pieces, making.wall_height, heights, walls)
    lights, posts = place_lights(network)
    signs, plates = place_signs(network)
    scene = join([ground.mesh(), walls.mesh(), *posts, *plates])
    digest = hashlib.sha256(repr((GENERATED, making)).encode() + opendrive.encode("utf-8", "replace")).hexdigest()
    return Town(
        name=GENERATED,
        opendrive=opendrive,
        spawn_points=spawn_points(network),
        scene=scene,
        lamps=np.zeros((0, 3), dtype=np.float32),
        signals=lights,
        ground_height=heights,
        digest=digest,
        signs=signs,
        walkable=partial(walkable_of, pieces) if making.enable_pedestrian_navigation else tuple,
    )
