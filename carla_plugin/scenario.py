"""Scenarios: what to photograph, as typed values read from YAML; every fault is named with its place."""

from __future__ import annotations

import hashlib
import re
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec

from carla_plugin.appearance import known_names
from carla_plugin.strict_yaml import Document, ScenarioError, read_yaml

SIZE_LIMIT = 1 << 20
"""Bytes that a scenario file may have."""

BUNDLES_PER_EPISODE_LIMIT = 50

Count = Annotated[int, msgspec.Meta(ge=0, le=500)]
Side = Annotated[int, msgspec.Meta(ge=16, le=8192)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Metres = Annotated[float, msgspec.Meta(ge=-20.0, le=20.0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuse unknown keys and changes."""


class Traffic(_Part, frozen=True):
    """Say how many of each kind take part, and for how long they run before the first moment."""

    cars: Count = 20
    vans: Count = 2
    trucks: Count = 3
    buses: Count = 1
    motorcycles: Count = 4
    bicycles: Count = 4
    parked: Count = 6
    pedestrians: Count = 30
    crossing_share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.2
    radius_m: Annotated[float, msgspec.Meta(ge=0.0, le=10_000.0)] = 0.0
    warm_up_ticks: Annotated[int, msgspec.Meta(ge=1, le=20000)] = 100


class Mount(_Part, frozen=True):
    """Say where the camera sits: metres and degrees relative to the lane's surface under it."""

    z_m: Annotated[float, msgspec.Meta(ge=0.2, le=20.0)] = 1.6
    y_m: Metres = 0.0
    pitch_deg: Annotated[float, msgspec.Meta(ge=-89.0, le=89.0)] = -2.0
    yaw_deg: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)] = 0.0


class Camera(_Part, frozen=True):
    """Say what the camera sees: size in pixels, horizontal field of view in degrees, mount."""

    width: Side = 512
    height: Side = 256
    fov_deg: Annotated[float, msgspec.Meta(ge=5.0, le=170.0)] = 90.0
    mount: Mount = Mount()


class Capture(_Part, frozen=True):
    """Say when and where moments are kept: every so many ticks, the best of some views."""

    every_ticks: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 10
    candidates: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    view_m: Annotated[float, msgspec.Meta(ge=5.0, le=200.0)] = 40.0
    free_ahead_m: Annotated[float, msgspec.Meta(ge=0.0, le=50.0)] = 4.0


class Settle(_Part, frozen=True):
    """Say when an image counts as settled: ticks at least and at most, and the grain it may differ by."""

    floor_ticks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 2
    ceiling_ticks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    grain: Annotated[float, msgspec.Meta(ge=0.0, le=64.0)] = 0.5


class Scenario(_Part, frozen=True):
    """Hold one whole scenario; `scenarios/README.md` explains each key."""

    seed: Seed
    town: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    appearances: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    step_s: Annotated[float, msgspec.Meta(ge=0.001, le=0.1)] = 0.05
    episodes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    bundles: Annotated[int, msgspec.Meta(ge=1, le=BUNDLES_PER_EPISODE_LIMIT)] = BUNDLES_PER_EPISODE_LIMIT
    traffic: Traffic = Traffic()
    camera: Camera = Camera()
    capture: Capture = Capture()
    settle: Settle = Settle()
    name: str = ""  # that of the file unless given

    @property
    def bundle_bytes(self) -> int:
        """Return the largest number of bytes that one bundle's planes can have."""
        pixels = self.camera.width * self.camera.height
        return pixels * 3 * len(self.appearances) + 2 * pixels + 1024


def episode_seed(seed: int, episode: int) -> int:
    """Return the 63-bit seed of one episode, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{episode}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def shipped_names() -> list[str]:
    """Return the bare names of the scenarios that ship with the package."""
    files = resources.files("scenarios").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_scenario(reference: str) -> Scenario:
    """Read a scenario from a file, or by bare name from those that ship with the package.

    Args:
        reference: a path (with a slash or a suffix), or a name such as `smoke`.

    Raises:
        ScenarioError: no such file, too large, not YAML, or a key is unknown, double, missing, of wrong type or out
            of range; the message names file, line and key, and quotes the line.
    """
    text, label = _read(reference)
    scenario = parse_scenario(text, label)
    if scenario.name:
        return scenario
    return msgspec.structs.replace(scenario, name=Path(label).name.removesuffix(".yaml").removesuffix(".yml"))


def parse_scenario(text: str, label: str) -> Scenario:
    """Read a scenario from YAML text; `label` names it in messages.

    Raises:
        ScenarioError: as `load_scenario`.
    """
    document = read_yaml(text, label)
    try:
        scenario = msgspec.convert(document.value, Scenario)
    except msgspec.ValidationError as error:
        raise _explained(document, str(error)) from None
    _check_appearances(document, scenario)
    if scenario.settle.ceiling_ticks < scenario.settle.floor_ticks:
        raise document.fault(
            ("settle", "ceiling_ticks"),
            f"expected at least floor_ticks = {scenario.settle.floor_ticks}, got {scenario.settle.ceiling_ticks}",
        )
    return scenario


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, as editors use it."""
    generated = msgspec.json.schema(Scenario)
    names = generated["$defs"]["Scenario"]["properties"]["appearances"]["items"]
    names["enum"] = list(known_names())
    return generated


def _read(reference: str) -> tuple[str, str]:
    """Return the text and the label of a scenario."""
    if "/" not in reference and "." not in reference and "\\" not in reference:
        if reference not in shipped_names():
            raise ScenarioError(
                f"scenario {reference!r}: expected a file or one of {', '.join(shipped_names())}"
                f"{_hint(reference, shipped_names())}"
            )
        file = resources.files("scenarios") / f"{reference}.yaml"
        return file.read_text(encoding="utf-8"), f"{reference}.yaml"
    path = Path(reference)
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ScenarioError(f"{reference}: expected a readable scenario file, got: {error.strerror}") from None
    if len(data) > SIZE_LIMIT:
        raise ScenarioError(f"{reference}: expected a scenario of at most {SIZE_LIMIT} bytes, got more")
    try:
        return data.decode("utf-8"), reference
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{reference}: expected UTF-8 text, got a foreign byte at {error.start}") from None


def _check_appearances(document: Document, scenario: Scenario) -> None:
    seen: set[str] = set()
    for number, name in enumerate(scenario.appearances):
        place = ("appearances", number)
        if name not in known_names():
            raise document.fault(
                place, f"expected one of {', '.join(known_names())}, got {name!r}{_hint(name, known_names())}"
            )
        if name in seen:
            raise document.fault(place, f"expected each name once, got {name!r} again")
        seen.add(name)


def _hint(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _explained(document: Document, message: str) -> ScenarioError:
    """Turn msgspec's message into one with path, line and what was got."""
    text, _, where = message.partition(" - at `$")
    place: tuple[str | int, ...] = tuple(
        int(index) if index else key for key, index in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", where)
    )
    unknown = re.match(r"Object contains unknown field `(.*)`", text, re.DOTALL)
    if unknown:
        fields = _fields_at(place)
        return document.fault(
            (*place, unknown[1]), f"unknown key; expected one of {', '.join(fields)}{_hint(unknown[1], fields)}"
        )
    missing = re.match(r"Object missing required field `(.*)`", text)
    if missing:
        return document.fault(place, f"expected the key {missing[1]}, got none")
    text = text.replace("`", "").replace("Expected", "expected")
    if ", got " not in text:
        text = f"{text}, got {document.at(place)!r}"
    elif isinstance(document.at(place), str | int | float):
        text = f"{text} {document.at(place)!r}"
    return document.fault(place, text)


def _fields_at(place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are known at a place of the file."""
    kind: Any = Scenario
    for key in place:
        kind = next(field.type for field in msgspec.structs.fields(kind) if field.name == key)
    return [field.name for field in msgspec.structs.fields(kind)]


if __name__ == "__main__":  # writes the schema that ships: python -m carla_plugin.scenario > scenarios/schema.json
    print(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
