"""Reports: what `show_recorder_*` says about a recording, laid out as CARLA lays it out."""

from __future__ import annotations

import time
from collections.abc import Iterator

from carla_plugin.simulator.recorder import frames
from carla_plugin.simulator.recorder.frames import Birth, Frame, Recording

LETTERS = {frames.VEHICLE: "v", frames.WALKER: "w", frames.TRAFFIC_LIGHT: "t", frames.OTHER: "o", frames.HERO: "h"}
STATES = ("Red", "Yellow", "Green", "Off", "Unknown")


def file_info(recording: Recording, everything: bool) -> str:
    """Return the frames with what happened in them.

    Args:
        recording: to tell of.
        everything: whether to list places, lights and controls of every frame too.
    """
    lines = list(_head(recording))
    for frame in recording.frames:
        told = list(_events(frame)) + (list(_details(frame)) if everything else [])
        if told:
            lines += [f"Frame {frame.number} at {frame.elapsed_s:g} seconds", *told]
    return "\n".join([*lines, *_tail(recording)])


def collisions(recording: Recording, first: str, second: str) -> str:
    """Return the collisions between two kinds.

    Args:
        recording: to tell of.
        first: letter of one party: h hero, v vehicle, w walker, t traffic light, o other, a any.
        second: letter of the other.
    """
    lines = [*_head(recording), f"{'Time':>8} {'Types':>6} {'Id':>6} {'Actor 1':<35} {'Id':>6} Actor 2"]
    known: dict[int, Birth] = {}
    last: set[tuple[int, int]] = set()
    for frame in recording.frames:
        known |= {birth.actor: birth for birth in frame.births}
        now = {(blow.first, blow.second) for blow in frame.blows}
        for pair in sorted(now - last):
            one, two = (_party(known, number) for number in pair)
            if any(_meets(one, a) and _meets(two, b) for a, b in ((first, second), (second, first))):
                types = f"{one[0][-1]} {two[0][-1]}"
                lines.append(f"{frame.elapsed_s:>8.0f} {types:>6} {pair[0]:>6} {one[1]:<35} {pair[1]:>6} {two[1]}")
        last = now
    return "\n".join([*lines, *_tail(recording)])


def blocked(recording: Recording, min_time_s: float, min_distance_cm: float) -> str:
    """Return the vehicles that hardly moved for a while.

    Args:
        recording: to tell of.
        min_time_s: shortest while.
        min_distance_cm: what is less counts as standing.
    """
    names: dict[int, str] = {}
    stands: dict[int, tuple[float, tuple[float, float, float]]] = {}
    found: list[tuple[float, int, float]] = []
    for frame in recording.frames:
        names |= {birth.actor: birth.description.id for birth in frame.births if birth.kind == frames.VEHICLE}
        for number in names:
            place = frame.places.get(number)
            if place is None:
                continue
            since, where = stands.setdefault(number, (frame.elapsed_s, place.location))
            gone = sum((a - b) ** 2 for a, b in zip(place.location, where, strict=True)) ** 0.5 * 100.0
            if gone > min_distance_cm:
                if frame.elapsed_s - since >= min_time_s:
                    found.append((since, number, frame.elapsed_s - since))
                stands[number] = frame.elapsed_s, place.location
    end_s = recording.duration_s
    found += [(since, number, end_s - since) for number, (since, _) in stands.items() if end_s - since >= min_time_s]
    lines = [*_head(recording), f"{'Time':>8} {'Id':>6} {'Actor':<35} {'Duration':>10}"]
    lines += [
        f"{since:>8.0f} {number:>6} {names[number]:<35} {lasted:>10.0f}" for since, number, lasted in sorted(found)
    ]
    return "\n".join([*lines, *_tail(recording)])


def _head(recording: Recording) -> Iterator[str]:
    yield "Version: 1"
    yield f"Map: {recording.map_name}"
    yield f"Date: {time.strftime('%m/%d/%y %H:%M:%S', time.gmtime(recording.date_s))}"
    yield ""


def _tail(recording: Recording) -> Iterator[str]:
    yield ""
    yield f"Frames: {len(recording.frames)}"
    yield f"Duration: {recording.duration_s:g} seconds"
    yield ""


def _events(frame: Frame) -> Iterator[str]:
    for birth in frame.births:
        x, y, z = (100.0 * each for each in birth.place.location)
        yield f" Create {birth.actor}: {birth.description.id} ({birth.kind}) at ({x:g}, {y:g}, {z:g})"
        yield from (f"  {each.id} = {each.value}" for each in birth.description.attributes)
    yield from (f" Destroy {number}" for number in frame.deaths)
    yield from (f" Parenting {number} with {parent} (parent)" for number, parent in frame.parents.items())
    yield from (f" Collision id {blow.number} between {blow.first} with {blow.second}" for blow in frame.blows)


def _details(frame: Frame) -> Iterator[str]:
    yield f" Positions: {len(frame.places)}"
    for number, (location, (pitch, yaw, roll)) in frame.places.items():
        x, y, z = (100.0 * each for each in location)
        yield f"  Id: {number} Location: ({x:g}, {y:g}, {z:g}) Rotation ({roll:g}, {pitch:g}, {yaw:g})"
    yield f" State traffic lights: {len(frame.lights)}"
    for number, light in frame.lights.items():
        state = STATES[light.state] if light.state < len(STATES) else str(light.state)
        yield f"  Id: {number} State: {state} Frozen: {int(light.frozen)} Elapsed time: {light.elapsed_s:g}"
    yield f" Vehicle animations: {len(frame.vehicles)}"
    for number, control in frame.vehicles.items():
        pedals = f"Steering: {control.steer:g} Throttle: {control.throttle:g} Brake: {control.brake:g}"
        yield f"  Id: {number} {pedals} Handbrake: {int(control.hand_brake)} Gear: {control.gear}"
    yield f" Walker animations: {len(frame.walkers)}"
    yield from (f"  Id: {number} speed: {speed:g}" for number, speed in frame.walkers.items())


def _party(known: dict[int, Birth], number: int) -> tuple[str, str]:
    """Return the letters that an actor answers to, the one to show last, and its blueprint."""
    birth = known.get(number)
    if birth is None:
        return "ao", "static"
    hero = any(each.id == "role_name" and each.value == "hero" for each in birth.description.attributes)
    letter = LETTERS.get(birth.kind, "o")
    return ("a" + letter + "h" if hero else "a" + letter), birth.description.id


def _meets(party: tuple[str, str], letter: str) -> bool:
    return letter in party[0]
