"""Draw a contact sheet of each scenario that ships, for eyes, and print its class shares beside Cityscapes'."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

import supply

from carla_plugin.capture import Identity, RefusedBundleError, capture_moment
from carla_plugin.replay import plan_episode, staged
from carla_plugin.scenario import Scenario, load_scenario, shipped_names
from carla_plugin.world.connection import World
from carla_plugin.world.streets import Streets
from protocols.bundle import Bundle
from protocols.labels import NAMES_16, palette, tag_to_class16

CITYSCAPES = dict(
    zip(
        NAMES_16,
        (37, 6, 23, 0.7, 0.9, 1.2, 0.2, 0.6, 16, 4, 1.2, 0.14, 7, 0.27, 0.1, 0.41),
        strict=True,
    )
)
"""Percent of the labelled pixels, read off figure 3 (logarithmic) of Cordts et al., CVPR 2016: approximate."""

TILE = (256, 128)


def row(bundle: Bundle) -> NDArray[np.uint8]:
    """Return an RGB strip of a bundle: its appearances, then mask and planes, as small tiles."""
    tiles = [*bundle.images, palette()[bundle.mask]]
    for name, plane in bundle.extras.items():
        shown = 255.0 * np.exp(-plane / 30.0) if name == "depth" else plane.astype(np.uint32) * 2654435761 % 255
        tiles.append(np.repeat(shown.astype(np.uint8)[..., None], 3, axis=2))
    return np.concatenate([cv2.resize(tile, TILE, interpolation=cv2.INTER_AREA) for tile in tiles], axis=1)


def bundles_of(scenario: Scenario, port: int, episodes: int, moments: int) -> list[Bundle]:
    """Photograph some moments of the first episodes, spread over each."""
    found: list[Bundle] = []
    with World.connect("127.0.0.1", port, scenario.town, scenario.step_s) as world:
        streets = Streets.read(world)
        for episode in range(min(episodes, scenario.episodes)):
            layouts = plan_episode(world, streets, scenario, scenario.seed, episode)
            with staged(world, layouts, scenario) as stage:
                for number in np.linspace(0, scenario.bundles - 1, moments).astype(int).tolist():
                    stage.place(layouts.moments[number])
                    index = scenario.index_of(episode, number)
                    identity = Identity(scenario.name, scenario.seed, episode, index, world.town)
                    try:
                        weathers = scenario.weathers(scenario.seed, episode)
                        found += capture_moment(stage, scenario, weathers, identity, {})
                    except RefusedBundleError as refusal:
                        print(f"{scenario.name}: refused: {refusal}")
    return found


def shares(bundles: list[Bundle]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of pixels of each of the 16 classes, and in how many bundles it has more than 0.1 %."""
    table = tag_to_class16()
    each = [np.bincount(table[bundle.mask].ravel(), minlength=256)[:16] / bundle.mask.size for bundle in bundles]
    return np.mean(each, axis=0), np.mean(np.array(each) > 0.001, axis=0)


def main() -> None:
    """Write a sheet of each scenario, and print the shares of their classes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=shipped_names(), metavar="SCENARIO")
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--moments", type=int, default=4, help="of each episode")
    parser.add_argument("--width", type=int, help="of the images; smaller is faster (default: the scenario's)")
    parser.add_argument("--out", type=Path, default=Path("out/look"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    columns: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for name in arguments.scenarios:
        scenario = resized(load_scenario(name), arguments.width)
        with supply.simulator(scenario.town) as (_, port):
            bundles = bundles_of(scenario, port, arguments.episodes, arguments.moments)
        columns[scenario.name] = shares(bundles)
        picture = np.concatenate([row(bundle) for bundle in bundles])
        cv2.imwrite(str(arguments.out / f"{scenario.name}.png"), picture[..., ::-1])
    print("percent of the pixels (and of the bundles in which it has more than 0.1 %)")
    print(f"{'':14s}{'Cityscapes':>12s}" + "".join(f"{name:>16s}" for name in columns))
    for number, label in enumerate(NAMES_16):
        cells = "".join(f"{100 * part[number]:9.2f} ({100 * seen[number]:3.0f})" for part, seen in columns.values())
        print(f"{label:14s}{CITYSCAPES[label]:11.2f}~" + cells)
    print("~ approximate: read off figure 3 of Cordts et al., The Cityscapes Dataset, CVPR 2016")
    print(f"sheets in {arguments.out}")


def resized(scenario: Scenario, width: int | None) -> Scenario:
    """Return the scenario with cameras of another width and the same shape."""
    if width is None:
        return scenario
    cameras = tuple(
        msgspec.structs.replace(camera, width=width, height=round(width * camera.height / camera.width))
        for camera in scenario.cameras
    )
    return msgspec.structs.replace(scenario, cameras=cameras)


if __name__ == "__main__":
    main()
