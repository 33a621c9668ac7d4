"""Navigation files: named by their contents, refused without pavements, with a lawn where clients look first."""

import hashlib

from carla_plugin.simulator.navigation import Area, Polygon
from carla_plugin.simulator.navigation.detour import decode
from carla_plugin.simulator.navigation.files import navigation_file


class Place:
    name = "Somewhere"

    def __init__(self, *polygons):
        self.walkable = lambda: polygons


def square(area, x, y, size=4.0, z=0.0):
    return Polygon(area, ((x, y, z), (x + size, y, z), (x + size, y + size, z), (x, y + size, z)))


def test_the_path_names_map_and_contents():
    one = navigation_file(Place(square(Area.SIDEWALK, 1, 1)))
    assert one.path == f"Manyskies/Nav/Somewhere_{hashlib.sha256(one.data).hexdigest()[:12]}.bin"
    assert navigation_file(Place(square(Area.SIDEWALK, 1, 1))) == one
    assert navigation_file(Place(square(Area.SIDEWALK, 1, 2))).path != one.path


def test_a_map_without_pavements_or_with_overlaps_has_no_file():
    assert navigation_file(Place()) is None
    assert navigation_file(Place(square(Area.ROAD, 1, 1))) is None
    assert navigation_file(Place(square(Area.SIDEWALK, 1, 1), square(Area.CROSSWALK, 1, 1))) is None


def test_a_lawn_lies_at_the_origin_only_if_nothing_walkable_is_near():
    near = decode(navigation_file(Place(square(Area.SIDEWALK, 5, -14))).data)
    assert near.areas == (Area.SIDEWALK,)
    for far in (square(Area.SIDEWALK, 40, 3), square(Area.SIDEWALK, 3, 3, z=8.0)):
        mesh = decode(navigation_file(Place(far, square(Area.ROAD, 2, -6))).data)
        assert sorted(mesh.areas) == [Area.SIDEWALK, Area.ROAD, Area.GRASS]
        lawn = [mesh.vertices[corner] for corner in mesh.rings[mesh.areas.index(Area.GRASS)]]
        assert max(abs(value) for point in lawn for value in point) <= 0.5


def test_roads_are_left_out_where_there_are_too_many_polygons():
    roads = [square(Area.ROAD, 10.0 * number, 50.0) for number in range(31000)]
    mesh = decode(navigation_file(Place(square(Area.SIDEWALK, 1, 1), *roads)).data)
    assert mesh.areas == (Area.SIDEWALK,)
