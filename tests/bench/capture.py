"""Where a bundle's time goes, the plugin's own share of it, conversion against memcpy, and what each profile gives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Any
from unittest import mock

import cv2
import msgspec
import numpy as np
import supply
from goals import Goal

from carla_plugin import capture
from carla_plugin.certificate import Certificate
from carla_plugin.channel import Channel
from carla_plugin.pixels import rgb_into
from carla_plugin.replay import Stage, plan_episode, staged
from carla_plugin.scenario import Scenario, load_scenario
from carla_plugin.scenario_parts import SETTLE_PROFILES, Settle
from carla_plugin.world.cameras import CameraRig
from carla_plugin.world.connection import World
from carla_plugin.world.streets import Streets
from protocols.bundle import encode_bundle

OURS = ("conversion", "checking", "sending")
"""What is not the server's work; all else waits for it."""

READER = """
from io import FileIO
from carla_plugin.channel import Channel
from protocols.bundle import decode_bundle
channel = Channel(FileIO(0), FileIO(1, "w"))
while (note := channel.receive()) is not None:
    decode_bundle(note.frames)
"""


class Stopwatch:
    """Add up seconds by name; what is measured within something else is taken off it."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.seconds: Counter[str] = Counter()
        self._within = [0.0]

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that measures another."""

        def measured(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            self._within.append(0.0)
            try:
                return work(*arguments, **named)
            finally:
                took = time.perf_counter() - began
                self.seconds[name] += took - self._within.pop()
                self._within[-1] += took

        return measured

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure all steps of a capture."""
        steps = (
            (World, "tick", "server: ticks"),
            (World, "set_weather", "server: weather"),
            (Stage, "place", "server: placing"),
            (CameraRig, "_next", "server: drawing, transfer"),
            (capture, "rgb_into", "conversion"),
            (capture, "tags_into", "conversion"),
            (capture, "capture_moment", "checking"),  # all of it that is nothing else
        )
        for place, name, what in steps:
            patch = mock.patch.object(place, name, self.around(what, getattr(place, name)))
            patch.start()
        try:
            yield
        finally:
            mock.patch.stopall()


@contextmanager
def parent_process() -> Iterator[Channel]:
    """Yield a channel to a process that takes bundles out of the pipe, as `stream` does."""
    reader = subprocess.Popen([sys.executable, "-c", READER], stdin=subprocess.PIPE)
    try:
        with open(os.devnull, "rb", buffering=0) as nothing:
            yield Channel(nothing, FileIO(reader.stdin.fileno(), "w", closefd=False))
    finally:
        reader.stdin.close()
        reader.wait()


def best_ms(work: Callable[[], object], rounds: int = 60) -> float:
    """Return the milliseconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000.0 * min(times)


def converting() -> dict[str, float]:
    """Measure BGRA to RGB into given memory beside copying the same BGRA bytes."""
    cv2.setNumThreads(1)
    found = {}
    for width, height in ((1024, 512), (2048, 1024)):
        image = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
        out, copy = np.empty((height, width, 3), np.uint8), np.empty_like(image)
        rgb_into(image, out)
        np.copyto(copy, image)
        convert, memcpy = (
            best_ms(lambda i=image, o=out: rgb_into(i, o)),
            best_ms(lambda i=image, c=copy: np.copyto(c, i)),
        )
        found |= {f"convert_{width}_ms": convert, f"memcpy_{width}_ms": memcpy, f"ratio_{width}": convert / memcpy}
    return found


def photographing(stage: Stage, scenario: Scenario, channel: Channel, bundles: int) -> dict[str, Any]:
    """Photograph moments and return seconds a bundle by step; the first, for which all is drawn anew, is not timed."""
    weathers = scenario.weathers(scenario.seed, 0)
    watch = Stopwatch()
    send = watch.around("sending", lambda bundle: channel.send("bundle", encode_bundle(bundle)))
    ticks, wall = [], 0.0
    with watch.watching():
        for number in range(bundles + 1):
            if number == 1:
                watch.seconds.clear()
                ticks.clear()
                wall = time.perf_counter()
            stage.place(stage.layouts.moments[number])
            identity = capture.Identity(scenario.name, scenario.seed, 0, number, stage.layouts.town)
            for bundle in capture.capture_moment(stage, scenario, weathers, identity, {}):
                send(bundle)
                ticks.append(sum(Certificate.from_meta(bundle.header.meta).settle_ticks))
    wall = time.perf_counter() - wall
    steps = {name: spent / bundles for name, spent in watch.seconds.most_common()}
    own = sum(steps.get(name, 0.0) for name in OURS)
    return {
        "bundles_per_s": bundles / wall,
        "steps_s": steps,
        "own_share": own * bundles / wall,
        "ticks": float(np.mean(ticks)),
    }


def profiled(name: str, bundles: dict[str, int]) -> dict[str, Any]:
    """Measure a scenario on our simulator under each settle profile, on one plan."""
    scenario = msgspec.structs.replace(load_scenario(name), bundles=max(bundles.values()) + 1)
    found: dict[str, Any] = {"size": f"{scenario.camera.width}x{scenario.camera.height}"}
    found["appearances"] = len(scenario.appearances)
    with (
        supply.simulator(scenario.town) as (_, port),
        World.connect("127.0.0.1", port, scenario.town, scenario.step_s) as world,
        parent_process() as channel,
    ):
        layouts = plan_episode(world, Streets.read(world), scenario, scenario.seed, 0)
        for profile, count in bundles.items():
            settle = Settle(profile=profile, **SETTLE_PROFILES[profile])
            with staged(world, layouts, scenario) as stage:
                found[profile] = photographing(stage, msgspec.structs.replace(scenario, settle=settle), channel, count)
    return found


def measured(name: str = "four_skies", bundles: int = 12) -> tuple[dict[str, Any], list[Goal]]:
    """Return all of it, and say it as it comes."""
    print("capture ...", file=sys.stderr)
    convert = converting()
    print("\nBGRA to RGB into given memory: copying the BGRA bytes = 1")
    for width in (1024, 2048):
        print(f"  {width} wide: {convert[f'ratio_{width}']:.2f} ({convert[f'convert_{width}_ms']:.2f} ms)")
    found = profiled(name, {"default": bundles, "carla": max(2, bundles // 3)})
    print(f"where a bundle's time goes, {name}: {found['size']}, {found['appearances']} appearances, our simulator")
    goals = []
    for profile in SETTLE_PROFILES:
        one = found[profile]
        goals.append(Goal(f"capture: the plugin's own share, {profile}", one["own_share"], 0.1, form=".1%"))
        print(f"  {profile}: {one['bundles_per_s']:.2f} bundles/s, {one['ticks']:.0f} ticks to settle a bundle")
        for step, spent in one["steps_s"].items():
            print(f"    {step:26s} {1000 * spent:7.1f} ms  {spent * one['bundles_per_s']:6.1%}")
        print(f"    the plugin's own share {goals[-1].shown}  ({goals[-1].words})")
    return {"convert": convert, "capture": found}, goals


if __name__ == "__main__":
    measured()
