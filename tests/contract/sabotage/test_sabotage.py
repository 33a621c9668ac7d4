"""Sabotage: the contract tests notice faults; each is put into a simulator and must turn a test red."""

from __future__ import annotations

import importlib.util
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
START_S = 240.0
ASK_S = 280.0

_spec = importlib.util.spec_from_file_location("sabotage_faults", HERE / "faults.py")
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)
FAULTS = _module.FAULTS
FIRST = 1  # so many faults are tried outside soak

pytestmark = [pytest.mark.embedded, pytest.mark.source("ours")]


@contextmanager
def served(home: Path, number: int) -> Iterator[str]:
    """Serve with a fault in; give the address."""
    command = [sys.executable, str(HERE / "run_with_fault.py"), str(number), "simulate", "--port", "0"]
    command += ["--town", "Grid_07", "--stay-with-stdin", "--recordings", str(home / "recordings")]
    said = home / "said"
    process = subprocess.Popen(
        command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said.open("w"), text=True
    )
    try:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
        ready = lines.get(timeout=START_S)
        assert ready.startswith("ready on "), f"the simulator said {ready!r}"
        assert f"fault: {FAULTS[number].name}" in said.read_text(), "its file was not imported"
        yield ready.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def asked(address: str, where: str) -> subprocess.CompletedProcess[str]:
    """Run one file of contract tests against a server, up to the first red one."""
    command = [sys.executable, "-m", "pytest", f"tests/contract/test_{where}.py", "--carla", address, "-x"]
    command += ["-p", "no:cacheprovider", "--timeout", "60", "-o", "faulthandler_timeout=90", "--tb", "line"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ASK_S)


def test_there_are_twenty_and_all_can_be_put_in():
    assert len(FAULTS) == 20
    assert len({fault.name for fault in FAULTS}) == 20
    for fault in FAULTS:
        source = (ROOT / fault.path).read_text()
        assert source.count(fault.right) == 1, f"{fault.name}: '{fault.right}' stands {source.count(fault.right)} times"
        assert "njit" not in source, f"{fault.name}: a kernel would be taken from where compiled ones are kept"
        compile(source.replace(fault.right, fault.wrong), fault.path, "exec")


@pytest.mark.parametrize("number", range(20))
def test_a_fault_turns_a_test_red(tmp_path, scale, number):
    if scale == "test" and number >= FIRST:
        pytest.skip("the other faults are tried by make soak")
    fault = FAULTS[number]
    with served(tmp_path, number) as address:
        ended = asked(address, fault.where)
    assert ended.returncode == 1, f"{fault.name} was not noticed:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
    assert " failed" in ended.stdout or "FAILED" in ended.stdout or "ERROR" in ended.stdout


@pytest.mark.parametrize("where", sorted({fault.where for fault in FAULTS}))
def test_without_a_fault_the_same_tests_are_green(start_simulator, scale, where):
    if scale == "test":
        pytest.skip("the same run has them; make soak runs them in this way too")
    ended = asked(start_simulator().address, where)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
