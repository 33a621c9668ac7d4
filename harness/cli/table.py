"""`carla-harness table`: the two published tables from finished runs, beside the published figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  carla-harness table out/comparison --out out/tables
  carla-harness table out/uda_arms out/dg_sources --target cityscapes --metric sixteen_strict

  a run by hand:
    carla-harness train daformer_dg_gta_small --from gta:data/gta --work-dir out/gta --seed 1
    carla-harness evaluate daformer_dg_gta_small out/gta/weights.pth --data cityscapes --root data/cityscapes \\
        --json out/gta/scores_cityscapes.json
    carla-harness table out/comparison out/gta
"""

RULES = """
a run's place in the tables:
  pipeline  the word dg or uda in its config's name; each has tables of its own
  source    gta:DIR is GTA, synthia:DIR is SYNTHIA, everything else is Ours
  arm       as `compare` names it; else from the config's name: daformer_dg_cosine_small is cosine
  target    the test's name: TEST in scores_TEST.json; cityscapes, acdc, dark_zurich come first
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "table",
        help="print the published tables from finished runs",
        description=(
            "Print table A (alignment: IoU of each class, mIoU, mAcc on one target, a row per arm) and table B "
            "(mIoU, sources x targets) from finished runs: mean and standard deviation over seeds, the best of each "
            "column in bold; below each, marked as such, the published figures. Markdown; with --out JSON and bars."
        ),
        epilog=RULES[1:] + "\n" + EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=Path,
        nargs="+",
        help="folder of `carla-harness compare`, or of one run with report.json and scores_TEST.json; all are pooled",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write tables.md, tables.json, table_a.png and table_b.png here"
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        default="sixteen_ignore",
        help="sixteen_ignore, sixteen_strict or nineteen, see `carla-harness evaluate --help` (%(default)s)",
    )
    parser.add_argument(
        "--target",
        metavar="TEST",
        help="of table A (default: the test on Cityscapes, else the first on photographs, else the first)",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the tables, and write them."""
    from harness.finished import find
    from harness.table_text import markdown, values
    from harness.tables import alignment, generalization

    runs, left_out = find(arguments.runs)
    tables = [*alignment(runs, arguments.target, arguments.metric), *generalization(runs, arguments.metric)]
    lines = markdown(tables, arguments.metric, left_out)
    print("\n".join(lines))
    if arguments.out is not None:
        _write(arguments.out, tables, lines, values(tables, arguments.metric, [one.place for one in runs], left_out))
    return 0


def _write(out: Path, tables: Any, lines: list[str], found: dict[str, Any]) -> None:
    import tempfile

    from harness import report, training
    from harness.table_chart import draw
    from protocols.errors import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "tables.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        report.write_json(out / "tables.json", {**found, "command": report.command()})
        with tempfile.TemporaryDirectory() as scratch, training.quiet_libraries(Path(scratch)):
            for letter in ("A", "B"):
                draw(out / f"table_{letter.lower()}.png", letter, tables, found["metric"])
    except OSError as error:
        raise InputError(f"--out {out}: expected a folder that can be written, got: {error.strerror}") from None
