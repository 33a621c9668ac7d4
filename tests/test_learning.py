"""It learns, and not by a trick: three seeds of the whole demo, on a town that none of them saw (`make soak`)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from protocols.labels import NAMES_16

RESULTS = Path("out/soak")
SEEDS = (1, 2, 3)
BASELINES = ("baseline_colour", "baseline_position")


@pytest.fixture(scope="module")
def reports(scale: str, code: str) -> list[dict]:
    """Run the demo once per seed, or take the report of an earlier, finished run of the same code."""
    if scale != "soak":
        pytest.skip("three full demos take a quarter of an hour: make soak")
    found = [report_of(RESULTS / f"seed_{seed}", seed, code) for seed in SEEDS]
    _print(found)
    return found


def report_of(folder: Path, seed: int, code: str) -> dict:
    """Return the report of a demo in a folder, which is run unless this very code has made it already."""
    note, report = folder / "code.txt", folder / "report.json"
    if not (code and report.is_file() and note.is_file() and note.read_text() == code):
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "harness.cli", "demo", "--out", str(folder), "--seed", str(seed)]
        subprocess.run(command, check=True)
        note.write_text(code)
    return json.loads(report.read_text())


def _print(reports: list[dict]) -> None:
    appearances = list(reports[0]["miou_by_appearance"])
    print(
        f"\n{'seed':6}{'before':>8}{'after':>8}{'colour':>8}{'place':>8}" + "".join(f"{a[:8]:>9}" for a in appearances)
    )
    for report in reports:
        cells = [report["miou_before"], report["miou_after"], *(report[name]["all"] for name in BASELINES)]
        cells += [report["miou_by_appearance"][name] for name in appearances]
        print(
            f"{report['seed']:<6}"
            + "".join(f"{cell:8.3f}" for cell in cells[:4])
            + "".join(f"{c:9.3f}" for c in cells[4:])
        )
    for name in NAMES_16:
        print(f"  {name:14}" + "".join(f"{report['iou'][name]:8.3f}" for report in reports))


def test_it_knew_nothing_before(reports):
    assert all(report["miou_before"] < 0.06 for report in reports)


def test_it_learns_streets_it_never_saw(reports):
    scores = [report["miou_after"] for report in reports]
    assert sum(scores) / len(scores) >= 0.20
    assert min(scores) >= 0.15


def test_the_mean_is_over_all_sixteen_and_all_are_there(reports):
    for report in reports:
        assert report["classes_in_test_set"] == 16
        assert sum(report["iou"].values()) / 16 == pytest.approx(report["miou_after"], abs=1e-5)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("where", ["all", "night"])
def test_it_beats_what_has_no_network(reports, baseline, where):
    for report in reports:
        network = report["miou_after"] if where == "all" else report["miou_by_appearance"][where]
        assert network >= report[baseline][where] + 0.05


@pytest.mark.parametrize("stage", ["stage_1", "stage_2", "stage_3"])
def test_features_do_not_collapse(reports, stage):
    for report in reports:
        assert report["margin"][stage]["lowest"] > 0.5 * report["margin"][stage]["first"]


def test_the_test_town_was_never_seen(reports):
    for report in reports:
        assert not set(report["towns"]["train"]) & set(report["towns"]["test"])
        assert report["towns"]["shared_masks"] == 0


def test_every_mask_was_checked_and_none_refused(reports):
    for report in reports:
        assert report["masks_checked"] >= 4 * report["bundles"]
        assert report["masks_refused"] == 0


def test_a_report_of_other_code_is_not_taken(tmp_path, monkeypatch):
    """That of the same code is; where the code has no name none is."""
    runs = []

    def run(command, check):
        folder = Path(command[command.index("--out") + 1])
        folder.mkdir()
        runs.append(folder)
        (folder / "report.json").write_text(json.dumps({"run": len(runs)}))

    monkeypatch.setattr(subprocess, "run", run)
    taken = [report_of(tmp_path / "seed", 1, code)["run"] for code in ("one", "one", "other", "", "", "other")]
    assert taken == [1, 1, 2, 3, 4, 5]
