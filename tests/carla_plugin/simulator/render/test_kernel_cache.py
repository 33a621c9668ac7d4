"""Kernels are kept apart by the state of all sources, not of their own file alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numba
import pytest

from carla_plugin.simulator.render import kernel_cache


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Return a copy of the renderer's sources, at which the module under test is pointed."""
    here = tmp_path / "simulator" / "render"
    here.mkdir(parents=True)
    original = Path(kernel_cache.__file__).parent
    for source in original.glob("*.py"):
        shutil.copy(source, here)
    shutil.copy(original.parent / "materials.py", here.parent)
    monkeypatch.setattr(kernel_cache, "__file__", str(here / "kernel_cache.py"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", numba.config.CACHE_DIR)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return here


def test_a_change_in_any_file_changes_the_folder(copied):
    first = kernel_cache.choose_folder()
    assert first == kernel_cache.choose_folder()
    assert first.is_dir()
    assert first.parent == copied / "__pycache__"
    assert str(first) == numba.config.CACHE_DIR
    with (copied / "noise.py").open("a") as source:
        source.write("# changed\n")
    assert kernel_cache.choose_folder() != first


def test_the_users_own_folder_is_respected(copied, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    assert kernel_cache.choose_folder().parent == tmp_path / "mine"


def test_kernels_unused_for_a_day_are_removed(copied):
    old = kernel_cache.choose_folder()
    os.utime(old, (0, 0))
    recent = old.with_name(old.name + "0")
    recent.mkdir()
    (copied / "noise.py").write_text("# changed\n")
    kernel_cache.choose_folder()
    assert not old.exists()
    assert recent.exists()
