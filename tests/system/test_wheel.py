"""The built wheel, alone in an empty environment outside the checkout: what a stranger gets from pip."""

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FIVE_TICKS = """
import sys
import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(60)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
frames = [world.tick() for _ in range(5)]
print("steps", [later - earlier for earlier, later in zip(frames, frames[1:])])
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it into an empty environment, and return that environment's folder of programs."""
    folder = tmp_path_factory.mktemp("outside")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = (folder / "dist").glob("manyskies-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    install = [str(folder / "venv/bin/pip"), "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, f"{wheel}[plugin,simulator]"], check=True, cwd=folder)
    return folder / "venv/bin"


def environment(folder: Path) -> dict[str, str]:
    return {**{key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, "HOME": str(folder)}


def test_a_bare_scenario_name_is_checked(outside: Path, tmp_path: Path):
    check = [str(outside / "carla-plugin"), "check", "smoke"]
    done = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path), check=False)
    assert done.returncode == 0, done.stderr


def test_five_ticks_of_the_simulator(outside: Path, tmp_path: Path):
    command = [str(outside / "carla-plugin"), "simulate", "--port", "0", "--stay-with-stdin"]
    simulator = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(tmp_path)
    )
    try:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(simulator.stdout.readline()), daemon=True).start()
        ready = lines.get(timeout=300)
        assert ready.startswith("ready on 127.0.0.1:"), ready
        ticks = [str(outside / "python"), "-c", FIVE_TICKS, ready.strip().rpartition(":")[2]]
        done = subprocess.run(ticks, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
        assert done.stdout.strip() == "steps [1, 1, 1, 1]", done.stderr
        simulator.stdin.close()
        assert simulator.wait(timeout=30) == 0
    finally:
        simulator.kill()
        simulator.wait()
