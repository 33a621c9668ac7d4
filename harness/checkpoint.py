"""Checkpoints: the one place where weights are read from a file, and never code with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from protocols.errors import InputError


def read_tensors(file: str | Path) -> Any:
    """Return what a file of tensors, numbers, strings, lists and dicts holds; code in it is never run.

    Args:
        file: as `torch.save` writes it.

    Raises:
        InputError: not there, or it holds anything else.
    """
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{file}: expected a file of weights, got: {error.strerror}") from None
    except Exception as error:  # torch names its own, in several kinds
        raise InputError(f"{file}: expected a file of weights and nothing else, got: {str(error)[:120]}") from None


def load_weights(file: str | Path) -> dict[str, Tensor]:
    """Return the state dict of a file of weights.

    Args:
        file: as `SaveWeights` wrote it, or a checkpoint of a run, whose network is taken.

    Raises:
        InputError: not there, or not a file of weights alone.
    """
    found = read_tensors(file)
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(f"{file}: expected a dict of tensors, got {type(found).__name__}")
    return found
