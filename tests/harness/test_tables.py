"""The two tables: from scores worked out by hand to Markdown, JSON and bars; the published figures; wrong folders."""

import json
import re

import cv2
import numpy as np
import pytest

from harness import cli
from harness.published import ALIGNMENT, ALIGNMENT_COLUMNS, GENERALIZATION
from harness.scores import NAMES_19
from protocols.labels import NAMES_16


def scored(level, changed=None, images=5, data="folder"):
    """Return a file of scores: IoU `level` (recall .1 more) for all classes but those `changed`; strict is .1 less."""
    groups = {"images": images}
    for convention, less in (("sixteen_ignore", 0.0), ("sixteen_strict", 0.1), ("nineteen", 0.0)):
        names = NAMES_19 if convention == "nineteen" else NAMES_16
        iou = dict.fromkeys(names, level - less) | (changed or {})
        recall = {name: None if value is None else value + 0.1 for name, value in iou.items()}
        groups[convention] = {"IoU": iou, "Acc": recall, "mIoU": 0.0, "mAcc": 0.0}
    return {"config": "some/daformer_dg_cosine_small.py", "data": data, "groups": {"all": groups}}


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a run of a comparison: arm, seed, scores by test, and what it is made with."""

    def make(
        arm, seed, tests, folder="runs", config="daformer_uda_{arm}", source="file:a.rec", options=(), report=True
    ):
        place = tmp_path / folder / arm / f"seed_{seed}"
        place.mkdir(parents=True)
        made = {"config": config.format(arm=arm), "source": source, "options": list(options), "iterations": 9}
        (place / "run.json").write_text(json.dumps(made))
        if report:
            (place / "report.json").write_text(json.dumps({"seed": seed, "command": "carla-harness compare"}))
        for name, found in tests.items():
            (place / f"scores_{name}.json").write_text(json.dumps(found))
        return place

    return make


@pytest.fixture
def tabulate(tmp_path, capsys):
    """Return a function that runs the command and returns its output: all lines, and the tables by their titles."""

    def tabulate(*arguments, folders=("runs",)):
        assert cli.main(["table", *(str(tmp_path / folder) for folder in folders), *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        return lines, parsed(lines)

    return tabulate


def parsed(lines):
    """Return the rows of each Markdown table, by its title, by their name, by column."""
    tables, title, head = {}, "", None
    for line in lines:
        if line.startswith("#"):
            title, head = line.lstrip("# "), None
        elif line.startswith("|-"):
            continue
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if head is None:
                head = cells
                tables[title] = {}
            else:
                tables[title][cells[0]] = dict(zip(head, cells, strict=True))
    return tables


def test_table_a_by_hand(make, tabulate):
    """Baseline: road .5 and .6, mean 55, sd .1 / sqrt 2 = 7.07; all 16 at .5 and .6 likewise; cosine .58 throughout."""
    for seed, level in ((1, 0.5), (2, 0.6)):
        make("cosine", seed, {"streets": scored(0.58)})
        make("baseline", seed, {"streets": scored(level, {"sky": 0.9})})
    lines, tables = tabulate()
    (title, rows), *_ = tables.items()
    assert title == "Table A. Alignment metrics, Ours -> streets, UDA"
    assert list(rows) == ["Baseline", "CS (cosine)"]  # in published order, with published names
    assert list(rows["Baseline"]) == ["Alignment", *NAMES_16, "mIoU", "mAcc"]
    assert rows["Baseline"]["road"] == "55.0 ± 7.1"
    assert rows["CS (cosine)"]["road"] == "**58.0 ± 0.0**"
    assert rows["Baseline"]["sky"] == "**90.0 ± 0.0**"
    # (15 x 50 + 90) / 16 = 52.5 and (15 x 60 + 90) / 16 = 61.875: mean 57.1875, sd 9.375 / sqrt 2 = 6.629
    assert rows["Baseline"]["mIoU"] == "57.2 ± 6.6"
    assert rows["CS (cosine)"]["mIoU"] == "**58.0 ± 0.0**"
    assert rows["Baseline"]["mAcc"] == "67.2 ± 6.6"
    assert any("sixteen_ignore" in line and "mean ± sd (n - 1) over seeds 1, 2." in line for line in lines)


def test_table_b_by_hand(make, tabulate):
    for arm, source, level in (("ours", "file:x", 0.5), ("rival", "gta:data/gta", 0.4), ("third", "synthia:s", 0.5)):
        tests = {"acdc": scored(level, data="acdc"), "cityscapes": scored(level + 0.1, data="cityscapes")}
        make(arm, 1, tests | {"streets": scored(0.3)}, source=source, config="daformer_dg_{arm}_small")
    lines, tables = tabulate()
    rows = tables["Table B. Domain generalization (mIoU)"]
    assert list(rows) == ["GTA", "SYNTHIA", "Ours"]
    assert rows["GTA"] == {"Source": "GTA", "Cityscapes": "50.0", "ACDC": "40.0", "streets": "30.0"}  # all alike there
    assert rows["Ours"]["ACDC"] == rows["SYNTHIA"]["ACDC"] == "**50.0**"  # equal figures are equally good
    titles = [title for title in tables if title.startswith("Table A")]
    assert [title.split(", ")[1] for title in titles] == [f"{one} -> Cityscapes" for one in ("Ours", "GTA", "SYNTHIA")]
    assert tables[titles[0]]["ours"]["road"] == "60.0"  # a row alone is not the best of anything
    assert any("one run, seed 1" in line for line in lines)


def test_several_arms_of_one_source_keep_apart_in_table_b(make, tabulate):
    for arm, level in (("cosine", 0.5), ("baseline", 0.4)):
        make(arm, 1, {"streets": scored(level)}, config="daformer_dg_{arm}")
        make(arm, 1, {"streets": scored(level + 0.2)}, folder="other")  # uda
    _, tables = tabulate(folders=("runs", "other"))
    assert [rows["streets"] for rows in tables["Table B. Domain generalization (mIoU)"].values()] == [
        "40.0",
        "**50.0**",
    ]
    adapted = tables["Table B. Unsupervised domain adaptation (mIoU)"]
    assert {name: row["streets"] for name, row in adapted.items()} == {
        "Ours, Baseline": "60.0",
        "Ours, CS (cosine)": "**70.0**",
    }
    assert [title[-5:] for title in tables if title.startswith("Table A")] == ["s, DG", ", UDA"]


def test_absent_classes_have_no_score_and_means_say_so(make, tabulate):
    """Of 16 classes wall and truck are in no label: the mean goes over 14, (13 x 40 + 54) / 14 = 41."""
    make("l2", 4, {"streets": scored(0.4, {"wall": None, "truck": None, "road": 0.54})})
    lines, tables = tabulate()
    row = tables["Table A. Alignment metrics, Ours -> streets, UDA"]["L2"]
    assert (row["wall"], row["truck"], row["road"]) == ("-", "-", "54.0")
    assert row["mIoU (14 of 16)"] == "41.0"
    assert row["mAcc (14 of 16)"] == "51.0"
    assert tables["Table B. Unsupervised domain adaptation (mIoU)"]["Ours"]["streets (14 of 16)"] == "41.0"
    assert sum("means say over how many classes" in line for line in lines) == 2


def test_a_target_without_any_label(make, tabulate):
    make("l2", 4, {"streets": scored(0.4, dict.fromkeys(NAMES_19))})
    _, tables = tabulate("--metric", "nineteen")
    assert tables["Table A. Alignment metrics, Ours -> streets, UDA"]["L2"]["mIoU (0 of 19)"] == "-"


def test_metric_and_target_are_chosen(make, tabulate):
    make("mmd", 1, {"a_recording": scored(0.2, data="recording"), "streets": scored(0.4), "wet": scored(0.6)})
    for arguments, target, value in (
        ([], "streets", "40.0"),
        (["--target", "wet"], "wet", "60.0"),
        (["--metric", "sixteen_strict"], "streets", "30.0"),
    ):
        _, tables = tabulate(*arguments)
        assert tables[f"Table A. Alignment metrics, Ours -> {target}, UDA"]["MMD"]["car"] == value
    _, tables = tabulate("--metric", "nineteen")
    row = tables["Table A. Alignment metrics, Ours -> streets, UDA"]["MMD"]
    assert list(row) == ["Alignment", *NAMES_19, "mIoU", "mAcc"]


def test_runs_are_pooled_and_single_ones_read(make, tabulate, tmp_path):
    """Seeds 1 and 2 of a comparison and seed 7 of a run by hand: 40, 50, 60, so 50 ± 10."""
    for seed, level in ((1, 0.4), (2, 0.5)):
        make("cosine", seed, {"streets": scored(level)}, config="daformer_dg_cosine_small")
    hand = tmp_path / "hand"
    hand.mkdir()
    report = {"seed": 7, "command": "carla-harness train daformer_dg_cosine_small --from tcp://127.0.0.1:5 --seed 7"}
    (hand / "report.json").write_text(json.dumps(report))
    (hand / "scores_streets.json").write_text(json.dumps(scored(0.6)))
    lines, tables = tabulate(folders=("runs", "hand", "hand/../runs"))  # a folder named twice counts once
    assert tables["Table B. Domain generalization (mIoU)"]["Ours"]["streets"] == "50.0 ± 10.0"
    assert any("over seeds 1, 2, 7" in line for line in lines)
    (hand / "report.json").write_text(json.dumps({**report, "command": "carla-harness train x --from=gta:data/gta"}))
    _, tables = tabulate(folders=("runs", "hand"))
    assert [row["streets"] for row in tables["Table B. Domain generalization (mIoU)"].values()] == [
        "**60.0**",
        "45.0 ± 7.1",
    ]


def test_fewer_seeds_in_a_cell_are_told(make, tabulate):
    make("cosine", 1, {"streets": scored(0.4)})
    make("cosine", 2, {"streets": scored(0.5), "wet": scored(0.3)}, folder="other")
    make("l2", 1, {"streets": scored(0.4)})
    lines, tables = tabulate(folders=("runs", "other"))
    row = tables["Table B. Unsupervised domain adaptation (mIoU)"]["Ours, CS (cosine)"]
    assert row["wet"] == "30.0 (n = 1)"
    assert row["streets"] == "**45.0 ± 7.1**"
    assert any("over seeds (Ours, L2 1; Ours, CS (cosine) 1, 2)" in line for line in lines)


def test_unfinished_runs_are_left_out_and_told(make, tabulate, tmp_path):
    make("cosine", 1, {"streets": scored(0.4), "wet": scored(0.4)})
    make("cosine", 2, {"streets": scored(0.9)})
    make("l2", 1, {}, report=False)
    lines, tables = tabulate()
    assert list(tables["Table A. Alignment metrics, Ours -> streets, UDA"]) == ["CS (cosine)"]
    runs = tmp_path / "runs"
    assert lines[-1] == (
        f"Unfinished, left out: {runs}/cosine/seed_2 (not scored on wet); {runs}/l2/seed_1 (not trained)."
    )


def test_json_and_pictures_have_what_the_tables_have(make, tabulate, tmp_path):
    for seed in (1, 2):
        make("baseline", seed, {"streets": scored(0.4 + seed / 30, {"wall": None})})
        make("contrast", seed, {"streets": scored(0.5 + seed / 40, {"wall": None})})
    make("gta", 1, {"streets": scored(0.3, {"wall": None})}, source="gta:data/gta", config="daformer_dg_gta")
    lines, shown = tabulate("--out", str(tmp_path / "out"))
    assert (tmp_path / "out/tables.md").read_text() == "\n".join(lines) + "\n"
    found = json.loads((tmp_path / "out/tables.json").read_text())
    assert len(found["tables"]) == 4
    for table in found["tables"]:
        rows = shown[table["title"]]
        for row in table["rows"]:
            cells = dict(row["cells"])
            for heading, text in list(rows[row["name"]].items())[1:]:
                cell = cells.pop(heading.partition(" (")[0])
                if cell is None:
                    assert text == "-"
                    continue
                spread = "" if cell["deviation"] is None else f" ± {cell['deviation']:.1f}"
                plain = f"{cell['mean']:.1f}{spread}"
                assert text == (f"**{plain}**" if cell["best"] else plain)
            assert not cells
    assert found["tables"][1]["classes_counted"] == {"mIoU": [15, 16], "mAcc": [15, 16]}
    assert found["published"]["A"]["MMD"]["rider"] == 44.6
    assert found["published"]["source"] == "arXiv 2412.16592"
    for name in ("table_a.png", "table_b.png"):
        picture = cv2.imread(str(tmp_path / "out" / name))
        assert picture.shape[1] >= 900
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("table_a.png", "table_b.png", "tables.json", "tables.md")
    ]


def test_published_figures_are_marked_and_those_of_the_paper(make, tabulate):
    """The means of the 16 columns, and the printed mIoU, as the source of these figures has them."""
    make("l2", 1, {"streets": scored(0.4)})
    lines, tables = tabulate()
    (one,) = [title for title in tables if "Alignment" in title and "Published, not measured here" in title]
    (two,) = [title for title in tables if "Domain" in title and "Published, not measured here" in title]
    assert sum("arXiv 2412.16592" in line for line in lines) == 2
    means = {name: np.mean(values[:16]) for name, values in ALIGNMENT.items()}
    assert {name: f"{mean:.2f}" for name, mean in means.items()} == {
        **{"Baseline": "58.24", "L2": "60.76", "MMD": "61.18", "CS (cosine)": "62.79"}
    }
    assert ALIGNMENT_COLUMNS[:16] == NAMES_16
    printed = [" ".join(list(row.values())[1:]) for row in tables[one].values()]
    assert printed == [
        "91.5 55.9 89.1 43.4 30.1 50.1 48.4 59.8 88.3 92.7 38.8 18.3 88.0 25.7 49.9 61.9 58.3 71.2",
        "93.6 62.7 88.8 45.3 24.5 50.8 51.3 56.1 88.1 93.1 69.9 44.3 84.3 19.6 41.7 58.1 60.8 72.4",
        "90.1 53.5 88.2 41.9 30.5 49.0 51.3 55.9 87.8 92.4 69.8 44.6 88.4 28.0 49.9 57.6 61.2 71.6",
        "95.4 68.6 89.2 49.2 33.7 50.4 49.6 59.2 89.0 92.5 68.0 41.1 86.5 21.7 48.9 61.6 62.8 74.8",
    ]
    assert {name: " ".join(list(row.values())[1:]) for name, row in tables[two].items()} == {
        **{"GTA": "48.9 39.8 20.4", "SYNTHIA": "40.5 31.8 17.8", "Ours": "51.0 39.8 24.9"}
    }
    assert set(GENERALIZATION) == set(tables[two])
    ours = " ".join(line for line in lines if re.match(r"\| (L2|Ours) .*40\.0", line))
    assert ours.count("40.0") == 18  # 17 in table A, one in table B: nothing published slipped in


def test_wrong_input_is_told_in_a_line(make, tmp_path, capsys):
    make("l2", 1, {"streets": scored(0.4)})
    make("l2", 1, {"streets": scored(0.5)}, folder="twin")
    make("l2", 2, {"streets": scored(0.5)}, folder="otherwise", options=["model.consistency.loss_weight=9"])
    make("l2", 3, {"streets": scored(0.5, images=6)}, folder="other_test")
    make("mmd", 3, {"streets": scored(0.5, {"car": None})}, folder="other_classes")
    make("l2", 3, {}, folder="unscored")
    make("l2", 3, {"streets": {"groups": {}}}, folder="broken")
    make("l2", 3, {"streets": scored(0.5)}, folder="unreadable")
    (tmp_path / "unreadable/l2/seed_3/report.json").write_text("{")
    (tmp_path / "nothing").mkdir()
    for folders, more, words in (
        (["nothing"], [], "expected a folder of `carla-harness compare`, or of one run"),
        (["unscored"], [], "expected a finished run, found none: "),
        (["runs", "twin"], [], "expected each arm and seed once, got l2, seed 1"),
        (["runs", "otherwise"], [], "expected runs of l2 made alike, got options"),
        (["runs", "other_test"], [], "expected one and the same test streets everywhere, got 6 images of folder"),
        (["runs", "other_classes"], [], "1 classes absent, but 5 images of folder, 0 classes absent in"),
        (["broken"], [], "expected scores as"),
        (["unreadable"], [], "report.json: expected JSON"),
        (["runs"], ["--metric", "mean"], "--metric mean: expected one of sixteen_strict"),
        (["runs"], ["--target", "moon"], "--target moon: expected one of streets"),
        (["runs"], ["--out", "/proc/none"], "--out /proc/none: expected a folder that can be written"),
    ):
        assert cli.main(["table", *(str(tmp_path / folder) for folder in folders), *more]) == 2, folders
        errors = capsys.readouterr().err
        assert words in errors
        assert len(errors.splitlines()) == 1


def test_help_ends_with_an_example_and_the_rules(capsys):
    with pytest.raises(SystemExit):
        cli.main(["table", "--help"])
    said = capsys.readouterr().out
    assert "carla-harness table" in said.rpartition("example:")[2]
    assert "gta:DIR is GTA" in said
