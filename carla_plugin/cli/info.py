"""`carla-plugin info`: say what is in a recording, and check every byte of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  carla-plugin info town.rec
  carla-plugin info town.rec --quick --json
"""

TOP = 8
"""Classes shown."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="say what is in a recording",
        description="Say what is in a recording: bundles, appearances, sizes, shares of classes, certificates, and "
        "whether all of it is whole. Exit status 1 if not.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a recording: of `--record`, on either side")
    parser.add_argument("--quick", action="store_true", help="headers only: no checksums, no shares of classes")
    parser.add_argument("--json", action="store_true", help="print all values as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the summary; return 1 when something is not whole."""
    from rich.console import Console
    from rich.progress import Progress

    from carla_plugin.inspection import summary
    from carla_plugin.player import opened

    console = Console(stderr=True)
    with opened(arguments.file, use_index=arguments.quick) as recording:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("reading", total=len(recording))
            values = summary(recording, quick=arguments.quick, progress=lambda done: bar.update(task, completed=done))
        values = {"file": str(arguments.file), "bytes": arguments.file.stat().st_size, **values}
    if arguments.json:
        print(json.dumps(values, indent=1))
    else:
        # names in a file from elsewhere may hold what a terminal obeys
        print("\n".join("".join(each if each.isprintable() else "?" for each in line) for line in _lines(values)))
    return 1 if values["tail_bytes"] or values["damaged"] or values["bad_records"] else 0


def _lines(values: dict[str, Any]) -> list[str]:
    lines = [
        f"{values['file']}: {values['bundles']} bundles, {values['bytes'] / 1e6:.1f} MB",
        f"  indices       {values['first_index']} to {values['last_index']}, {values['distinct']} of them",
    ]
    for name in ("runs", "towns", "sizes", "appearances", "cameras", "planes", "certificates"):
        lines.append(f"  {name:<13} " + ", ".join(f"{key} ({count})" for key, count in values[name].items()))
    if values["class_shares"] is not None:
        shares = list(values["class_shares"].items())
        shown = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares[:TOP])
        lines.append(f"  classes       {shown}" + (f", {len(shares) - TOP} more" if len(shares) > TOP else ""))
    if values["lossy"]:
        lines.append(f"  lossy         {values['lossy']} bundles: their images are JPEG")
    faults = [f"bytes {start} to {end} are damaged" for start, end in values["damaged"]] + values["bad_records"]
    if values["tail_bytes"]:
        faults.append(f"the last {values['tail_bytes']} bytes are a record that was never finished")
    whole = "every byte is as it was written" if values["checked"] else "headers are whole; planes were not read"
    lines.append("  state         " + ("; ".join(faults) if faults else whole))
    return lines
