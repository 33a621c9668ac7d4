"""Resolve: from the triangle of each pixel to its tag, instance, depth and material."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render.facade import bricks, facade, shopfront
from carla_plugin.simulator.render.gbuffer import ALBEDO, DEPTH, GLOSS, LEVEL, NORMAL, OCCLUSION, SIZE
from carla_plugin.simulator.render.ground import asphalt, concrete, grass, marking, paving
from carla_plugin.simulator.render.sign_faces import sign_face
from carla_plugin.simulator.render.things import lens, thing

SKY_TAG = 11
SKY_MATERIAL = 255
_ASPHALT = int(Material.ASPHALT)
_PAVING = int(Material.PAVING)
_CONCRETE = int(Material.CONCRETE)
_GRASS = int(Material.GRASS)
_FACADE = int(Material.FACADE)
_SHOPFRONT = int(Material.SHOPFRONT)
_SIGNAL_LENS = int(Material.SIGNAL_LENS)
_SIGN_FACE = int(Material.SIGN_FACE)
_MARKING = int(Material.MARKING)
_BRICK = int(Material.BRICK)


@numba.njit(cache=True, nogil=True)
def paint(
    px: NDArray[np.float32], kind: int, u: float, v: float, w: float, seed: int, footprint: float, lights: int,
    signals: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Draw one pixel's material into its place of the G-buffer."""
    if kind == _ASPHALT:
        asphalt(px, u, v, seed, footprint)
    elif kind == _PAVING:
        paving(px, u, v, seed, footprint)
    elif kind == _MARKING:
        marking(px, u, v, seed, footprint)
    elif kind == _CONCRETE:
        concrete(px, u, v, w, footprint)
    elif kind == _GRASS:
        grass(px, u, v, footprint)
    elif kind == _FACADE:
        facade(px, u, v, w, seed, footprint)
    elif kind == _SHOPFRONT:
        shopfront(px, u, v, w, seed, footprint)
    elif kind == _BRICK:
        bricks(px, u, v, seed & 0xFFFF, footprint)
    elif kind == _SIGN_FACE:
        sign_face(px, u, v, int(w + 0.5), seed)
    elif kind == _SIGNAL_LENS:
        signal = int(v + 0.5)
        state: Any = np.int64(3)
        if 0 <= signal < signals.shape[0]:
            state = np.int64(signals[signal])
        lens(px, int(u + 0.5), state)
    else:
        thing(px, kind, u, v, w, seed, footprint, lights)


@numba.njit(cache=True, nogil=True)
def project(
    corners: NDArray[np.float32], view: NDArray[np.float64], p: NDArray[np.float64], edge: NDArray[np.float64]
) -> None:
    """Write a triangle's corners in homogeneous pixels, and its edge functions: all `(3, 3)`."""
    for k in range(3):
        corner = corners[k]
        x, y, z = np.float64(corner[0]), np.float64(corner[1]), np.float64(corner[2])
        for r in range(3):
            p[k, r] = view[r, 0] * x + view[r, 1] * y + view[r, 2] * z + view[r, 3]
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        edge[k, 0] = p[i, 1] * p[j, 2] - p[i, 2] * p[j, 1]
        edge[k, 1] = p[i, 2] * p[j, 0] - p[i, 0] * p[j, 2]
        edge[k, 2] = p[i, 0] * p[j, 1] - p[i, 1] * p[j, 0]


@numba.njit(cache=True, nogil=True)
def resolve(
    position: NDArray[np.float32], normal: NDArray[np.float32], uvw: NDArray[np.float32],
    material: NDArray[np.uint8], tag: NDArray[np.uint8], colour: NDArray[np.float32], instance: NDArray[np.uint32],
    seed: NDArray[np.uint32], lights: NDArray[np.uint16], signals: NDArray[np.uint8],
    view: NDArray[np.float64], rays: NDArray[np.float64], focal: float, first_row: int, last_row: int,
    triangle: NDArray[np.int32], buffer: NDArray[np.float32], kinds: NDArray[np.uint8], tags: NDArray[np.uint8],
    depths: NDArray[np.float32], instances: NDArray[np.uint32],
) -> None:  # fmt: skip
    """Fill the G-buffer, tags, depth and instances of rows first_row..last_row-1.

    Args:
        position: `(T, 3, 3)` float32; it and the next eight are the fields of `Arrays`.
        normal: see there.
        uvw: see there.
        material: see there.
        tag: see there.
        colour: see there.
        instance: see there.
        seed: see there.
        lights: see there.
        signals: `(S,)` uint8 state of each signal.
        view: `(3, 4)` float64 projection.
        rays: `(4, 3)` float64 of `pixel_rays`.
        focal: focal length in pixels.
        first_row: first row of the band.
        last_row: row behind its last.
        triangle: `(H, W)` int32 from `rasterise`.
        buffer: `(H, W, 16)` float32, written.
        kinds: `(H, W)` uint8, written: `Material` or 255 for sky.
        tags: `(H, W)` uint8, written.
        depths: `(H, W)` float32, written; 1000 m for sky, as far as CARLA's depth camera sees.
        instances: `(H, W)` uint32, written; 0 for sky.
    """
    p = np.empty((3, 3), np.float64)
    edge = np.empty((3, 3), np.float64)
    last = -1
    for row in range(first_row, last_row):
        for column in range(triangle.shape[1]):
            t = triangle[row, column]
            px = buffer[row, column]
            for place in range(SIZE):
                px[place] = 0.0
            if t < 0:
                kinds[row, column] = SKY_MATERIAL
                tags[row, column] = SKY_TAG
                depths[row, column] = 1000.0
                instances[row, column] = 0
                continue
            if t != last:
                project(position[t], view, p, edge)
                last = t
            sx, sy = column + 0.5, row + 0.5
            f0 = edge[0, 0] * sx + edge[0, 1] * sy + edge[0, 2]
            f1 = edge[1, 0] * sx + edge[1, 1] * sy + edge[1, 2]
            f2 = edge[2, 0] * sx + edge[2, 1] * sy + edge[2, 2]
            total = f0 + f1 + f2
            f0, f1, f2 = f0 / total, f1 / total, f2 / total
            depth = f0 * p[0, 2] + f1 * p[1, 2] + f2 * p[2, 2]
            u = f0 * uvw[t, 0, 0] + f1 * uvw[t, 1, 0] + f2 * uvw[t, 2, 0]
            v = f0 * uvw[t, 0, 1] + f1 * uvw[t, 1, 1] + f2 * uvw[t, 2, 1]
            w = f0 * uvw[t, 0, 2] + f1 * uvw[t, 1, 2] + f2 * uvw[t, 2, 2]
            nx = f0 * normal[t, 0, 0] + f1 * normal[t, 1, 0] + f2 * normal[t, 2, 0]
            ny = f0 * normal[t, 0, 1] + f1 * normal[t, 1, 1] + f2 * normal[t, 2, 1]
            nz = f0 * normal[t, 0, 2] + f1 * normal[t, 1, 2] + f2 * normal[t, 2, 2]
            dx = sx * rays[1, 0] + sy * rays[2, 0] + rays[3, 0]
            dy = sx * rays[1, 1] + sy * rays[2, 1] + rays[3, 1]
            dz = sx * rays[1, 2] + sy * rays[2, 2] + rays[3, 2]
            length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            facing = (nx * dx + ny * dy + nz * dz) / (length * math.sqrt(dx * dx + dy * dy + dz * dz))
            if facing > 0.0:
                length = -length
            kind: Any = np.int64(material[t])
            variation: Any = np.int64(seed[t])
            bits: Any = np.int64(lights[t])
            px[ALBEDO], px[ALBEDO + 1], px[ALBEDO + 2] = colour[t, 0], colour[t, 1], colour[t, 2]
            px[GLOSS] = 0.1
            px[LEVEL] = 9.0
            footprint = depth / focal / math.sqrt(max(abs(facing), 0.04))
            paint(px, kind, u, v, w, variation, footprint, bits, signals)
            px[NORMAL], px[NORMAL + 1], px[NORMAL + 2] = nx / length, ny / length, nz / length
            px[OCCLUSION] = 1.0
            px[DEPTH] = depth
            kinds[row, column] = kind
            tags[row, column] = tag[t]
            depths[row, column] = depth
            instances[row, column] = instance[t]


@numba.njit(cache=True, nogil=True)
def identify(
    position: NDArray[np.float32], material: NDArray[np.uint8], tag: NDArray[np.uint8], instance: NDArray[np.uint32],
    view: NDArray[np.float64], first_row: int, last_row: int, triangle: NDArray[np.int32], kinds: NDArray[np.uint8],
    tags: NDArray[np.uint8], depths: NDArray[np.float32], instances: NDArray[np.uint32],
) -> None:  # fmt: skip
    """Fill materials, tags, depth and instances of rows first_row..last_row-1: all that masks need.

    Args:
        position: `(T, 3, 3)` float32; it and the next three are fields of `Arrays`.
        material: see there.
        tag: see there.
        instance: see there.
        view: `(3, 4)` float64 projection.
        first_row: first row of the band.
        last_row: row behind its last.
        triangle: `(H, W)` int32 from `rasterise`.
        kinds: `(H, W)` uint8, written: `Material` or 255 for sky.
        tags: `(H, W)` uint8, written.
        depths: `(H, W)` float32, written; 1000 m for sky, as far as CARLA's depth camera sees.
        instances: `(H, W)` uint32, written; 0 for sky.
    """
    p = np.empty((3, 3), np.float64)
    edge = np.empty((3, 3), np.float64)
    last = -1
    for row in range(first_row, last_row):
        for column in range(triangle.shape[1]):
            t = triangle[row, column]
            if t < 0:
                kinds[row, column] = SKY_MATERIAL
                tags[row, column] = SKY_TAG
                depths[row, column] = 1000.0
                instances[row, column] = 0
                continue
            if t != last:
                project(position[t], view, p, edge)
                last = t
            sx, sy = column + 0.5, row + 0.5
            f0 = edge[0, 0] * sx + edge[0, 1] * sy + edge[0, 2]
            f1 = edge[1, 0] * sx + edge[1, 1] * sy + edge[1, 2]
            f2 = edge[2, 0] * sx + edge[2, 1] * sy + edge[2, 2]
            total = f0 + f1 + f2
            f0, f1, f2 = f0 / total, f1 / total, f2 / total
            kinds[row, column] = material[t]
            tags[row, column] = tag[t]
            depths[row, column] = f0 * p[0, 2] + f1 * p[1, 2] + f2 * p[2, 2]
            instances[row, column] = instance[t]
