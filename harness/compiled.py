"""Compiled: encoder and head through torch.compile, where they are; the names of their weights stay as they are."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from protocols.errors import InputError


def compile_parts(parts: Iterable[nn.Module], backend: str) -> None:
    """Have modules compiled when they are first called; copies of them are not.

    Args:
        parts: modules, called as such.
        backend: of torch.compile: `inductor` for speed; it needs Triton on a GPU, a C++ compiler on a CPU.

    Raises:
        InputError: torch knows no such backend.
    """
    known = torch.compiler.list_backends(exclude_tags=())
    if backend not in known:
        raise InputError(f"compiled: expected a backend of torch.compile ({', '.join(known)}), got {backend!r}"[:400])
    for part in parts:
        part.compile(backend=backend)
