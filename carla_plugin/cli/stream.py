"""`carla-plugin stream`: replay a scenario on a server and stream its bundles to a trainer."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from protocols.errors import InputError, ManyskiesError, PeerError

if TYPE_CHECKING:
    from carla_plugin.monitor import Monitor
    from carla_plugin.stream import Sink, Summary

EXAMPLE = """example:
  carla-plugin stream town --server 127.0.0.1:2000 --to tcp://127.0.0.1:5555
  carla-plugin stream my/street.yaml --server gpu-box:2000 --to ipc:///tmp/train --bundles 200 --seed 7
"""

GRACE_S = 20.0
"""How long the world may take to be put back after the order to leave."""


LEAVING = threading.Lock()
"""Taken once, by the thread that says why we leave."""


class Terminated(ManyskiesError):
    """The order to leave came: SIGTERM, or the end of standard input."""

    exit_code = 143


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "stream",
        help="replay a scenario and stream its bundles to a trainer",
        description="Replay a scenario on a CARLA 0.9.16 server and stream its bundles to a trainer.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a scenario that ships")
    parser.add_argument("--server", metavar="HOST:PORT", default="127.0.0.1:2000", help="the simulator (%(default)s)")
    parser.add_argument("--to", metavar="ENDPOINT", required=True, help="where the trainer listens, a ZeroMQ address")
    parser.add_argument("--monitor", metavar="ENDPOINT", help="address to bind for `carla-plugin preview`")
    parser.add_argument("--bundles", metavar="N", type=_count, help="bundles in all (default: as the scenario says)")
    parser.add_argument("--episodes", metavar="N", type=_count, help="episodes (default: as the scenario says)")
    parser.add_argument("--seed", metavar="N", type=_count, help="seed of the run (default: the scenario's)")
    parser.add_argument("--town", metavar="NAME", help="map to load (default: the scenario's)")
    parser.add_argument(
        "--patience", metavar="S", type=float, default=30.0,
        help="seconds without a word of the trainer until it counts as gone (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--log-json", metavar="FILE", help="write the summary there as JSON")
    parser.add_argument("--stay-with-stdin", action="store_true", help="leave when standard input ends")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Stream, and end with a line that says what was done."""
    import msgspec

    from carla_plugin.scenario import load_scenario

    scenario = load_scenario(arguments.scenario)
    host, port = server_address(arguments.server)
    changes = {"seed": arguments.seed, "episodes": arguments.episodes, "town": arguments.town}
    scenario = msgspec.structs.replace(scenario, **{key: value for key, value in changes.items() if value is not None})
    bundles = scenario.episodes * scenario.bundles if arguments.bundles is None else arguments.bundles

    from carla_plugin.publisher import Publisher
    from carla_plugin.stream import stream
    from carla_plugin.world.connection import World
    from carla_plugin.world.lifeline import lifeline

    leave_when_told(arguments.stay_with_stdin)
    publisher = Publisher(arguments.to, f"{scenario.name}@{os.getpid()}", scenario.bundle_bytes, arguments.patience)
    monitor: Monitor | None = None
    report = Report(bundles)
    try:
        if arguments.monitor:
            from carla_plugin.monitor import Monitor

            monitor = Monitor(arguments.monitor)
        gone = PeerError(f"simulator at {host}:{port}: gone or hanging in mid-stream; start it and stream again")
        with (
            World.connect(host, port, scenario.town, scenario.step_s) as world,
            lifeline(host, port, lambda: _leave_at_once(gone), world.hangs),
        ):
            sinks: list[Sink] = [publisher, *([monitor] if monitor else [])]
            summary = stream(world, scenario, sinks, seed=scenario.seed, bundles=bundles, progress=report.tell)
        publisher.close()
    except BaseException as error:
        report.end()
        publisher.abandon()
        if monitor is not None:
            monitor.close()
        if isinstance(error, PeerError):
            _leave_at_once(error)
        raise
    if monitor is not None:
        monitor.close()
    report.end()
    print(summary.line(), file=sys.stderr)
    if arguments.log_json:
        _write_json(arguments.log_json, summary, report)
    return 0


class Report:
    """Tell how the run goes on stderr: a live line on a terminal, else a plain line now and then."""

    EVERY_S = 10.0

    def __init__(self, bundles: int) -> None:
        """Start the clock.

        Args:
            bundles: how many are to be sent.
        """
        self._bundles = bundles
        self._status: Any = None
        self._told = self._started = time.monotonic()
        self._first: float | None = None
        self.bundles_per_s = 0.0
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("connecting")
            self._status.start()

    def tell(self, summary: Summary, word: str) -> None:
        """Show the counts, and a word on what takes long or was refused."""
        now = time.monotonic()
        if self._first is None and summary.bundles:
            self._first = now
        elif self._first is not None and now > self._first:
            self.bundles_per_s = (summary.bundles - 1) / (now - self._first)
        line = (
            f"bundles {summary.bundles}/{self._bundles}, {self.bundles_per_s:.1f}/s, refused {summary.refused.total()}"
        )
        if word:
            line += f" | {word}"
        if self._status is not None:
            self._status.update(line)
        elif word or now - self._told > self.EVERY_S:
            self._told = now
            print(f"carla-plugin: {line}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def server_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`.

    Raises:
        InputError: not of that form.
    """
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})", text)
    if not found or not 0 < int(found[3]) < 65536:
        raise InputError(f"--server {text}: expected HOST:PORT, such as 127.0.0.1:2000")
    return found[1] or found[2], int(found[3])


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def leave_when_told(stay_with_stdin: bool) -> None:
    """Turn SIGTERM, and the end of standard input if asked, into an exception that puts the world back."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise Terminated("stopped: told to leave")

    signal.signal(signal.SIGTERM, on_signal)
    if stay_with_stdin:
        threading.Thread(target=_watch_stdin, name="stdin", daemon=True).start()


def _watch_stdin() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)  # the main thread may hang in a call to a dead server
    os._exit(Terminated.exit_code)


def _leave_at_once(error: PeerError) -> None:
    """Say the one line and leave without the wheel's destructors: they log, wait and abort when the server is gone."""
    if not LEAVING.acquire(blocking=False):
        time.sleep(GRACE_S)  # the other thread has said its line and is leaving
    print(f"carla-plugin: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)


def _write_json(file: str, summary: Summary, report: Report) -> None:
    values = {
        "bundles": summary.bundles,
        "masks_checked": summary.masks_checked,
        "masks_refused": summary.refused.total(),
        "refused": dict(summary.refused),
        "ticks": summary.ticks,
        "town": summary.town,
        "bundles_per_s": round(report.bundles_per_s, 3),
    }
    try:
        Path(file).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--log-json {file}: expected a writable file, got: {error.strerror}") from None
