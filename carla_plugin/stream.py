"""Stream: replay a scenario, capture each moment, and hand the bundles to sinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from carla_plugin.capture import Identity, RefusedBundleError, capture_moment
from carla_plugin.replay import plan_episode, staged
from carla_plugin.scenario import Scenario
from carla_plugin.world.connection import World
from carla_plugin.world.streets import Streets
from protocols.bundle import Bundle


class Sink(Protocol):
    """Something that takes bundles: the publisher, the monitor, later the recorder."""

    def put(self, bundle: Bundle) -> bool:
        """Take a bundle; return whether more are wanted."""

    def close(self) -> None:
        """Finish what was taken, then let go of everything."""


@dataclass
class Summary:
    """Count what a run did; masks are checked once for each appearance after the first."""

    bundles: int = 0
    masks_checked: int = 0
    ticks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    town: str = ""
    enough: bool = False

    def line(self) -> str:
        """Return the summary as one line."""
        refused = sum(self.refused.values())
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(self.refused.items()))
        return (
            f"bundles sent {self.bundles}, masks checked {self.masks_checked}, refused {refused}"
            + (f" ({causes})" if causes else "")
            + (" - the trainer has enough" if self.enough else "")
        )


def stream(
    world: World,
    scenario: Scenario,
    sinks: Sequence[Sink],
    *,
    seed: int,
    bundles: int,
    progress: Callable[[Summary, str], None],
) -> Summary:
    """Stream a scenario's bundles until enough are sent or a sink wants no more.

    Args:
        world: connected, with the scenario's town.
        scenario: what to photograph.
        sinks: who takes the bundles.
        seed: of the run; the scenario's own unless another was asked for.
        bundles: how many in all; as many episodes as that takes are replayed.
        progress: called after each bundle, and at each step that takes long, with a word on it.

    Returns:
        What was done.

    Raises:
        ServerError: the simulator is gone.
        StreamError: the trainer is gone.
    """
    summary = Summary(town=world.town)
    streets = Streets.read(world)
    episode = 0
    tried = 0
    while tried < bundles and not summary.enough:
        count = min(scenario.bundles, bundles - tried)
        weathers = scenario.weathers(seed, episode)
        progress(summary, f"episode {episode}: planning traffic")
        layouts = plan_episode(world, streets, scenario, seed, episode)
        with staged(world, layouts, scenario) as stage:
            for number, moment in enumerate(layouts.moments[:count]):
                tried += 1
                stage.place(moment)
                identity = Identity(scenario.name, seed, episode, summary.bundles, world.town)
                meta = {"moment": number, "tick": moment.tick, "actors": len(layouts.actors)}
                try:
                    bundle = capture_moment(stage, scenario, weathers, identity, meta)[0]
                except RefusedBundleError as refusal:
                    summary.refused[refusal.cause] += 1
                    progress(summary, str(refusal))
                    continue
                summary.masks_checked += max(1, len(weathers) - 1)
                wanted = [sink.put(bundle) for sink in sinks]
                if not all(wanted):
                    summary.enough = True
                    break
                summary.bundles += 1
                summary.ticks = world.ticks
                progress(summary, "")
        episode += 1
    return summary
