"""The command line: help answers at once, ends with an example, and faults are lines, not tracebacks."""

import subprocess
import sys

import pytest

from carla_plugin.cli import COMMANDS, main
from carla_plugin.cli.stream import server_address
from protocols.errors import InputError


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("carla-plugin ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert "example:\n  carla-plugin" in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    heavy = ["carla", "pygame", "numba", "numpy", "zmq", "yaml", "msgspec", "rich", "cv2"]
    code = (
        "import sys\nfrom carla_plugin.cli import main\n"
        "try: main(['stream', '--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_check(capsys):
    assert main(["check", "smoke"]) == 0
    assert capsys.readouterr().out.startswith("smoke: ok.")
    assert main(["check", "smok"]) == 2
    assert capsys.readouterr().err == (
        "carla-plugin: scenario 'smok': expected a file or one of adverse, drive, four_skies, rare, smoke, town, "
        "town_unseen; did you mean smoke?\n"
    )


def test_a_reader_that_leaves_is_no_traceback():
    code = "import sys; from carla_plugin.cli import main; sys.exit(main(['check', 'smoke']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert errors == ""


@pytest.mark.parametrize("command", [["play", "none.rec"], ["stream", "smoke"]])
@pytest.mark.parametrize("patience", ["-1", "nan", "soon"])
def test_patience_is_seconds_from_0(command, patience, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command, "--to", "tcp://127.0.0.1:9", f"--patience={patience}"])
    assert left.value.code == 2
    assert f"expected seconds from 0, got {patience!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:2000", ("127.0.0.1", 2000)), ("gpu-box:1", ("gpu-box", 1)), ("[::1]:2000", ("::1", 2000))],
)
def test_server_address(text, expected):
    assert server_address(text) == expected


def test_not_a_server_address():
    with pytest.raises(InputError, match="expected HOST:PORT"):
        server_address("::1:2000")


def test_a_missing_package_is_named_with_its_extra():
    code = "import sys; sys.modules['pygame'] = None; from carla_plugin.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", code, "preview", "--from", "tcp://127.0.0.1:9"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == "carla-plugin: expected the package pygame; install it with: pip install 'manyskies[plugin]'\n"
    )


def test_preview_without_a_display():
    code = "import sys; from carla_plugin.cli import main; sys.exit(main(['preview', '--from', 'tcp://127.0.0.1:9']))"
    environment = {"PATH": "", "SDL_VIDEODRIVER": "x11", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "preview: expected a display" in done.stderr
    assert len(done.stderr.splitlines()) == 1
