"""Scenarios: what to photograph, as typed values read from YAML; every fault is named with its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from carla_plugin.appearance import LIMITS, OwnAppearance, drawn_weathers, known_names, name_of
from carla_plugin.scenario_parts import (
    CAMERA_PRESETS,
    KINDS,
    SETTLE_PROFILES,
    Camera,
    Capture,
    Part,
    Plane,
    Settle,
    Traffic,
)
from carla_plugin.strict_yaml import Document, Place, ScenarioError, read_yaml
from protocols.carla_rpc.types import WeatherParameters

__all__ = ["Camera", "Capture", "Scenario", "Settle", "Traffic", "load_scenario", "parse_scenario"]

SIZE_LIMIT = 1 << 20
"""Bytes that a scenario file may have."""

BUNDLES_PER_EPISODE_LIMIT = 50
PLANE_BYTES = 4
"""Bytes of a pixel of a plane beside image and mask: depth as float32, instances as uint32."""

Seed = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Scenario(Part, frozen=True):
    """Hold one whole scenario; `scenarios/README.md` explains each key.

    `camera` is the first of `cameras`, and given alone it is the only one.
    """

    seed: Seed
    town: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    appearances: Annotated[tuple[str | OwnAppearance, ...], msgspec.Meta(min_length=1, max_length=64)]
    step_s: Annotated[float, msgspec.Meta(ge=0.001, le=0.1)] = 0.05
    episodes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    bundles: Annotated[int, msgspec.Meta(ge=1, le=BUNDLES_PER_EPISODE_LIMIT)] = BUNDLES_PER_EPISODE_LIMIT
    traffic: Traffic = Traffic()
    camera: Camera = Camera()
    cameras: Annotated[tuple[Camera, ...], msgspec.Meta(max_length=16)] = ()
    planes: Annotated[tuple[Plane, ...], msgspec.Meta(max_length=2)] = ()
    capture: Capture = Capture()
    settle: Settle = Settle()
    name: str = ""  # that of the file unless given

    def __post_init__(self) -> None:
        """Let `camera` and `cameras` say the same."""
        if self.cameras:
            msgspec.structs.force_setattr(self, "camera", self.cameras[0])
        else:
            msgspec.structs.force_setattr(self, "cameras", (self.camera,))

    @property
    def appearance_names(self) -> tuple[str, ...]:
        """Return the appearances' names, in the order of a bundle's images."""
        return tuple(name_of(appearance) for appearance in self.appearances)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Return the cameras' names; one without is called by its number, a single one by nothing."""
        if len(self.cameras) == 1:
            return (self.camera.name,)
        return tuple(camera.name or f"camera{number}" for number, camera in enumerate(self.cameras))

    @property
    def indices(self) -> int:
        """Return how many bundles the whole scenario has: episodes x moments x cameras."""
        return self.episodes * self.bundles * len(self.cameras)

    @property
    def bundle_bytes(self) -> int:
        """Return the largest number of bytes that one bundle's planes can have."""
        pixels = max(camera.width * camera.height for camera in self.cameras)
        return pixels * (3 * len(self.appearances) + 2 + PLANE_BYTES * len(self.planes)) + 1024

    def place_of(self, index: int) -> tuple[int, int, int]:
        """Return episode, moment and camera of a bundle's index, all from 0."""
        rest, camera = divmod(index, len(self.cameras))
        episode, moment = divmod(rest, self.bundles)
        return episode, moment, camera

    def index_of(self, episode: int, moment: int, camera: int = 0) -> int:
        """Return the index of a bundle: a function of the scenario alone, never of what happened."""
        return (episode * self.bundles + moment) * len(self.cameras) + camera

    def weathers(self, seed: int, episode: int) -> dict[str, WeatherParameters]:
        """Return the 14 weather numbers of each appearance in one episode, by name."""
        return drawn_weathers(self.appearances, episode_seed(seed, episode))


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
    for place, message in _rivals(document):
        raise document.fault(place, message)
    try:
        scenario = msgspec.convert(_expanded(document.value), Scenario)
    except msgspec.ValidationError as error:
        raise _explained(document, str(error)) from None
    for place, message in disagreements(scenario):
        raise document.fault(place, message)
    return scenario


def disagreements(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """Yield place and message of each fault that types and ranges do not show."""
    yield from _appearance_faults(scenario.appearances)
    settle, capture, traffic = scenario.settle, scenario.capture, scenario.traffic
    if settle.ceiling_ticks < settle.floor_ticks:
        yield (
            ("settle", "ceiling_ticks"),
            f"expected at least floor_ticks = {settle.floor_ticks}, got {settle.ceiling_ticks}",
        )
    if capture.every_m and capture.where != "drive":
        yield ("capture", "every_m"), f"expected where: drive beside it, got where: {capture.where}"
    if traffic.shares is not None and not any(msgspec.structs.astuple(traffic.shares)):
        yield ("traffic", "shares"), "expected a share above 0, got none"
    if bool(traffic.shares) != bool(traffic.total):
        yield ("traffic",), f"expected total and shares together, got only {'shares' if traffic.shares else 'total'}"
    vehicles = sum(count for kind, count in traffic.counts().items() if kind != "pedestrians")
    if capture.where == "drive" and not vehicles:
        yield ("capture", "where"), "expected a vehicle in traffic for a drive, got none"
    for what, names in (("cameras", scenario.camera_names), ("planes", scenario.planes)):
        for number, name in enumerate(names):
            if name in names[:number]:
                yield (what, number), f"expected each name once, got {name!r} again"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, as editors use it."""
    generated: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Scenario)))
    choices = generated["$defs"]["Scenario"]["properties"]["appearances"]["items"]["anyOf"]
    next(choice for choice in choices if choice.get("type") == "string")["enum"] = list(known_names())
    generated["$defs"]["OwnAppearance"]["properties"]["base"]["enum"] = list(known_names())
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
        raise ScenarioError(f"{reference}:1: expected a scenario of at most {SIZE_LIMIT} bytes, got more")
    try:
        return data.decode("utf-8"), reference
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ScenarioError(f"{reference}:{line}: expected UTF-8 text, got a foreign byte at {error.start}") from None


def _rivals(document: Document) -> Iterator[tuple[Place, str]]:
    """Yield place and message of each key that must not stand beside another."""
    if document.at(("camera",)) is not None and document.at(("cameras",)) is not None:
        yield ("cameras",), "expected camera or cameras, got both"
    if document.at(("cameras",)) == []:
        yield ("cameras",), "expected at least one camera, got none"
    if document.at(("capture", "every_m")) is not None and document.at(("capture", "every_ticks")) is not None:
        yield ("capture", "every_m"), "expected every_ticks or every_m, got both"
    if document.at(("traffic", "shares")) is not None:
        for kind in KINDS:
            if document.at(("traffic", kind)) is not None:
                yield ("traffic", kind), "expected counts or shares, got both"


def _expanded(value: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario's plain value with its presets written out; what is of a wrong type stays as it is."""
    value = dict(value)
    if isinstance(value.get("camera"), dict):
        value["camera"] = _with_preset(value["camera"], "preset", CAMERA_PRESETS)
    if isinstance(value.get("cameras"), list):
        value["cameras"] = [
            _with_preset(camera, "preset", CAMERA_PRESETS) if isinstance(camera, dict) else camera
            for camera in value["cameras"]
        ]
    if isinstance(value.get("settle"), dict):
        value["settle"] = _with_preset(value["settle"], "profile", SETTLE_PROFILES)
    return value


def _with_preset(value: dict[str, Any], key: str, presets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    chosen = value.get(key)
    merged = dict(presets.get(chosen, {})) if isinstance(chosen, str) else {}
    for name, given in value.items():
        inner = merged.get(name)
        merged[name] = {**inner, **given} if isinstance(inner, Mapping) and isinstance(given, dict) else given
    return merged


def _appearance_faults(appearances: Sequence[str | OwnAppearance]) -> Iterator[tuple[Place, str]]:
    known = known_names()
    seen: set[str] = set()
    for number, appearance in enumerate(appearances):
        place: Place = ("appearances", number)
        name = name_of(appearance)
        if isinstance(appearance, OwnAppearance):
            if appearance.base not in known:
                yield (*place, "base"), _not_one_of(known, appearance.base)
            if name in known:
                yield (*place, "name"), f"expected a name of its own, got {name!r}, which is taken"
            for key in WeatherParameters._fields:
                value = getattr(appearance, key)
                low, high = LIMITS[key]
                if isinstance(value, tuple) and not low <= value[0] <= value[1] <= high:
                    yield (*place, key), f"expected [low, high] within {low:g} .. {high:g}, got {list(value)}"
        elif name not in known:
            yield place, _not_one_of(known, name)
        if name in seen:
            yield place, f"expected each name once, got {name!r} again"
        seen.add(name)


def _not_one_of(known: Sequence[str], name: str) -> str:
    return f"expected one of {', '.join(known)}, got {name!r}{_hint(name, known)}"


def _hint(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _explained(document: Document, message: str) -> ScenarioError:
    """Turn msgspec's message into one with path, line and what was got."""
    text, _, where = message.partition(" - at `")
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
    got = document.at(place)
    choice = re.match(r"Invalid enum value (.*)", text)
    if choice:
        options = [option for option in _choices_at(place) if option]
        return document.fault(place, f"expected one of {', '.join(options)}, got {got!r}{_hint(str(got), options)}")
    text = text.replace("`", "").replace("Expected", "expected")
    if ", got " not in text:
        text = f"{text}, got {got!r}"
    elif isinstance(got, str | int | float):
        text = f"{text} {got!r}"
    return document.fault(place, text)


def _type_at(place: Place) -> Any:
    """Return the type that is expected at a place of the file; of items and unions the one that holds keys."""
    kind: Any = Scenario
    for key in place:
        if isinstance(key, int):
            continue
        struct = _struct_in(kind)
        kind = next(field.type for field in msgspec.structs.fields(struct) if field.name == key)
    return kind


def _struct_in(kind: Any) -> Any:
    """Return the struct within a type such as `tuple[str | Struct, ...]`, or None."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    found = (_struct_in(inner) for inner in get_args(kind))
    return next((struct for struct in found if struct is not None), None)


def _fields_at(place: Place) -> list[str]:
    """Return the keys that are known at a place of the file."""
    return [field.name for field in msgspec.structs.fields(_struct_in(_type_at(place)))]


def _choices_at(place: Place) -> list[str]:
    """Return the words that are known at a place of the file."""

    def words(kind: Any) -> list[str]:
        return [word for inner in get_args(kind) for word in ([inner] if isinstance(inner, str) else words(inner))]

    return words(_type_at(place))


if __name__ == "__main__":  # writes the schema that ships: python -m carla_plugin.scenario > scenarios/schema.json
    print(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
