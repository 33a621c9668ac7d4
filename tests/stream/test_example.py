"""The example in README receives bundles into plain PyTorch, and loads no framework for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ADDRESS = "tcp://127.0.0.1:5555"


def example() -> str:
    """Return the example out of README."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if "DataLoader" in block)


def test_it_trains_on_bundles_without_our_trainer(tmp_path):
    code = example()
    assert ADDRESS in code
    assert len(code.splitlines()) <= 30
    address = f"ipc://{tmp_path}/bundles"
    last = "import sys; print('loaded', sorted({'mmseg', 'mmengine', 'mmcv', 'carla'} & set(sys.modules)))"
    script = tmp_path / "example.py"
    script.write_text(code.replace(ADDRESS, address) + "\n" + last)
    trainer = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    plugin = subprocess.Popen([sys.executable, str(HERE / "producer.py"), "--to", address, "--size", "32", "64"])
    try:
        lines = trainer.communicate(timeout=120)[0].splitlines()
        assert trainer.returncode == 0
        assert len(lines) == 11
        assert lines[-1] == "loaded []"
        assert all(0.0 < float(line.split()[1]) < 100.0 for line in lines[:10])
        assert plugin.wait(60) == 0, "it was not told that the trainer has enough"
    finally:
        for process in (trainer, plugin):
            process.kill()
            process.wait()
        trainer.stdout.close()
