"""Scenery, lamps and backdrop of a hand-made town of three things."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from carla_plugin.simulator.assets.shapes import Finish, as_one, box
from carla_plugin.simulator.backdrop import Backdrop
from carla_plugin.simulator.lamps import INTENSITY, TOLD_TICKS, StreetLamps
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import join
from carla_plugin.simulator.render.dressing import AS_BUILT, LampState
from carla_plugin.simulator.render.hiding import Bulbs, Hiding
from carla_plugin.simulator.scenery import ALL_LAYERS, ANY, Scenery

BUILDING, POLE, VEGETATION = 3, 6, 9
LAYER_BUILDINGS, LAYER_FOLIAGE, LAYER_LAMPS = 1, 4, 128


def block(tag: int, size: tuple[float, float, float], material: Material = Material.PLAIN):
    return box((0.0, 0.0, size[2] / 2), size, Finish(material, tag, (90, 90, 90)))


class Town(SimpleNamespace):
    """A town that can be a key, as ours are: equal only to itself."""

    __hash__ = object.__hash__


@pytest.fixture
def town() -> Town:
    house = block(BUILDING, (10.0, 6.0, 8.0)).placed(20.0, 5.0, 0.0, 30.0)
    lamp = as_one([block(POLE, (0.2, 0.2, 6.0)), block(POLE, (0.4, 0.4, 0.2), Material.STREET_LAMP)])
    planted = as_one([block(20, (2.0, 1.0, 0.5)), block(VEGETATION, (1.0, 1.0, 1.5))]).placed(0.0, -4.0)
    return Town(scene=join([house, lamp, planted]), lamps=np.array([[0.0, 0.0, 0.1]], np.float32))


def test_a_thing_is_measured_along_its_own_walls(town):
    (house,) = Scenery(town).tagged(BUILDING)
    assert house.box.rotation.yaw % 90.0 == pytest.approx(30.0, abs=1e-3)
    np.testing.assert_allclose(sorted(house.box.extent[:2]), [3.0, 5.0], atol=1e-4)
    np.testing.assert_allclose(house.box.location, [20.0, 5.0, 4.0], atol=1e-4)
    np.testing.assert_allclose(house.place.location, [20.0, 5.0, 0.0], atol=1e-4)


def test_a_thing_of_two_tags_is_two_things_of_one_part(town):
    scenery = Scenery(town)
    (leaves,) = scenery.tagged(VEGETATION)
    (tub,) = scenery.tagged(20)
    assert leaves.part == tub.part
    assert leaves.id != tub.id
    assert len({thing.id for thing in scenery.tagged(ANY)}) == len(scenery.things) == 4
    assert leaves.name == f"Vegetation_{leaves.part:04d}"


def test_layers_hold_what_their_names_say(town):
    scenery = Scenery(town)
    assert scenery.parts(LAYER_BUILDINGS) == {0}
    assert scenery.parts(LAYER_FOLIAGE) == {2}
    assert scenery.parts(LAYER_LAMPS) == {1}
    assert scenery.parts(0) == frozenset()


def test_a_backdrop_is_as_built_until_it_is_changed_and_again_when_all_is_back(town):
    backdrop = Backdrop(town)
    assert backdrop.dressing is AS_BUILT
    backdrop.set_layers(ALL_LAYERS & ~LAYER_BUILDINGS)
    assert backdrop.dressing.gone == {0}
    (house,) = backdrop.scenery.tagged(BUILDING)
    backdrop.show([house.id, 12_345], False)
    assert backdrop.dressing.unseen == frozenset()  # it is gone already
    backdrop.set_layers(ALL_LAYERS)
    assert (backdrop.dressing.gone, backdrop.dressing.unseen) == (frozenset(), {0})
    backdrop.show([house.id], True)
    assert backdrop.dressing is AS_BUILT


def test_clients_are_told_of_lamps_until_they_ask_or_are_gone(town):
    lamps = StreetLamps(town)
    lamps.ask("one")
    lamps.ask("two")
    lamps.change("one", {0: replace(lamps.lamps[0], lit=False)}, spare_client=True)
    assert lamps.pending
    lamps.ask("two")
    assert not lamps.pending
    lamps.change("one", {0: replace(lamps.lamps[0], lit=True), 99: lamps.lamps[0]}, spare_client=False)
    for _ in range(TOLD_TICKS):
        assert lamps.pending
        lamps.tick()
    assert not lamps.pending


def test_a_lamp_says_only_how_it_differs(town):
    lamp = StreetLamps(town).lamps[0]
    assert lamp.state() is None
    assert replace(lamp, lit=False).state() == LampState(lit=False)
    assert replace(lamp, intensity=2 * INTENSITY).state() == LampState(strength=2.0)


def test_hidden_parts_have_no_area_and_come_back_to_the_bit():
    built = np.arange(27, dtype=np.float32).reshape(3, 3, 3) ** 2
    corners, part = built.copy(), np.array([70, 71, 70], np.uint32)
    hiding = Hiding()
    hiding.hide(frozenset([0]), corners, part, 70)
    np.testing.assert_array_equal(corners[[0, 2], 1], corners[[0, 2], 0])
    np.testing.assert_array_equal(corners[1], built[1])
    hiding.hide(frozenset([1]), corners, part, 70)
    np.testing.assert_array_equal(corners[[0, 2]], built[[0, 2]])
    hiding.hide(frozenset(), corners, part, 70)
    np.testing.assert_array_equal(corners, built)


def test_only_the_bulbs_of_a_dark_lamp_go_out():
    corners = np.zeros((3, 3, 3), np.float32)
    corners[1] += 50.0
    material = np.array([Material.STREET_LAMP, Material.STREET_LAMP, Material.METAL], np.uint8)
    bulbs = Bulbs(np.array([[0.0, 0.0, 0.0], [50.0, 50.0, 50.0]], np.float32), corners, material)
    bulbs.switch_off(frozenset([1]), material)
    assert material.tolist() == [Material.STREET_LAMP, Material.GLASS, Material.METAL]
    bulbs.switch_off(frozenset(), material)
    assert material.tolist() == [Material.STREET_LAMP, Material.STREET_LAMP, Material.METAL]
