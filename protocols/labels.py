"""Labels: CARLA's tags, Cityscapes' train ids and the 16 classes of the published protocol, in one table.

Tags are those of CARLA 0.9.14 to 0.9.16 (its `CityObjectLabel`); colours are those of its CityScapesPalette.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORED = 255
"""Train id and class of a pixel that neither trains nor scores."""


class Tag(NamedTuple):
    """One row of the table: a CARLA tag and what it means to the trainer."""

    tag: int
    name: str
    train_id: int
    colour: tuple[int, int, int]


TAGS: tuple[Tag, ...] = (
    Tag(0, "unlabeled", IGNORED, (0, 0, 0)),
    Tag(1, "road", 0, (128, 64, 128)),
    Tag(2, "sidewalk", 1, (244, 35, 232)),
    Tag(3, "building", 2, (70, 70, 70)),
    Tag(4, "wall", 3, (102, 102, 156)),
    Tag(5, "fence", 4, (190, 153, 153)),
    Tag(6, "pole", 5, (153, 153, 153)),
    Tag(7, "traffic light", 6, (250, 170, 30)),
    Tag(8, "traffic sign", 7, (220, 220, 0)),
    Tag(9, "vegetation", 8, (107, 142, 35)),
    Tag(10, "terrain", 9, (152, 251, 152)),
    Tag(11, "sky", 10, (70, 130, 180)),
    Tag(12, "person", 11, (220, 20, 60)),
    Tag(13, "rider", 12, (255, 0, 0)),
    Tag(14, "car", 13, (0, 0, 142)),
    Tag(15, "truck", 14, (0, 0, 70)),
    Tag(16, "bus", 15, (0, 60, 100)),
    Tag(17, "train", 16, (0, 80, 100)),
    Tag(18, "motorcycle", 17, (0, 0, 230)),
    Tag(19, "bicycle", 18, (119, 11, 32)),
    Tag(20, "static", IGNORED, (110, 190, 160)),
    Tag(21, "dynamic", IGNORED, (170, 120, 50)),
    Tag(22, "other", IGNORED, (55, 90, 80)),
    Tag(23, "water", IGNORED, (45, 60, 150)),
    Tag(24, "road line", 0, (157, 234, 50)),  # paint on the road is road in Cityscapes
    Tag(25, "ground", IGNORED, (81, 0, 81)),
    Tag(26, "bridge", IGNORED, (150, 100, 100)),
    Tag(27, "rail track", IGNORED, (230, 150, 140)),
    Tag(28, "guard rail", IGNORED, (180, 165, 180)),
)

LABEL_IDS: tuple[int, ...] = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Cityscapes' label id of each train id 0..18."""

VOID_LABEL_IDS = {"static": 4, "dynamic": 5, "ground": 6, "rail track": 10, "guard rail": 14, "bridge": 15}
"""Cityscapes' label id of the tags that neither train nor score there, by name; 0 for the others."""

LEFT_OUT = (9, 15, 16)
"""Train ids of the 19 that the 16-class protocol leaves out: terrain, bus, train."""

TRAIN_IDS_16: tuple[int, ...] = tuple(train_id for train_id in range(19) if train_id not in LEFT_OUT)
"""Train id of each of the 16 classes, in order."""

NAMES_16: tuple[str, ...] = tuple(TAGS[train_id + 1].name for train_id in TRAIN_IDS_16)
"""Name of each of the 16 classes, in order (tag = train id + 1 for Cityscapes' 19)."""

COLOURS_16: tuple[tuple[int, int, int], ...] = tuple(TAGS[train_id + 1].colour for train_id in TRAIN_IDS_16)
"""RGB colour of each of the 16 classes, in order."""


def tag_to_train_id() -> NDArray[np.uint8]:
    """Return the `(256,)` uint8 table from CARLA tag to Cityscapes train id (0..18, else 255)."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    for row in TAGS:
        table[row.tag] = row.train_id
    return table


def tag_to_label_id() -> NDArray[np.uint8]:
    """Return the `(256,)` uint8 table from CARLA tag to Cityscapes' label id, 0 ("unlabeled") where it has none."""
    table = np.zeros(256, dtype=np.uint8)
    for row in TAGS:
        table[row.tag] = VOID_LABEL_IDS.get(row.name, 0) if row.train_id == IGNORED else LABEL_IDS[row.train_id]
    return table


def train_id_to_class16() -> NDArray[np.uint8]:
    """Return the `(256,)` uint8 table from Cityscapes train id to class 0..15, else 255."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[list(TRAIN_IDS_16)] = np.arange(16, dtype=np.uint8)
    return table


def tag_to_class16() -> NDArray[np.uint8]:
    """Return the `(256,)` uint8 table from CARLA tag to class 0..15, else 255."""
    return train_id_to_class16()[tag_to_train_id()]


def palette() -> NDArray[np.uint8]:
    """Return the `(256, 3)` uint8 RGB colour of each CARLA tag; unknown tags are black."""
    table = np.zeros((256, 3), dtype=np.uint8)
    for row in TAGS:
        table[row.tag] = row.colour
    return table
