"""Skin: which bones each point of a body follows, and the body in another pose."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.assets.people_body import Piece
from carla_plugin.simulator.body.skeleton import BONES, NUMBER, Frames
from carla_plugin.simulator.mesh import Mesh

Floats = NDArray[np.float64]

SAME_M = 2e-5
"""A bone nearer than this to where it was has not moved: the wire rounds to float32."""
_SOFT = 0.03  # half length of the part of a limb that bends, a share of the height
_SIDES = "RL"


def weights(pieces: Sequence[Piece], frames: Frames, height: float) -> Floats:
    """Return `(V, B)` shares with which each point of a body follows each bone.

    Args:
        pieces: of the body, V points together.
        frames: of its bones.
        height: of the person, metres.
    """
    return np.concatenate([_of(piece, frames, height) for piece in pieces])


def _of(piece: Piece, frames: Frames, height: float) -> Floats:
    points = piece.mesh.vertices.astype(np.float64)
    soft = _SOFT * height
    if piece.region == "trunk":
        return _chain(points, frames, ("crl_hips__C", "crl_spine__C", "crl_spine01__C"), 2.0 * soft, 1.0)
    if piece.region == "head":
        return _chain(points, frames, ("crl_neck__C", "crl_Head__C"), 0.5 * soft, 1.0)
    if piece.region == "chair":
        shares = np.zeros((len(points), len(BONES)))
        shares[:, 0] = 1.0
        return shares
    if piece.region == "hem":
        return _hem(points, frames, height)
    letter = _SIDES[piece.side]
    parts = {"arm": ("arm", "foreArm"), "hand": ("hand",), "leg": ("thigh", "leg"), "foot": ("foot",)}[piece.region]
    return _chain(points, frames, tuple(f"crl_{part}__{letter}" for part in parts), soft, -1.0)


def _chain(points: Floats, frames: Frames, names: tuple[str, ...], soft: float, sign: float) -> Floats:
    """Return `(P, B)` shares along a chain of bones.

    Args:
        points: `(P, 3)` metres.
        frames: of all bones.
        names: of the chain, from the trunk outward.
        soft: metres on both sides of a joint over which one bone takes over from the other.
        sign: 1 if the chain goes up its bones' z, -1 if down.
    """
    shares = np.zeros((len(points), len(BONES)))
    numbers = [NUMBER[name] for name in names]
    rest = np.ones(len(points))
    for inner, outer in pairwise(numbers):
        along = frames.turn[inner, 2] + frames.turn[outer, 2]
        along = sign * along / np.linalg.norm(along)
        beyond = _ramp(((points - frames.place[outer]) @ along) / soft)
        shares[:, inner] = rest * (1.0 - beyond)
        rest = rest * beyond
    shares[:, numbers[-1]] = rest
    return shares


def _hem(points: Floats, frames: Frames, height: float) -> Floats:
    """Return `(P, B)` shares of a skirt or a coat: the lower, the more it follows the thigh that is nearer."""
    shares = np.zeros((len(points), len(BONES)))
    hips = frames.place[NUMBER["crl_hips__C"]]
    low = 0.85 * _ramp((hips[2] - points[:, 2]) / (0.1 * height) - 1.0)
    right = _ramp(points[:, 1] / (0.06 * height))
    shares[:, NUMBER["crl_hips__C"]] = 1.0 - low
    shares[:, NUMBER["crl_thigh__R"]] = low * right
    shares[:, NUMBER["crl_thigh__L"]] = low * (1.0 - right)
    return shares


def _ramp(way: Floats) -> Floats:
    """Return a smooth step from 0 at -1 to 1 at 1."""
    at = np.clip(0.5 + 0.5 * way, 0.0, 1.0)
    return np.asarray(at * at * (3.0 - 2.0 * at), dtype=np.float64)


def deformed(mesh: Mesh, shares: Floats, before: Frames, after: Frames) -> Mesh:
    """Return a body whose bones have moved; the mesh itself if none has.

    Args:
        mesh: V points.
        shares: `(V, B)` of `weights`.
        before: where the bones of the mesh are.
        after: where they are to be.
    """
    turn = before.turn.transpose(0, 2, 1) @ after.turn
    shift = after.place - np.einsum("bi,bij->bj", before.place, turn)
    twisted = np.abs(turn - np.eye(3)).max(axis=(1, 2)) > SAME_M
    moved = (twisted | (np.abs(after.place - before.place).max(axis=1) > SAME_M)) & (shares.max(axis=0) > 0.0)
    if not moved.any():
        return mesh
    points, normals = mesh.vertices.astype(np.float64), mesh.normals.astype(np.float64)
    step, lean = np.zeros_like(points), np.zeros_like(points)
    for bone in np.flatnonzero(moved).tolist():
        share, change = shares[:, bone, None], turn[bone] - np.eye(3)
        step += share * (points @ change + shift[bone])
        lean += share * (normals @ change)
    normals += lean
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return Mesh(
        (points + step).astype(np.float32), normals.astype(np.float32), mesh.uvw, mesh.triangles,
        mesh.material, mesh.tag, mesh.colour, mesh.part, mesh.seed,
    )  # fmt: skip
