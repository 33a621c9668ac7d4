"""A script: `run_with_fault.py NUMBER simulate ...` is the command line with one fault put in as its file is imported.

Nothing is written: the compiled kernels of the sources as they are can be used, as no fault is in a kernel.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import runpy
import sys
from pathlib import Path
from types import CodeType

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

spec = importlib.util.spec_from_file_location("sabotage_faults", HERE / "faults.py")
faults = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = faults
spec.loader.exec_module(faults)
fault = faults.FAULTS[int(sys.argv[1])]
read = importlib.machinery.SourceFileLoader.get_code


def get_code(self: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
    """Return a module's code, with the fault if it is the one that is to have it."""
    path = Path(self.get_filename(name))
    if path != ROOT / fault.path:
        return read(self, name)
    print(f"fault: {fault.name}", file=sys.stderr)
    return compile(path.read_text().replace(fault.right, fault.wrong), str(path), "exec")


importlib.machinery.SourceFileLoader.get_code = get_code
sys.path.insert(0, str(ROOT))
sys.argv[:2] = ["carla-plugin"]
runpy.run_module("carla_plugin.cli", run_name="__main__")
