"""The command: help and version are quick, wrong arguments end in a line or two, never in a traceback."""

import subprocess
import sys

import pytest

from harness.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"carla-harness {command}" in capsys.readouterr().out.rpartition("example:")[2]


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("carla-harness ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "nonsense", "--from", "tcp://127.0.0.1:*"], "config nonsense: expected a file or one of"),
        (["train", "daformer_dg_cosine_small", "--from", "nowhere"], "nowhere: expected local, tcp://127.0.0.1:PORT"),
        (["train", "daformer_dg_cosine_small", "--from", "tcp://0.0.0.0:5555"], "this machine only"),
        (["demo", "--out", "/proc/nothing"], "--out /proc/nothing: expected a folder"),
        (
            ["train", "daformer_dg_cosine_small", "--from", "file:none.rec", "--work-dir", "/proc/nothing"],
            "/proc/nothing: expected a place to write to",
        ),
    ],
)
def test_wrong_input_is_two_lines_at_most(arguments, words, capsys):
    assert main(arguments) == 2
    errors = capsys.readouterr().err
    assert words in errors
    assert len(errors.strip().splitlines()) <= 2


TRAIN = ["train", "daformer_dg_cosine_small", "--from", "local"]
SCORE = ["evaluate", "daformer_dg_cosine_small", "weights.pth", "--data", "stream", "--root", "local"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["demo", "--iters", "3", "--minutes", "2"], "not allowed with"),
        (["demo", "--iters", "0"], "expected a whole number from 1, got '0'"),
        (["demo", "--minutes", "-1"], "expected minutes above 0, got '-1'"),
        (["demo", "--minutes", "nan"], "expected minutes above 0, got 'nan'"),
        ([*TRAIN, "--iters", "-3"], "expected a whole number from 1, got '-3'"),
        ([*TRAIN, "--seed", "-1"], "expected a whole number from 0 to 4294967295, got '-1'"),
        ([*SCORE, "--count", "0"], "expected a whole number from 1, got '0'"),
        ([*SCORE, "--size", "wide"], "expected WIDTHxHEIGHT in pixels"),
    ],
)
def test_wrong_usage_is_status_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err


def test_light_imports():
    code = (
        "import sys\nfrom harness import BundleStream\nimport harness.cli\nharness.cli.parser()\n"
        "print([n for n in ('torch', 'mmseg', 'mmengine', 'mmcv', 'matplotlib', 'cv2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
