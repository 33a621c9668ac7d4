"""`carla-plugin restore`: put a server back as a plugin that was killed had found it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

EXAMPLE = """example:
  carla-plugin restore 127.0.0.1:2000
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "restore",
        help="put a server back as a plugin that was killed had found it",
        description="Put settings, weather and traffic lights of a server back as a plugin that was killed had found "
        "them, and remove that plugin's actors; nobody else's are touched. The next `stream` does the same by itself.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("server", metavar="HOST:PORT", help="the simulator")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Put it back, and say what was done."""
    from carla_plugin.cli.stream import server_address
    from carla_plugin.world.connection import asking, client_of, tidy

    host, port = server_address(arguments.server)
    client = client_of(host, port)
    address = f"{host}:{port}"
    with asking(address, "putting it back"):
        done = tidy(client, client.get_world(), address)
    if not done:
        print(f"simulator at {address}: nothing was left behind", file=sys.stderr)
    for found, actors in done:
        print(
            f"simulator at {address}: put back as process {found.process} on {found.machine} had found it, "
            f"{actors} of its actors removed",
            file=sys.stderr,
        )
    return 0
