"""The table of labels against Cityscapes' own order and CARLA's palette."""

import numpy as np

from protocols import labels

CITYSCAPES_19 = [
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic_light", "traffic_sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
]
CITYSCAPES_34 = [
    *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "road"),
    *("sidewalk", "parking", "rail track", "building", "wall", "fence", "guard rail", "bridge", "tunnel", "pole"),
    *("polegroup", "traffic light", "traffic sign", "vegetation", "terrain", "sky", "person", "rider", "car", "truck"),
    *("bus", "caravan", "trailer", "train", "motorcycle", "bicycle"),
]
PUBLISHED_16 = [name for name in CITYSCAPES_19 if name not in ("terrain", "bus", "train")]


def test_tags_count_up_from_zero():
    assert [row.tag for row in labels.TAGS] == list(range(29))


def test_tags_1_to_19_are_cityscapes_in_order():
    names = [row.name.replace(" ", "_") for row in labels.TAGS[1:20]]
    assert names == CITYSCAPES_19
    assert [row.train_id for row in labels.TAGS[1:20]] == list(range(19))


def test_sixteen_are_the_published_ones():
    assert [name.replace(" ", "_") for name in labels.NAMES_16] == PUBLISHED_16
    assert labels.TRAIN_IDS_16 == (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 17, 18)


def test_tables_agree_with_a_loop():
    to_class = labels.tag_to_class16()
    for tag in range(256):
        train_id = labels.TAGS[tag].train_id if tag < 29 else 255
        expected = labels.TRAIN_IDS_16.index(train_id) if train_id in labels.TRAIN_IDS_16 else 255
        assert to_class[tag] == expected


def test_road_paint_is_road_and_terrain_is_ignored():
    to_class = labels.tag_to_class16()
    assert to_class[24] == to_class[1] == 0
    assert to_class[10] == to_class[16] == to_class[17] == to_class[0] == 255


def test_palette_of_known_tags():
    colours = labels.palette()
    assert colours.dtype == np.uint8
    assert colours.shape == (256, 3)
    assert tuple(colours[1]) == (128, 64, 128)
    assert tuple(colours[18]) == (0, 0, 230)
    assert tuple(colours[24]) == (157, 234, 50)
    assert len({tuple(row) for row in colours[:29]}) == 29


def test_label_ids_are_cityscapes_by_name():
    to_label_id = labels.tag_to_label_id()
    for row in labels.TAGS:
        name = {"road line": "road", "other": "unlabeled", "water": "unlabeled"}.get(row.name, row.name)
        assert to_label_id[row.tag] == CITYSCAPES_34.index(name)
    assert not to_label_id[len(labels.TAGS) :].any()
