"""Bounding volume hierarchy: triangles sorted into nested boxes, so that a ray meets few of them."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

LEAF = 4  # triangles that are not divided further
_BINS = 16
_DEPTH = 64


class Tree(NamedTuple):
    """Hold the boxes of T triangles.

    Attributes:
        bounds: `(N, 6)` float32 lowest and highest corner of each node.
        first: `(N,)` int32: the left child, its right one is the next node; in a leaf the first place in `order`.
        held: `(N,)` int32: 0 for an inner node, else the leaf's triangles.
        order: `(T,)` int32 triangles, sorted by leaves.
    """

    bounds: NDArray[np.float32]
    first: NDArray[np.int32]
    held: NDArray[np.int32]
    order: NDArray[np.int32]


def build_tree(position: NDArray[np.float32]) -> Tree:
    """Return the hierarchy of triangles; equal triangles give equal trees.

    Args:
        position: `(T, 3, 3)` float32 corners.
    """
    total = len(position)
    room = max(2 * total, 1)
    tree = Tree(
        np.zeros((room, 6), np.float32), np.zeros(room, np.int32), np.zeros(room, np.int32),
        np.arange(total, dtype=np.int32),
    )  # fmt: skip
    used = _divide(np.ascontiguousarray(position), *tree)
    return Tree(tree.bounds[:used].copy(), tree.first[:used].copy(), tree.held[:used].copy(), tree.order)


@numba.njit(cache=True, nogil=True)
def _divide(
    position: NDArray[np.float32], bounds: NDArray[np.float32], first: NDArray[np.int32], count: NDArray[np.int32],
    order: NDArray[np.int32],
) -> int:  # fmt: skip
    """Fill the nodes from the root down, each cut where the surface area heuristic is least of 15 planes."""
    total = position.shape[0]
    middle = np.empty((total, 3), np.float32)
    low = np.empty((total, 3), np.float32)
    high = np.empty((total, 3), np.float32)
    for t in range(total):
        for axis in range(3):
            a, b, c = position[t, 0, axis], position[t, 1, axis], position[t, 2, axis]
            low[t, axis], high[t, axis] = min(a, b, c), max(a, b, c)
            middle[t, axis] = np.float32(0.5) * (low[t, axis] + high[t, axis])
    stack = np.empty((_DEPTH * 4, 3), np.int64)  # node, from, to
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, 0, total
    waiting, used = 1, 1
    box_low = np.empty((_BINS, 3), np.float32)
    box_high = np.empty((_BINS, 3), np.float32)
    held = np.empty(_BINS, np.int64)
    left_cost = np.empty(_BINS, np.float64)
    grow_low = np.empty(3, np.float32)
    grow_high = np.empty(3, np.float32)
    near = np.empty(3, np.float32)
    far = np.empty(3, np.float32)
    while waiting > 0:
        waiting -= 1
        node, start, stop = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        for axis in range(3):
            near[axis], far[axis] = np.float32(np.inf), np.float32(-np.inf)
            grow_low[axis], grow_high[axis] = np.float32(np.inf), np.float32(-np.inf)
        for place in range(start, stop):
            t = order[place]
            for axis in range(3):
                grow_low[axis] = min(grow_low[axis], low[t, axis])
                grow_high[axis] = max(grow_high[axis], high[t, axis])
                near[axis] = min(near[axis], middle[t, axis])
                far[axis] = max(far[axis], middle[t, axis])
        for axis in range(3):
            bounds[node, axis], bounds[node, 3 + axis] = grow_low[axis], grow_high[axis]
        widest = 0
        for axis in range(1, 3):
            if far[axis] - near[axis] > far[widest] - near[widest]:
                widest = axis
        span = np.float64(far[widest] - near[widest])
        if stop - start <= LEAF or waiting + 2 > stack.shape[0]:
            first[node], count[node] = start, stop - start
            continue
        cut = -1
        if span > 0.0:
            scale = _BINS / span * 0.999999
            for k in range(_BINS):
                held[k] = 0
                for axis in range(3):
                    box_low[k, axis], box_high[k, axis] = np.float32(np.inf), np.float32(-np.inf)
            for place in range(start, stop):
                t = order[place]
                k = int((np.float64(middle[t, widest]) - near[widest]) * scale)
                held[k] += 1
                for axis in range(3):
                    box_low[k, axis] = min(box_low[k, axis], low[t, axis])
                    box_high[k, axis] = max(box_high[k, axis], high[t, axis])
            for side in range(2):
                number = 0
                for axis in range(3):
                    grow_low[axis], grow_high[axis] = np.float32(np.inf), np.float32(-np.inf)
                best = np.inf
                for step in range(_BINS - 1):
                    k = step if side == 0 else _BINS - 1 - step
                    number += held[k]
                    for axis in range(3):
                        grow_low[axis] = min(grow_low[axis], box_low[k, axis])
                        grow_high[axis] = max(grow_high[axis], box_high[k, axis])
                    cost = 0.0
                    if number > 0:
                        x = np.float64(grow_high[0] - grow_low[0])
                        y = np.float64(grow_high[1] - grow_low[1])
                        z = np.float64(grow_high[2] - grow_low[2])
                        cost = number * (x * y + y * z + z * x)
                    if side == 0:
                        left_cost[k] = cost
                    elif 0 < number < stop - start and left_cost[k - 1] + cost < best:
                        best, cut = left_cost[k - 1] + cost, k
        split = start
        if cut > 0:
            for place in range(start, stop):
                t = order[place]
                if int((np.float64(middle[t, widest]) - near[widest]) * scale) < cut:
                    order[place] = order[split]
                    order[split] = t
                    split += 1
        if split in (start, stop):
            split = (start + stop) // 2
        first[node], count[node] = used, 0
        stack[waiting, 0], stack[waiting, 1], stack[waiting, 2] = used, start, split
        stack[waiting + 1, 0], stack[waiting + 1, 1], stack[waiting + 1, 2] = used + 1, split, stop
        waiting += 2
        used += 2
    return used
