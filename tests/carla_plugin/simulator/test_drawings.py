"""Drawings: how long they last, what a box is made of, and what stands before them."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.drawings import MOST_STROKES, Drawings, Stroke, paint_over, strokes_of
from carla_plugin.simulator.render import Camera
from protocols.carla_rpc.types import Location, Rotation, Transform
from protocols.errors import RemoteProtocolError

STROKE = Stroke(Location(), Location(1.0, 0.0, 0.0), (255, 0, 0), 0.1)


def test_strokes_last_for_a_tick_for_a_time_or_for_ever():
    drawings = Drawings()
    drawings.add([STROKE], -1.0, 0.0)
    drawings.add([STROKE._replace(thickness=0.2)], 0.15, 0.0)
    drawings.add([STROKE._replace(thickness=0.3)], 0.0, 0.0)
    seen = []
    for number in range(1, 6):
        drawings.tick(0.05 * number)
        seen.append([stroke.thickness for stroke in drawings.shown])
    assert seen[0] == [0.2, 0.3, 0.1]
    assert seen[1] == [0.2, 0.3]
    assert seen[-1] == [0.3]


def test_nothing_new_is_the_same_object():
    drawings = Drawings()
    drawings.add([STROKE], 0.0, 0.0)
    drawings.tick(0.05)
    first = drawings.shown
    drawings.tick(0.10)
    assert drawings.shown is first


def test_who_draws_for_ever_does_not_fill_the_memory():
    drawings = Drawings()
    for _ in range(3):
        drawings.add([STROKE] * MOST_STROKES, 0.0, 0.0)
        drawings.add([STROKE] * MOST_STROKES, -1.0, 0.0)
    drawings.tick(0.05)
    assert len(drawings.shown) == 2 * MOST_STROKES


def test_a_box_has_twelve_edges_of_its_own_lengths():
    box = [[10.0, 0.0, 1.0], [3.0, 2.0, 1.0], [0.0, 0.0, 0.0], 0]
    edges = strokes_of([[3, [box, [0.0, 90.0, 0.0], 0.1]], [1, 2, 3], -1.0, True])
    lengths = [float(np.linalg.norm(np.subtract(edge.end, edge.start))) for edge in edges]
    assert sorted(np.round(lengths, 6)) == [2.0] * 4 + [4.0] * 4 + [6.0] * 4
    along_y = {edge for edge, length in zip(edges, lengths, strict=True) if round(length) == 6}
    assert all(abs(edge.end.y - edge.start.y) == pytest.approx(6.0) for edge in along_y)


def test_arrows_points_and_writing():
    line = [[0, 0, 0], [0, 0, 5], 0.1]
    assert len(strokes_of([[2, [line, 0.5]], [0, 0, 0], 1.0, True])) == 5
    (point,) = strokes_of([[0, [[1, 2, 3], 0.4]], [9, 8, 7], 1.0, True])
    assert (point.start, point.end, point.colour, point.thickness) == ((1, 2, 3), (1, 2, 3), (9, 8, 7), 0.4)
    assert strokes_of([[4, [[0, 0, 0], "word", False]], [0, 0, 0], 1.0, True]) == []
    with pytest.raises(RemoteProtocolError):
        strokes_of([[1, [[0, 0], [1, 1, 1], 0.1]], [0, 0, 0], 1.0, True])


def test_what_stands_before_a_stroke_hides_it():
    camera = Camera(Transform(Location(0.0, 0.0, 0.0), Rotation()), 32, 32, 90.0)
    image, depth = np.zeros((32, 32, 4), np.uint8), np.full((32, 32), 100.0, np.float32)
    depth[:, :16] = 5.0  # a wall on the left
    across = Stroke(Location(10.0, -5.0, 0.0), Location(10.0, 5.0, 0.0), (10, 20, 30), 0.9)
    out = paint_over(image, depth, camera, [across])
    assert not out[:, :16].any()
    assert out[16, 18].tolist() == [30, 20, 10, 255]
    assert not image.any()
