"""`carla-plugin simulate`: start the embedded simulator."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from functools import partial

from carla_plugin.simulator.hazards import HAZARDS

EXAMPLE = """example:
  carla-plugin simulate --port 2000 --town Grid --seed 7

Any CARLA 0.9.16 client can connect then: carla.Client("127.0.0.1", 2000).
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this command's parser and return it."""
    parser = commands.add_parser(
        "simulate",
        help="start the embedded simulator",
        description="Serve a seeded town to CARLA 0.9.16 clients: calls on PORT, streams on PORT + 1.",
        epilog=EXAMPLE + "\nhazards:\n" + "".join(f"  {name:13} {words}\n" for name, words in HAZARDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)")
    parser.add_argument("--port", type=int, default=2000, help="port of the calls, 0 = a free one (default: 2000)")
    parser.add_argument(
        "--town", default="Grid", help="Grid, or a whole name such as Grid_07 or Town03 (default: Grid)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="number of the town, 0 to 9999 (default: 1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads that draw (default: 1)")
    parser.add_argument(
        "--no-town-aliases",
        action="store_true",
        help="refuse CARLA's own town names, which else stand for towns of ours of a like character",
    )
    parser.add_argument(
        "--recordings",
        metavar="DIR",
        help="folder of the recorder's files (default: ~/.local/share/manyskies/recordings)",
    )
    parser.add_argument(
        "--hazard",
        action="append",
        default=[],
        metavar="NAME",
        help="trouble that real servers give, off by default, may be repeated; the names stand below",
    )
    parser.add_argument("--stay-with-stdin", action="store_true", help="leave when standard input ends")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C, SIGTERM or the end of standard input."""
    import asyncio
    import logging

    from protocols.endpoints import is_loopback
    from protocols.errors import InputError

    logging.basicConfig(level=logging.INFO, format="carla-plugin simulate: %(message)s", stream=sys.stderr)
    if not is_loopback(arguments.host):
        raise InputError(
            f"--host {arguments.host}: expected an address of this machine only, such as 127.0.0.1, for CARLA's "
            "protocol has no password; from another machine come through `ssh -L`"
        )
    if not 0 <= arguments.port <= 65534:
        raise InputError(f"--port: expected 0 to 65534, got {arguments.port}")
    if arguments.threads < 1:
        raise InputError(f"--threads: expected 1 or more, got {arguments.threads}")
    return asyncio.run(_serve(arguments, map_name(arguments.town, arguments.seed)))


def map_name(town: str, seed: int) -> str:
    """Return the map's whole name from a kind of town and its number.

    Raises:
        InputError: no such kind, or the number is out of range.
    """
    from protocols.errors import InputError

    if re.fullmatch(r"Grid_\d{1,4}|Town\w+", town):
        return town
    if town != "Grid" or not 0 <= seed <= 9999:
        raise InputError(
            f"--town {town} --seed {seed}: expected Grid and 0 to 9999, or a name such as Grid_07 or Town03"
        )
    return f"Grid_{seed:02d}"


async def _serve(arguments: argparse.Namespace, name: str) -> int:
    import asyncio
    import signal
    import threading
    from pathlib import Path

    loop, stop, interrupted, served = asyncio.get_running_loop(), asyncio.Event(), False, False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if arguments.stay_with_stdin:
        leave = partial(loop.call_soon_threadsafe, stop.set)
        threading.Thread(target=_watch_stdin, args=(leave,), daemon=True).start()
    from carla_plugin.simulator.hazards import parse
    from carla_plugin.simulator.options import Options, recordings_folder
    from carla_plugin.simulator.server import serve

    def ready(port: int) -> None:
        nonlocal served
        served = True
        print(f"ready on {arguments.host}:{port}", flush=True)

    await serve(
        arguments.host,
        arguments.port,
        name,
        options=Options(
            threads=arguments.threads,
            aliases=not arguments.no_town_aliases,
            hazards=parse(arguments.hazard, arguments.seed),
            recordings=Path(arguments.recordings) if arguments.recordings else recordings_folder(),
        ),
        progress=lambda words: print(f"carla-plugin simulate: {words} ...", file=sys.stderr, flush=True),
        ready=ready,
        stop=stop,
    )
    code = 130 if interrupted else 0
    if not served:
        # the thread that compiles cannot be ended, and the interpreter would wait for it; there is nothing to save
        os._exit(code)
    return code


def _watch_stdin(leave: Callable[[], object]) -> None:
    """End with whoever started us: standard input ends when that process does, even by kill -9."""
    while os.read(0, 4096):
        pass
    try:
        leave()
    except RuntimeError:
        return  # the loop is closed: we are leaving anyway
