"""Where compiled kernels are kept: a folder per state of the sources, since numba looks only at a kernel's own file.

Numba keeps a compiled function until the file it stands in changes, even if a function that was compiled into it from
another file has changed. So the folder's name carries a digest of all files of the renderer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

import numba
from numba.misc.appdirs import AppDirs

_PREFIX = "manyskies-kernels-"
_KEPT_S = 86_400.0  # kernels of other states of the sources go after a day without use


def choose_folder() -> Path:
    """Point numba's cache at the folder for the present sources, and return that folder.

    It lies where numba would have put it: under NUMBA_CACHE_DIR if that is set, else in `__pycache__`, else in the
    user's cache folder. If nothing can be written, kernels are compiled anew each time.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted([*here.glob("*.py"), here.parent / "materials.py"]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    folder = _base(here) / f"{_PREFIX}{digest.hexdigest()[:16]}"
    try:
        fresh = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        if fresh:
            _forget_old(folder)
    except OSError:
        return folder
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder


def _base(here: Path) -> Path:
    """Return the folder that numba itself would use."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    beside = here / "__pycache__"
    if os.access(beside if beside.exists() else here, os.W_OK):
        return beside
    return Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)  # type: ignore[no-untyped-call]


def _forget_old(folder: Path) -> None:
    """Remove the kernels of other states of the sources that nobody has used for a day."""
    for other in folder.parent.glob(f"{_PREFIX}*"):
        if other != folder and time.time() - other.stat().st_mtime > _KEPT_S:
            shutil.rmtree(other, ignore_errors=True)
