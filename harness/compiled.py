"""Compiled: encoder and head through torch.compile, where they are; the names of their weights stay as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from importlib.util import find_spec

import torch
from torch import nn
from torch._functorch import config as graphs

from protocols.errors import InputError


def compile_parts(parts: Iterable[nn.Module], backend: str) -> None:
    """Have modules compiled when they are first called; copies of them are not.

    Args:
        parts: modules, called as such.
        backend: of torch.compile: "inductor" for speed.

    Raises:
        InputError: torch knows no such backend, or that one has nothing here to compile with.
    """
    if backend not in torch.compiler.list_backends(exclude_tags=()):
        raise InputError(f"compiled: expected 'inductor', or another backend of torch.compile, got {backend!r}")
    if backend == "inductor":
        if torch.cuda.is_available():
            tool, found = "the package `triton`, which torch's CUDA build brings", find_spec("triton")
        else:
            name = os.environ.get("CXX", "g++")
            tool, found = f"a C++ compiler, {name} or another one named by CXX", shutil.which(name)
        if not found:
            raise InputError(f"compiled: expected {tool}, for 'inductor', found none; set model.compiled=None")
    # by default a compiled graph frees what it saved in its first backward; self-training has a second one
    graphs.donated_buffer = False
    for part in parts:
        part.compile(backend=backend)
