"""Whole towns with their actors against Embree: who is right is not asked, only whether they agree.

The camera, its axes and the actors' places are worked out anew here, from CARLA's conventions alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest

from carla_plugin.simulator.assets.vehicles import VEHICLE_IDS, vehicle
from carla_plugin.simulator.assets.walkers import WALKER_IDS, walker
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render import Camera, Placed, Renderer
from carla_plugin.simulator.town import Town, build_town
from protocols.carla_rpc.types import Location, Rotation, Transform

AGREE = 0.9999
HOLED = (Material.FOLIAGE, Material.FENCE)
TOWNS = ("Grid_07", "Grid_01", "Grid_12", "Grid_30")


def matrix(rotation: Rotation) -> np.ndarray:
    """Return `(3, 3)` whose columns are forward, right and up: yaw after pitch after roll, Unreal's signs."""
    p, y, r = (math.radians(angle) for angle in rotation)
    roll = np.array([[1, 0, 0], [0, math.cos(r), math.sin(r)], [0, -math.sin(r), math.cos(r)]])
    pitch = np.array([[math.cos(p), 0, -math.sin(p)], [0, 1, 0], [math.sin(p), 0, math.cos(p)]])
    yaw = np.array([[math.cos(y), -math.sin(y), 0], [math.sin(y), math.cos(y), 0], [0, 0, 1]])
    return yaw @ pitch @ roll


def pixel_rays(camera: Camera) -> np.ndarray:
    """Return `(H * W, 3)` world directions whose depth is 1, through the middles of the pixels."""
    focal = camera.width / 2.0 / math.tan(math.radians(camera.fov_deg) / 2.0)
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    local = np.stack([np.ones(rows.size), (columns.ravel() - camera.width / 2) / focal,
                      (camera.height / 2 - rows.ravel()) / focal], axis=1)  # fmt: skip
    return local @ matrix(camera.transform.rotation).T


class Solids(NamedTuple):
    """All triangles without holes, and whose they are: 0 for the town's."""

    scene: object
    tags: np.ndarray
    actors: np.ndarray

    def shoot(self, origin: Location, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the number of the triangle that each ray meets, -1 for none, how far, and the normals."""
        origins = np.tile(np.array(origin, np.float32), (len(rays), 1))
        hits = self.scene.run(origins, rays.astype(np.float32), query="INTERSECT", output=True)
        return hits["primID"], hits["tfar"], hits["Ng"]


@pytest.fixture(scope="module")
def embree():
    """Return a function that gives a scene's triangles to Embree."""
    mesh_construction = pytest.importorskip("embreex.mesh_construction")
    rtcore_scene = pytest.importorskip("embreex.rtcore_scene")

    def build(town: Mesh, placed: list[Placed]) -> Solids:
        corners, tags, actors = [], [], []
        for mesh, number, transform in [(town, 0, Transform()), *((p.mesh, p.actor_id, p.transform) for p in placed)]:
            solid = ~np.isin(mesh.material, HOLED)
            points = mesh.vertices[mesh.triangles[solid]].astype(np.float64)
            points = points @ matrix(transform.rotation).T + np.array(transform.location)
            corners.append(points.astype(np.float32))
            tags.append(mesh.tag[solid])
            actors.append(np.full(int(solid.sum()), number))
        scene = rtcore_scene.EmbreeScene()
        mesh_construction.TriangleMesh(scene, np.concatenate(corners))
        return Solids(scene, np.concatenate(tags), np.concatenate(actors))

    return build


class Place(NamedTuple):
    """A town with actors, and what draws it."""

    town: Town
    renderer: Renderer
    placed: list[Placed]
    solids: Solids


@pytest.fixture(scope="module")
def places(embree, scale):
    """Return a function that builds a town by its number, once."""
    built: dict[str, Place] = {}

    def get(name: str) -> Place:
        if name not in built:
            town = build_town(name)
            dice = np.random.default_rng(len(name))
            placed = []
            for number, point in enumerate(town.spawn_points[: 30 if scale == "test" else 80]):
                (x, y, z), turn = point
                cars = vehicle(VEHICLE_IDS[number % len(VEHICLE_IDS)], (60, 90, 20))
                tilted = Rotation(float(dice.normal(0, 3)), turn.yaw, float(dice.normal(0, 3)))
                placed.append(Placed(100 + number, cars, Transform(Location(x, y, z), tilted), 0))
                person = walker(WALKER_IDS[number % len(WALKER_IDS)], float(dice.random()))
                beside = Location(x + float(dice.normal(0, 3)), y + float(dice.normal(0, 3)), z)
                placed.append(Placed(500 + number, person, Transform(beside, turn), 0))
            renderer = Renderer(town.scene, town.lamps)
            built.clear()  # one town at a time
            built[name] = Place(town, renderer, placed, embree(town.scene, placed))
        return built[name]

    return get


def views(place: Place, count: int, size: tuple[int, int]) -> list[Camera]:
    """Return cameras of every kind: on cars, over streets, tilted, wide and narrow."""
    dice = np.random.default_rng(count)
    cameras = []
    for number in range(count):
        (x, y, z), turn = place.town.spawn_points[int(dice.integers(len(place.town.spawn_points)))]
        height = (1.7, 2.4, 12.0, 0.6)[number % 4]
        tilt = Rotation(*(float(dice.normal(0, spread)) for spread in (8.0, 90.0, 5.0)))
        rotation = tilt._replace(pitch=tilt.pitch - (25.0 if height > 5 else 0.0), yaw=turn.yaw + tilt.yaw)
        fov = (90.0, 60.0, 110.0, 40.0)[(number // 2) % 4]
        cameras.append(Camera(Transform(Location(x + 1.5, y + 1.5, z + height), rotation), *size, fov))
    return cameras


def scenes(scale: str) -> list[tuple[str, int]]:
    return [("Grid_07", 3)] if scale == "test" else [(name, 5) for name in TOWNS]


def test_masks_and_depths_agree_with_embree(places, scale):
    size = (256, 128) if scale == "test" else (1024, 512)
    compared = wrong = far_off = wrong_actor = tied = 0
    for name, count in scenes(scale):
        place = places(name)
        for camera in views(place, count, size):
            frame = place.renderer.frame(camera, place.placed, [0] * len(place.town.signals))
            number, distance, _ = place.solids.shoot(camera.transform.location, pixel_rays(camera))
            tags = np.where(number < 0, 11, place.solids.tags[number])
            depth = np.where(number < 0, 1000.0, distance)
            clear = ~np.isin(frame.materials.ravel(), HOLED)  # behind and beside holes there are solids again
            same = (frame.tags.ravel() == tags) & clear
            off = np.abs(frame.depth.ravel() - depth) > 0.01 + 0.001 * depth
            actors = np.where(number < 0, 0, place.solids.actors[number])
            instances = np.where(frame.instances.ravel() < 1 << 31, frame.instances.ravel(), 0)
            tie = (
                clear & ~same & (np.abs(frame.depth.ravel() - depth) < 1e-4 + 1e-5 * depth)
            )  # two surfaces at one place
            compared += int(clear.sum())
            wrong += int((clear & ~same & ~tie).sum())
            tied += int(tie.sum())
            far_off += int((same & off).sum())
            wrong_actor += int((same & (actors != instances)).sum())
    print(f"{compared} pixels: {wrong} tags, {far_off} depths and {wrong_actor} actors differ, {tied} ties")
    assert compared > 0.5 * size[0] * size[1] * sum(count for _, count in scenes(scale))
    assert wrong <= (1.0 - AGREE) * compared
    assert tied <= 1e-3 * compared
    assert far_off <= (1.0 - AGREE) * compared
    assert wrong_actor <= (1.0 - AGREE) * compared


def test_rays_agree_with_embree(places, scale):
    compared = wrong = far_off = wrong_normal = 0
    for name, count in scenes(scale):
        place = places(name)
        for camera in views(place, count, (1, 1)):
            dice = np.random.default_rng(7)
            rays = dice.normal(size=(20_000 if scale == "test" else 200_000, 3)) * [1.0, 1.0, 0.3]
            rays /= np.linalg.norm(rays, axis=1, keepdims=True)
            origin = np.array(camera.transform.location, np.float64)
            hits = place.renderer.tracer.trace(origin, rays, np.full(len(rays), 120.0), place.placed, 0)
            number, distance, normals = place.solids.shoot(camera.transform.location, rays)
            missed = (number < 0) | (distance > 120.0)
            clear = ~np.isin(hits.material, HOLED)
            tags = np.where(missed, 0, place.solids.tags[number])
            same = (hits.tag == tags) & clear & (np.isinf(hits.distance) == missed)
            both = same & ~missed
            normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
            cosine = np.abs(np.einsum("ij,ij->i", normals, rays))
            compared += int(clear.sum())
            wrong += int((clear & ~same & ~(np.abs(hits.distance - distance) < 1e-3)).sum())
            far_off += int((np.abs(hits.distance - distance) > 0.01 + 0.001 * distance)[both].sum())
            wrong_normal += int((np.abs(hits.cosine - cosine) > 1e-3)[both].sum())
            wrong += int((hits.actor != place.solids.actors[number])[both].sum())
    print(f"{compared} rays: {wrong} differ, {far_off} in distance, {wrong_normal} in their angle")
    assert compared > 10_000
    assert wrong <= (1.0 - AGREE) * compared
    assert far_off <= (1.0 - AGREE) * compared
    assert wrong_normal <= (1.0 - AGREE) * compared


@pytest.mark.parametrize("fov", [60.0, 90.0, 120.0])
def test_corners_of_a_car_fall_on_the_pixels_worked_out_by_hand(fov):
    mesh = vehicle("vehicle.tesla.model3", (200, 0, 0))
    empty = Mesh(*(getattr(mesh, name)[:0] for name in Mesh.__dataclass_fields__))
    width, height = 400, 300
    place, turn = np.array([9.0, 1.0, -1.0]), Rotation(4.0, 30.0, -3.0)
    frame = Renderer(empty, np.zeros((0, 3), np.float32)).frame(
        Camera(Transform(), width, height, fov), [Placed(9, mesh, Transform(Location(*place), turn), 0)], []
    )
    points = mesh.vertices.astype(np.float64) @ matrix(turn).T + place
    focal = width / (2.0 * math.tan(math.radians(fov / 2.0)))
    columns = width / 2.0 + focal * points[:, 1] / points[:, 0]
    rows = height / 2.0 - focal * points[:, 2] / points[:, 0]
    seen_rows, seen_columns = np.nonzero(frame.instances == 9)
    assert abs(seen_columns.min() + 0.5 - columns.min()) <= 1.0
    assert abs(seen_columns.max() + 0.5 - columns.max()) <= 1.0
    assert abs(seen_rows.min() + 0.5 - rows.min()) <= 1.0
    assert abs(seen_rows.max() + 0.5 - rows.max()) <= 1.0
