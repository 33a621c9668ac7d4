"""Contact: compiled tests of upright boxes against one another and against walls drawn as segments.

A box is a row of eight: x, y, cos and sin of its yaw, half length, half width, z of its foot, height.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from carla_plugin.simulator.render import kernel_cache

kernel_cache.choose_folder()

SAMPLES = 33  # of a segment, where the first touch of a ball is looked for


@numba.njit(cache=True, nogil=True)
def gap(a: Any, b: Any) -> Any:
    """Return how far two boxes are apart along the best of their four axes (negative: they overlap), and that axis.

    Returns:
        Metres, and the level unit vector (x, y) from `b` toward `a`.
    """
    dx, dy = a[0] - b[0], a[1] - b[1]
    cos, sin = abs(a[2] * b[2] + a[3] * b[3]), abs(a[2] * b[3] - a[3] * b[2])
    best, best_x, best_y = -1e30, 1.0, 0.0
    for which in range(4):
        one, other = (a, b) if which < 2 else (b, a)
        if which % 2 == 0:
            axis_x, axis_y, own, reach = one[2], one[3], one[4], other[4] * cos + other[5] * sin
        else:
            axis_x, axis_y, own, reach = -one[3], one[2], one[5], other[4] * sin + other[5] * cos
        along = dx * axis_x + dy * axis_y
        apart = abs(along) - own - reach
        if apart > best:
            turn = 1.0 if along >= 0.0 else -1.0
            best, best_x, best_y = apart, turn * axis_x, turn * axis_y
    return best, best_x, best_y


@numba.njit(cache=True, nogil=True)
def overlaps(a: Any, b: Any) -> Any:
    """Return whether two boxes overlap, their heights considered."""
    if a[6] > b[6] + b[7] or b[6] > a[6] + a[7]:
        return False
    dx, dy = a[0] - b[0], a[1] - b[1]
    reach = math.sqrt(a[4] * a[4] + a[5] * a[5]) + math.sqrt(b[4] * b[4] + b[5] * b[5])
    if dx * dx + dy * dy >= reach * reach:
        return False
    return gap(a, b)[0] < 0.0


@numba.njit(cache=True, nogil=True)
def pairs(boxes: Any, moved: Any) -> Any:
    """Return `(P, 2)` rows of boxes that overlap, at least one of each pair having moved, in ascending order.

    Args:
        boxes: `(N, 8)` float64.
        moved: `(N,)` bool.
    """
    count = len(boxes)
    reach = np.sqrt(boxes[:, 4] ** 2 + boxes[:, 5] ** 2)
    found = np.empty((16, 2), np.int64)
    size = 0
    for one in range(count):
        x, y, own, moves = boxes[one, 0], boxes[one, 1], reach[one], moved[one]
        for other in range(one + 1, count):
            if not (moves or moved[other]):
                continue
            dx, dy = boxes[other, 0] - x, boxes[other, 1] - y
            limit = own + reach[other]
            if dx * dx + dy * dy < limit * limit and overlaps(boxes[one], boxes[other]):
                if size == len(found):
                    larger = np.empty((2 * size, 2), np.int64)
                    larger[:size] = found
                    found = larger
                found[size, 0], found[size, 1] = one, other
                size += 1
    return found[:size]


@numba.njit(cache=True, nogil=True)
def clipped(box: Any, segment: Any) -> Any:
    """Return where a segment (x, y, x, y) enters and leaves a box, as shares of its length; (1, 0) if it misses."""
    start, end = 0.0, 1.0
    dx, dy = segment[0] - box[0], segment[1] - box[1]
    along, across = dx * box[2] + dy * box[3], dy * box[2] - dx * box[3]
    ex, ey = segment[2] - segment[0], segment[3] - segment[1]
    step_along, step_across = ex * box[2] + ey * box[3], ey * box[2] - ex * box[3]
    for place, step, limit in ((along, step_along, box[4]), (across, step_across, box[5])):
        if abs(step) < 1e-12:
            if abs(place) >= limit:
                return 1.0, 0.0
            continue
        first, second = (-limit - place) / step, (limit - place) / step
        if first > second:
            first, second = second, first
        start, end = max(start, first), min(end, second)
        if start > end:
            return 1.0, 0.0
    return start, end


@numba.njit(cache=True, nogil=True)
def cuts(box: Any, numbers: Any, segments: Any) -> Any:
    """Return `(2 N, 2)` points in metres where N segments, which all touch a box, enter and leave it."""
    found = np.empty((2 * len(numbers), 2))
    for row in range(len(numbers)):
        segment = segments[numbers[row]]
        start, end = clipped(box, segment)
        for which, share in ((0, start), (1, end)):
            for axis in range(2):
                found[2 * row + which, axis] = segment[axis] * (1.0 - share) + segment[2 + axis] * share
    return found


@numba.njit(cache=True, nogil=True)
def ways(box: Any, numbers: Any, segments: Any, radius: float) -> Any:
    """Return `(N,)` metres that a ball rolls along a box, from the middle of its back, until it touches each segment.

    Args:
        box: `(8,)` that the ball sweeps.
        numbers: of N segments.
        segments: `(S, 4)` x, y, x, y in metres.
        radius: of the ball, metres.

    Returns:
        Metres; infinite for a segment that it passes.
    """
    found = np.full(len(numbers), np.inf)
    for row in range(len(numbers)):
        segment = segments[numbers[row]]
        start, end = clipped(box, segment)
        if start > end:
            continue
        for sample in range(SAMPLES):
            share = start + (end - start) * sample / (SAMPLES - 1)
            x = segment[0] * (1.0 - share) + segment[2] * share - box[0]
            y = segment[1] * (1.0 - share) + segment[3] * share - box[1]
            ahead, aside = x * box[2] + y * box[3] + box[4], y * box[2] - x * box[3]
            way = ahead - math.sqrt(max(radius * radius - aside * aside, 0.0))
            found[row] = min(found[row], max(way, 0.0))
    return found


@numba.njit(cache=True, nogil=True)
def touched(box: Any, grid: Any, starts: Any, items: Any, segments: Any) -> Any:
    """Return the numbers of the segments that a box touches, one number perhaps more than once.

    Args:
        box: `(8,)` float64.
        grid: `(5,)` float64: x and y of the corner, side of a cell, columns, rows.
        starts: `(cells + 1,)` int64, where each cell's list begins in `items`.
        items: numbers of segments, cell by cell.
        segments: `(S, 4)` float64.
    """
    found = np.empty(8, np.int64)
    size = 0
    reach_x = abs(box[2]) * box[4] + abs(box[3]) * box[5]
    reach_y = abs(box[3]) * box[4] + abs(box[2]) * box[5]
    columns, rows = int(grid[3]), int(grid[4])
    low_i = max(math.floor((box[0] - reach_x - grid[0]) / grid[2]), 0)
    high_i = min(math.floor((box[0] + reach_x - grid[0]) / grid[2]), columns - 1)
    low_j = max(math.floor((box[1] - reach_y - grid[1]) / grid[2]), 0)
    high_j = min(math.floor((box[1] + reach_y - grid[1]) / grid[2]), rows - 1)
    for j in range(low_j, high_j + 1):
        for i in range(low_i, high_i + 1):
            cell = j * columns + i
            for position in range(starts[cell], starts[cell + 1]):
                number = items[position]
                start, end = clipped(box, segments[number])
                if start <= end:
                    if size == len(found):
                        larger = np.empty(2 * size, np.int64)
                        larger[:size] = found
                        found = larger
                    found[size] = number
                    size += 1
    return found[:size]


@numba.njit(cache=True, nogil=True)
def any_touched(boxes: Any, moved: Any, grid: Any, starts: Any, items: Any, segments: Any) -> Any:
    """Return `(N,)` bool: which of the boxes that moved touch a segment."""
    found = np.zeros(len(boxes), np.bool_)
    for number in range(len(boxes)):
        if moved[number]:
            found[number] = len(touched(boxes[number], grid, starts, items, segments)) > 0
    return found


def warm_up() -> None:
    """Compile, or load, all that a tick may need: the first crash would take seconds otherwise."""
    boxes = np.array([[0.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 1.5], [1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 1.5]])
    moved = np.ones(2, dtype=np.bool_)
    segments = np.array([[0.0, -1.0, 0.0, 1.0]])
    grid, starts, items = np.array([-4.0, -4.0, 8.0, 1.0, 1.0]), np.array([0, 1]), np.array([0])
    gap(boxes[0], boxes[1])
    overlaps(boxes[0], boxes[1])
    pairs(boxes, moved)
    clipped(boxes[0], segments[0])
    any_touched(boxes, moved, grid, starts, items, segments)
    ways(boxes[0], items, segments, 0.5)
    cuts(boxes[0], touched(boxes[0], grid, starts, items, segments), segments)
