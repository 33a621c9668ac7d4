"""`carla-plugin stream`: replay a scenario on a server and stream its bundles to a trainer, into a file, or both."""

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
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from protocols.errors import InputError, ManyskiesError

if TYPE_CHECKING:
    from carla_plugin.layouts_file import Source
    from carla_plugin.stream import Sink
    from carla_plugin.studio import Place
    from carla_plugin.summary import Summary

EXAMPLE = """example:
  carla-plugin stream town --server 127.0.0.1:2000 --to tcp://127.0.0.1:5555
  carla-plugin stream my/street.yaml --server gpu-box:2000 --to ipc:///tmp/train --bundles 200 --seed 7
  carla-plugin stream town.layouts --server one:2000 --server two:2000 --to tcp://127.0.0.1:5555
  carla-plugin stream town --bundles 500 --record town.rec      # without a trainer; again after a stop: it goes on
  carla-plugin stream town --start 'CarlaUE4.sh -RenderOffScreen -carla-rpc-port={port}' --to tcp://127.0.0.1:5555
"""

SERVER = "127.0.0.1:2000"

GRACE_S = 40.0
"""How long the servers may take to be put back after the order to leave."""


class Terminated(ManyskiesError):
    """The order to leave came: SIGTERM, or the end of standard input."""

    exit_code = 143


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "stream",
        help="replay a scenario and stream its bundles to a trainer",
        description="Replay a scenario, or a layouts file, on one or several CARLA 0.9.16 servers, and stream its "
        "bundles to a trainer, into a recording, or both. A server that is lost on the way is waited for; in the end "
        "each is as it was.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenario", metavar="SCENARIO", help="a scenario's file, the name of one that ships, or a layouts file"
    )
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        action="append",
        help=f"a simulator ({SERVER}); give it again for another: moments go to whichever is free",
    )
    parser.add_argument(
        "--wait",
        metavar="S",
        type=seconds,
        default=120.0,
        help="seconds to wait for a simulator that is lost, or that --start starts; 0: none (%(default)s)",
    )
    parser.add_argument(
        "--start",
        metavar="CMD",
        help="starts a simulator where none listens, and is ended with us; {host} and {port} are filled in",
    )
    parser.add_argument(
        "--to", metavar="ENDPOINT", help="where the trainer listens, a ZeroMQ address; none is needed with --record"
    )
    parser.add_argument("--monitor", metavar="ENDPOINT", help="address to bind for `carla-plugin preview`")
    parser.add_argument(
        "--keys", metavar="DIR", help="keys (carla-harness keys DIR), for a trainer on another machine, and the monitor"
    )
    parser.add_argument(
        "--record", metavar="FILE", type=Path, help="append every bundle to this file, too; see `play` and `export`"
    )
    parser.add_argument(
        "--record-or-stop", action="store_true", help="stop when the recording cannot go on (default: stream on)"
    )
    parser.add_argument(
        "--jpeg", metavar="QUALITY", type=_count,
        help="pack images as JPEG, 1..100, for sockets and files: lossy, so refused by trainers that are to repeat a "
        "run (default: every bit as drawn)",
    )  # fmt: skip
    parser.add_argument("--bundles", metavar="N", type=_count, help="bundles in all (default: as the scenario says)")
    parser.add_argument("--episodes", metavar="N", type=_count, help="episodes (default: as the scenario says)")
    parser.add_argument("--seed", metavar="N", type=_count, help="seed of the run (default: the scenario's)")
    parser.add_argument("--town", metavar="NAME", help="map to load (default: the scenario's)")
    parser.add_argument(
        "--patience", metavar="S", type=seconds, default=30.0,
        help="seconds without a word of the trainer until it counts as gone (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the closing table there as JSON")
    parser.add_argument("--stay-with-stdin", action="store_true", help="leave when standard input ends")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Stream, and end with a table that says what was done."""
    from carla_plugin.layouts_file import load_source
    from carla_plugin.lossy import jpeg_packer
    from carla_plugin.publisher import Publisher
    from carla_plugin.recorder import Recorder
    from carla_plugin.stream import stream

    if arguments.to is None and arguments.record is None:
        raise InputError("stream: expected --to ENDPOINT (a trainer's), --record FILE, or both; got neither")
    places = _places(arguments)
    source = _changed(load_source(arguments.scenario), arguments)
    scenario = source.scenario
    bundles = scenario.indices if arguments.bundles is None else arguments.bundles
    if source.planned is not None and bundles > scenario.indices:
        raise InputError(
            f"--bundles {bundles}: expected at most {scenario.indices}, as many as {arguments.scenario} has"
        )

    jpeg = None if arguments.jpeg is None else jpeg_packer(arguments.jpeg)
    if arguments.record_or_stop and arguments.record is None:
        raise InputError("--record-or-stop: expected --record FILE, too")
    leave_when_told(arguments.stay_with_stdin)
    others: list[Sink] = []  # they come before the publisher: what it was given is the trainer's
    recorder = publisher = None
    if arguments.record is not None:
        or_stop = arguments.record_or_stop or arguments.to is None
        recorder = Recorder(arguments.record, jpeg=jpeg, or_stop=or_stop)
        others.append(recorder)
    if arguments.to is not None:
        name = f"{scenario.name}@{os.getpid()}"
        patience_s, keys = arguments.patience, arguments.keys
        publisher = Publisher(arguments.to, name, scenario.bundle_bytes, patience_s, keys=keys, jpeg=jpeg)

    def next_wanted(in_hand: Collection[int], wait_s: float) -> int | None:
        if publisher is not None:
            return publisher.next_wanted(-1, in_hand, wait_s)
        assert recorder is not None
        return recorder.next_lacking(in_hand)

    report = Report(bundles)
    try:
        if arguments.monitor:
            from carla_plugin.monitor import Monitor

            others.append(Monitor(arguments.monitor, arguments.keys))
        sinks = others if publisher is None else [*others, publisher]
        summary = stream(source, places, sinks, bundles=bundles, progress=report.tell, next_wanted=next_wanted)
        if publisher is not None:
            publisher.close()
    except BaseException:
        if publisher is not None:
            publisher.abandon()
        raise
    finally:
        report.end()
        for sink in others:
            sink.close()
    _show(summary)
    if arguments.json:
        _write_json(arguments.json, summary)
    return 0


def _places(arguments: argparse.Namespace) -> list[Place]:
    from carla_plugin.launch import Launch
    from carla_plugin.studio import Place

    addresses = [server_address(text) for text in arguments.server or [SERVER]]
    for address in addresses:
        if addresses.count(address) > 1:
            raise InputError(f"--server {address[0]}:{address[1]}: expected each server once, got it again")
    return [
        Place(host, port, arguments.wait, Launch(arguments.start, host, port) if arguments.start else None)
        for host, port in addresses
    ]


def _changed(source: Source, arguments: argparse.Namespace) -> Source:
    """Return the source with what the command line changes."""
    import msgspec

    from carla_plugin.layouts_file import Source

    names = ("seed", "episodes", "town")
    changes = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if source.planned is not None and changes:
        raise InputError(f"--{next(iter(changes))}: expected none with a layouts file, which has its own")
    scenario = msgspec.structs.replace(source.scenario, **changes)
    return Source(scenario, scenario.seed if "seed" in changes else source.seed, source.planned)


def _show(summary: Summary) -> None:
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    console.print(summary.table())
    print(summary.line(), file=sys.stderr)


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
        self._told = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("connecting")
            self._status.start()

    def tell(self, summary: Summary, word: str) -> None:
        """Show the counts, and a word on what takes long or was refused."""
        now = time.monotonic()
        rate, refused = summary.bundles_per_s, summary.refused.total()
        line = f"bundles {summary.bundles}/{self._bundles}, {rate:.1f}/s, refused {refused}"
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
        raise InputError(f"server {text}: expected HOST:PORT, such as 127.0.0.1:2000")
    return found[1] or found[2], int(found[3])


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return seconds from 0.

    Raises:
        ArgumentTypeError: they are none.
    """
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"expected seconds from 0, got {text!r}")
    return float(text)


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


def _write_json(file: str, summary: Summary) -> None:
    try:
        Path(file).write_text(json.dumps(summary.values(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--json {file}: expected a writable file, got: {error.strerror}") from None
