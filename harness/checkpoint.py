"""Checkpoints: the one place where weights are read from a file, and never code with them.

mmengine's own loader, on which `init_cfg`, `load_from` and `resume` rest, lets a file run code if it asks to; so its
place is taken by the one here (`read_nothing_else`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protocols.errors import InputError

SAFETENSORS = ".safetensors"
LOG_METHODS = ("min", "max", "current", "mean")


def read_tensors(file: str | Path) -> Any:
    """Return what a file of tensors, numbers, strings, lists and dicts holds; code in it is never run.

    Args:
        file: as `torch.save` writes it, or in the safetensors format, by its suffix.

    Raises:
        InputError: not there, or it holds anything else.
    """
    try:
        if Path(file).suffix == SAFETENSORS:
            from safetensors.torch import load_file

            return load_file(file, device="cpu")
        with torch.serialization.safe_globals(_log_values()):
            return torch.load(file, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise InputError(f"{file}: expected the extra `manyskies[harness]`, got: {error}") from None
    except OSError as error:
        raise InputError(f"{file}: expected a file of weights, got: {error.strerror or error}") from None
    except Exception as error:  # torch and safetensors name their own, in several kinds
        raise InputError(f"{file}: expected a file of weights and nothing else, got: {_cause(error)}") from None


def _cause(error: Exception) -> str:
    """Return what is wrong in few words: torch's own begin by saying how to let the code in the file run."""
    text = str(error) or type(error).__name__
    found = re.search(r"GLOBAL (\S+)", text) or re.search(r"Can only (\S.*? for \S+)", text)
    return f"a call of {found[1]}" if found else text.splitlines()[0][:120]


def _log_values() -> list[Any]:
    """Return what mmengine's checkpoints hold beside weights: the values of its log. None of it runs code."""
    from mmengine.logging.history_buffer import HistoryBuffer

    def method(owner: Any, name: str) -> Any:
        """Stand in for `getattr`: a log names its own methods, and nothing else may be named."""
        if owner is not HistoryBuffer or name not in LOG_METHODS:
            raise ValueError("a call of getattr")
        return getattr(owner, name)

    arrays = (getattr(np, "_core", None) or np.core).multiarray
    kinds: list[Any] = [HistoryBuffer, np.ndarray, np.dtype, (method, "builtins.getattr")]
    kinds += [type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "uint32")]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        kinds += [(arrays._reconstruct, f"{module}._reconstruct"), (arrays.scalar, f"{module}.scalar")]
    return kinds


def load_weights(file: str | Path) -> dict[str, Tensor]:
    """Return the state dict of a file of weights.

    Args:
        file: as `SaveWeights` wrote it, or a checkpoint of a run, of mmengine or of DAFormer, whose network is taken.

    Raises:
        InputError: not there, or not a file of weights alone.
    """
    found = read_tensors(file)
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(f"{file}: expected a dict of tensors, got {type(found).__name__}")
    return dict(found)


def read_nothing_else() -> None:
    """Put our reader in the place of mmengine's loaders: local files alone, weights alone."""
    from mmengine.runner.checkpoint import CheckpointLoader

    CheckpointLoader.register_scheme(list(CheckpointLoader._schemes), _read_local, force=True)


def _read_local(filename: str, map_location: Any = None) -> Any:
    """Return what mmengine asks for.

    Raises:
        InputError: an address, or a file that holds more than weights.
    """
    if "://" in filename:
        raise InputError(f"{filename}: expected a file of this machine: nothing is downloaded")
    return read_tensors(filename)
