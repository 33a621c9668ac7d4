"""The command `carla-harness`: one file a command; errors a user can meet end in a line or two, never a traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from protocols.errors import ManyskiesError

COMMANDS = ("demo", "train", "evaluate", "compare", "table", "keys")

EXAMPLE = """example:
  carla-harness demo --out out/demo
  carla-harness train daformer_dg_cosine_small --from tcp://127.0.0.1:5555
  carla-harness evaluate daformer_dg_cosine_small out/train/weights.pth --data cityscapes --root data/cityscapes
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 bad input, 3 server or peer gone, 130 Ctrl-C.

    Args:
        argv: arguments without the program's name; those of the process unless given.
    """
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ManyskiesError as error:
        print(f"carla-harness: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("carla-harness: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # whoever read our output has left; point stdout elsewhere so that the interpreter's last flush is quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # of a place that the user named: results, a report
        if error.filename is None:
            raise
        print(f"carla-harness: {error.filename}: expected a place to write to, got: {error.strerror}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="carla-harness",
        description="Train a segmentation network online, on bundles that a carla-plugin streams.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and leave")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"harness.cli.{name}")
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
