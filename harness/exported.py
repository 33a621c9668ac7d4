"""Folders that `carla-plugin export` wrote in Cityscapes' layout: the images of a moment are found together again.

Such a folder has a "city" for each town and appearance, `leftImg8bit/train/Grid-07-noon`; its files end with the
numbers of episode and bundle. A note, `export-train-Grid-07.json`, says town and, in their order, appearances and
their cities.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.pictures import read_label_ids, read_train_ids
from harness.source_folders import Folder, Moment
from protocols.errors import InputError

IMAGES, LABELS = "leftImg8bit", "gtFine"
NAME = re.compile(rf"(?P<city>.+)_(?P<episode>\d+)_(?P<index>\d+)_{IMAGES}\.png")
ENCODINGS = {"labelTrainIds": read_train_ids, "labelIds": read_label_ids}
"""Ends of the labels' names, in order of preference."""
NOTE_LIMIT = 1 << 16
"""Bytes of the note that are read."""


class Town(NamedTuple):
    """Say what one exported recording has.

    Attributes:
        name: the map.
        prefix: what its cities' names begin with.
        cities: appearance of each city, in the order of the bundles' images.
    """

    name: str
    prefix: str
    cities: dict[str, str]


def exported(place: Path) -> Folder:
    """Find the moments of an exported split, in the order of their bundles' indices.

    Args:
        place: the root, whose split "train" is meant; or that of another split, `ROOT/leftImg8bit/val`.

    Raises:
        InputError: no such split, or none that `carla-plugin export` wrote.
    """
    root, split = (place.parent.parent, place.name) if place.parent.name == IMAGES else (place, "train")
    cities = sorted(path.name for path in (root / IMAGES / split).glob("*") if path.is_dir())
    if not cities:
        others = ", ".join(f"export:{path}" for path in sorted((root / IMAGES).glob("*")) if path.is_dir())
        raise InputError(
            f"export:{place}: expected images at {root / IMAGES / split}/*/*_{IMAGES}.png, found none"
            + (f"; there is {others}" if others else "")
        )
    towns = _towns(root, split, cities)
    if not towns:
        raise InputError(
            f"export:{place}: expected a note of `carla-plugin export` at {root}/export-{split}-*.json, found none"
        )
    encoding = next((each for each in ENCODINGS if any((root / LABELS / split).glob(f"*/*_{each}.png"))), "labelIds")
    found = [each for town in towns for each in _moments(root, split, town, encoding)]
    whole = [moment for _, moment, is_whole in sorted(found) if is_whole]
    if not whole:
        raise InputError(
            f"export:{place}: expected moments with images under {', '.join(towns[0].cities.values())}, found none"
        )
    return Folder("export", whole, ENCODINGS[encoding], shuffled=False, unfinished=len(found) - len(whole))


def _towns(root: Path, split: str, cities: list[str]) -> list[Town]:
    """Return the towns whose notes are there, each with its cities; "Town01-Opt-noon" is none of Town01's."""
    start = f"export-{split}-"
    notes = {f"{file.stem.removeprefix(start)}-": _note(file) for file in sorted(root.glob(f"{start}*.json"))}
    mine = defaultdict(list)
    for city in cities:
        prefixes = [prefix for prefix in notes if city.startswith(prefix)]
        if prefixes:
            mine[max(prefixes, key=len)].append(city)
    towns = []
    for prefix, found in mine.items():
        said = {city: appearance for appearance, city in notes[prefix].get("appearances", {}).items()}
        named = {city: said.get(city, city.removeprefix(prefix)) for city in [*said, *found]}
        towns.append(Town(str(notes[prefix].get("town", prefix[:-1])), prefix, named))
    return towns


def _note(file: Path) -> dict[str, Any]:
    """Read a note; notes of older exports do not say appearances.

    Raises:
        InputError: it is none.
    """
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(NOTE_LIMIT))
        if all(type(text) is str for pair in found.get("appearances", {}).items() for text in pair):
            return dict(found)
    except (OSError, ValueError, AttributeError):
        pass
    raise InputError(f"{file}: expected a note of `carla-plugin export`, got something else")


def _moments(root: Path, split: str, town: Town, encoding: str) -> Iterator[tuple[tuple[Any, ...], Moment, bool]]:
    """Yield place in the order, moment, and whether all its images are there."""
    images: dict[tuple[int, int], dict[str, Path]] = defaultdict(dict)
    for city in town.cities:
        for file in (root / IMAGES / split / city).glob(f"*_{IMAGES}.png"):
            said = NAME.fullmatch(file.name)
            if said is not None and said["city"] == city:
                images[int(said["index"]), int(said["episode"])][city] = file
    for (index, episode), files in images.items():
        there = [city for city in town.cities if city in files]
        stem = files[there[0]].name.removesuffix(f"_{IMAGES}.png")
        moment = Moment(
            name=f"{town.name}:{episode}:{index}",
            town=town.name,
            appearances=tuple(town.cities[city] for city in there),
            images=tuple(files[city] for city in there),
            label=root / LABELS / split / there[0] / f"{stem}_{LABELS}_{encoding}.png",
        )
        yield (index, town.name, episode), moment, len(there) == len(town.cities)
