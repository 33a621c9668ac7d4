"""`carla-plugin export`: write a recording as Cityscapes' folders of PNG, or as WebDataset's tar files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carla_plugin.export import Exported

EXAMPLE = """example:
  carla-plugin export town.rec data/mystreets --format cityscapes --split train
  carla-plugin export town.rec data/shards --format webdataset --together 200
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export",
        help="write a recording as PNG files or tar files",
        description="Write a recording as files that other programs read: PNG in Cityscapes' layout (images, labelIds, "
        "labelTrainIds), or WebDataset's tar files. A second run goes on where the first one ended.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recording", metavar="FILE", type=Path, help="the recording")
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to; may be there already")
    parser.add_argument("--format", choices=("cityscapes", "webdataset"), required=True, help="what to write")
    parser.add_argument("--split", metavar="NAME", default="train", help="folder of the split (%(default)s)")
    parser.add_argument(
        "--together", metavar="N", type=int, default=100, help="webdataset: bundles a tar file (%(default)s)"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write, and say what was written and what could not be."""
    from carla_plugin.export import Order, export
    from carla_plugin.pictures import unpack_jpeg
    from protocols.errors import InputError, RemoteProtocolError
    from protocols.recording import Recording

    order = Order(arguments.folder, arguments.format, arguments.split, arguments.together)
    order.validate()
    try:
        with open(arguments.recording, "rb") as file:
            recording = Recording(file)
            with _Progress(len(recording.distinct)) as progress:
                exported = export(recording, order, unpack_jpeg, progress.tell)
    except RemoteProtocolError as error:
        raise InputError(f"{arguments.recording}: {error}") from None
    except OSError as error:
        raise InputError(f"{arguments.recording}: expected a recording, got: {error.strerror}") from None
    for line in exported.damaged[:10]:
        print(f"carla-plugin: left out: {line}", file=sys.stderr)
    if exported.left_out:
        names = ", ".join(sorted(exported.left_out))
        print(f"carla-plugin: Cityscapes' layout has no place for {names}; webdataset has", file=sys.stderr)
    if recording.tail:
        print(f"carla-plugin: the last {recording.tail} bytes are of a record never finished", file=sys.stderr)
    if recording.damaged:
        print(f"carla-plugin: no record in {len(recording.damaged)} damaged places of the file", file=sys.stderr)
    lost = len(exported.damaged)
    print(
        f"{arguments.folder}: {exported.bundles} bundles written"
        + (f", {exported.there} were there" if exported.there else "")
        + (f", {lost} damaged and left out" if lost else ""),
        file=sys.stderr,
    )
    return 1 if lost else 0


class _Progress:
    """Tell how far the export is on stderr: a bar on a terminal, else a line for each tenth."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._total, self._tenths = total, 0
        self._bar = Progress(console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("exporting", total=total) if self._bar else None

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, exported: Exported) -> None:
        """Show how many bundles are dealt with."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=exported.done)
        elif exported.done * 10 // self._total > self._tenths:
            self._tenths = exported.done * 10 // self._total
            print(f"carla-plugin: {exported.done} of {self._total} bundles", file=sys.stderr, flush=True)
