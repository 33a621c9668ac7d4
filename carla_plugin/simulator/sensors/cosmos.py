"""Cosmos control camera: an abstract drawing of the street, in the colours that CARLA 0.9.16 gives to it."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.render import Camera, Placed
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.render.lines import draw_segment
from carla_plugin.simulator.sensors.images import Lens, read_lens
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType

Colour = tuple[int, int, int]

SURFACES: dict[int, Colour] = {  # tag: red, green, blue
    24: (98, 183, 249),  # lane lines
    6: (66, 40, 144),  # poles
    7: (252, 157, 155),  # traffic lights
    8: (131, 175, 155),  # traffic signs
}
BOUNDARY: Colour = (200, 36, 35)
CAR: Colour = (255, 0, 0)
PERSON: Colour = (0, 255, 0)
_ROAD = (1, 24)
_BESIDE = (2, 10, 25)  # what may lie beside a road
_KERB_M = 0.2
_WIRE_M = 0.1
_FURTHEST_M = 300.0
_CORNERS = np.array(list(product((0, 1), repeat=3)))
_EDGES = [(a, b) for a, b in product(range(8), repeat=2) if a < b and np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


def _draw(cameras: Cameras, shot: Shot) -> bytes:
    """Return the drawing: lines, poles and lights where they are seen, vehicles and people as boxes of wire."""
    lens: Lens = shot.settings
    camera = lens.camera(shot.place)
    frame = cameras.frame(camera, shot.still)
    image = np.zeros((lens.height, lens.width, 4), np.uint8)
    image[..., 3] = 255
    table = np.zeros((256, 3), np.uint8)
    for tag, (red, green, blue) in SURFACES.items():
        table[tag] = blue, green, red
    image[..., :3] = table[frame.tags]
    image[_kerbs(frame.tags, frame.depth, camera), :3] = BOUNDARY[::-1]
    over = np.full((lens.height, lens.width), _FURTHEST_M, np.float32)  # wires hide wires, and nothing hides them
    for each in shot.still.placed:
        if each.actor_id != shot.parent:
            _wire(image, over, camera, each)
    return lens.opening() + image.tobytes()


def _kerbs(tags: NDArray[np.uint8], depth: NDArray[np.float32], camera: Camera) -> NDArray[np.bool_]:
    """Return `(H, W)` where road meets what lies beside it, as thick as a kerb is seen."""
    road, beside = np.isin(tags, _ROAD), np.isin(tags, _BESIDE)
    edge = np.zeros(tags.shape, bool)
    edge[:, 1:] |= (road[:, 1:] & beside[:, :-1]) | (beside[:, 1:] & road[:, :-1])
    edge[1:] |= (road[1:] & beside[:-1]) | (beside[1:] & road[:-1])
    wide = edge.copy()
    ground = road | beside
    for reach in range(1, 9):
        near = edge & (depth < camera.focal_px * _KERB_M / (2.0 * reach))
        if not near.any():
            break
        for axis, step in product((0, 1), (-reach, reach)):
            wide |= np.roll(near, step, axis) & ground
    return wide


def _wire(image: NDArray[np.uint8], over: NDArray[np.float32], camera: Camera, placed: Placed) -> None:
    """Draw the twelve edges of the box about an actor."""
    vertices = placed.mesh.vertices
    if not len(vertices):
        return
    place = np.array(placed.transform.location, dtype=np.float64)
    eye = np.array(camera.transform.location, dtype=np.float64)
    if float(np.linalg.norm(place - eye)) > _FURTHEST_M:
        return
    ends = np.stack([vertices.min(axis=0), vertices.max(axis=0)]).astype(np.float64)
    corners = np.stack([ends[_CORNERS[:, axis], axis] for axis in range(3)], axis=1)
    forward, right, up = axes(camera.transform.rotation)
    seen = (corners @ axes(placed.transform.rotation) + place - eye) @ np.stack([right, up, forward]).T
    person = bool(len(placed.mesh.tag)) and int(placed.mesh.tag[0]) == 12
    red, green, blue = PERSON if person else CAR
    colour = np.array([blue, green, red], dtype=np.float64)
    for a, b in _EDGES:
        draw_segment(image, over, seen[a], seen[b], colour, float(camera.focal_px), _WIRE_M)


KIND = Drawn(SensorType.COSMOS, read_lens, _draw)
