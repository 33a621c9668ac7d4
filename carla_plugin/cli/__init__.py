"""The command `carla-plugin`: one file a command; errors a user can meet end in a line or two, never a traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from protocols.errors import ManyskiesError

COMMANDS = ("stream", "plan", "check", "play", "info", "export", "preview", "restore", "simulate")

EXTRAS = {"carla": "plugin", "pygame": "plugin", "cv2": "plugin", "numba": "simulator"}
"""Which extra of the distribution brings each package that not every command needs."""

EXAMPLE = """example:
  carla-plugin simulate --port 2000 &
  carla-plugin stream town --server 127.0.0.1:2000 --to tcp://127.0.0.1:5555
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 bad input, 3 server or peer gone, 130 Ctrl-C.

    Args:
        argv: arguments without the program's name; those of the process unless given.
    """
    arguments = parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except ManyskiesError as error:
        print(f"carla-plugin: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        print(
            f"carla-plugin: expected the package {error.name}; install it with: "
            f"pip install 'manyskies[{EXTRAS[error.name]}]'",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("carla-plugin: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # whoever read our output has left; point stdout elsewhere so that the interpreter's last flush is quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="carla-plugin",
        description="Photograph frozen CARLA moments under several appearances and stream them to a trainer.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and leave")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"carla_plugin.cli.{name}")
        module.add_parser(commands).set_defaults(run=module.run)
    return top


class _ShowVersion(argparse.Action):
    """Look the version up only when it is asked for: that import is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(parser.prog, version("manyskies"))
        except PackageNotFoundError:
            print(parser.prog, "unknown (not installed)")
        parser.exit()
