"""Photographer: the process that holds one server through the wheel, and makes the moments it is asked for.

The wheel's calls can hang or end the process in ways that no Python can catch. So `stream` never loads it: it starts
`python -m carla_plugin.photographer` for each server, and another when one is lost. When the pipe from `stream` ends,
for whatever reason, the photographer puts its server back and leaves.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from typing import Any, NamedTuple

import msgspec

from carla_plugin.capture import Identity, RefusedBundleError, capture_moment
from carla_plugin.channel import Channel
from carla_plugin.crew import BEAT_S, GRACE_S, ONLY_PLAN, Job
from carla_plugin.layouts import Layouts
from carla_plugin.replay import Stage, plan_episode, staged
from carla_plugin.world.connection import SilentServerError, World
from carla_plugin.world.lifeline import lifeline
from carla_plugin.world.streets import Streets
from protocols.bundle import encode_bundle
from protocols.errors import ManyskiesError, PeerError


class Leaving(ManyskiesError):
    """The pipe from `stream` has ended."""


class Order(NamedTuple):
    """One moment to be made."""

    episode: int
    moment: int
    plan: Any


class Photographer:
    """Make moments in the order they are asked for."""

    def __init__(self, channel: Channel, job: Job) -> None:
        """Take the pipes and the job."""
        self._channel = channel
        self._job = job
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._leaving = False  # looked at before each tick only: nothing is half done there
        self._streets: Streets | None = None

    def work(self) -> None:
        """Hold the server until the pipe ends; it is as it was afterwards.

        Raises:
            PeerError: the server is missing or gone, or cannot do it.
            InputError: it lacks what the scenario names.
        """
        job, scenario = self._job, self._job.scenario
        for duty in (self._listen, self._beat):
            threading.Thread(target=duty, daemon=True).start()
        with (
            suppress(Leaving),
            World.connect(job.host, job.port, scenario.town, scenario.step_s) as world,
            lifeline(job.host, job.port, self._gone, world.hangs),
        ):
            world.before_tick = self._check
            self._channel.send("ready", town=world.town)
            order = self._orders.get()
            while order is not None:
                order = self._make_episode(world, order)

    def _make_episode(self, world: World, first: Order) -> Order | None:
        """Make moments of one episode and return the first order of another."""
        job, episode = self._job, first.episode
        weathers = job.scenario.weathers(job.seed, episode)
        if first.plan is not None:
            layouts = msgspec.msgpack.decode(first.plan, type=Layouts)
        else:
            self._tell(f"episode {episode}: planning traffic")
            self._streets = self._streets or Streets.read(world)
            only_plan = first.moment == ONLY_PLAN
            told = self._tell_kept if only_plan else None
            layouts = plan_episode(world, self._streets, job.scenario, job.seed, episode, told)
            self._channel.send("plan", [msgspec.msgpack.encode(layouts)], episode=episode)
            if only_plan:
                return self._orders.get()
        order: Order | None = first
        with staged(world, layouts, job.scenario) as stage:
            while order is not None and order.episode == episode:
                self._make(world, stage, layouts, weathers, order)
                order = self._orders.get()
        return order

    def _make(self, world: World, stage: Stage, layouts: Layouts, weathers: Any, order: Order) -> None:
        """Make the bundles of one moment, one for each camera, and send them."""
        job, moment = self._job, layouts.moments[order.moment]
        index = job.scenario.index_of(order.episode, order.moment)
        stage.place(moment)
        identity = Identity(job.scenario.name, job.seed, order.episode, index, world.town)
        meta = {"moment": order.moment, "tick": moment.tick, "actors": len(layouts.actors)}
        try:
            bundles = capture_moment(stage, job.scenario, weathers, identity, meta)
        except RefusedBundleError as refusal:
            self._channel.send(
                "refused", cause=refusal.cause, text=str(refusal)[:1000], ticks=world.ticks, met=world.met
            )
            return
        for bundle in bundles:
            self._channel.send("bundle", encode_bundle(bundle))
        self._channel.send("made", ticks=world.ticks, met=world.met)

    def _tell_kept(self, count: int) -> None:
        self._channel.send("kept", count=count)

    def _tell(self, text: str) -> None:
        self._channel.send("word", text=text)

    def _gone(self) -> None:
        """Leave without the wheel's destructors: they log, wait and abort when the server is gone."""
        job = self._job
        fail(self._channel, PeerError(f"simulator at {job.host}:{job.port}: gone or hanging in mid-stream"), lost=True)

    def _listen(self) -> None:
        """Take orders until the pipe ends; then leave."""
        while (note := self._channel.receive()) is not None:
            plan = note.frames[0] if note.frames else None
            self._orders.put(Order(note.values["episode"], note.values["moment"], plan))
        self._leaving = True
        self._orders.put(None)
        time.sleep(GRACE_S)  # the main thread may hang in a call to a dead server
        os._exit(1)

    def _beat(self) -> None:
        """Show that this process lives: a wheel that hangs in C++ may hold all of Python."""
        with suppress(OSError):
            while True:
                self._channel.send("beat")
                time.sleep(BEAT_S)

    def _check(self) -> None:
        if self._leaving:
            raise Leaving("told to leave")


def fail(channel: Channel, error: ManyskiesError, *, lost: bool) -> None:
    """Say why, and leave at once.

    Args:
        channel: to `stream`.
        error: what went wrong.
        lost: whether the server is gone or silent.
    """
    with suppress(OSError):
        channel.send("failed", text=str(error)[:4000], exit_code=error.exit_code, lost=lost)
    os._exit(error.exit_code)


@contextmanager
def own_output() -> Iterator[FileIO]:
    """Keep standard output for messages: what the wheel or anybody else prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    with FileIO(kept, "w") as outgoing:
        yield outgoing


def main() -> None:
    """Work for the process at the other end of standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # orders to leave are for `stream`, which then closes our input
    with own_output() as outgoing:
        channel = Channel(FileIO(0, closefd=False), outgoing)
        note = channel.receive()
        if note is None:
            return
        try:
            Photographer(channel, msgspec.msgpack.decode(note.frames[0], type=Job)).work()
            channel.send("left")
        except OSError:  # nobody listens any more
            pass
        except ManyskiesError as error:
            fail(channel, error, lost=isinstance(error, SilentServerError))
        except BaseException:
            fail(channel, ManyskiesError(f"photographer: {traceback.format_exc()}"), lost=False)
        sys.stderr.flush()
        os._exit(0)  # the wheel's destructors are not to be trusted


if __name__ == "__main__":
    main()
