"""GPUs by number, as environment variables that give a child process one of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from protocols.errors import InputError

VARIABLE = "CUDA_VISIBLE_DEVICES"


def variables(numbers: Sequence[int]) -> list[dict[str, str]]:
    """Return the variables of one worker for each number.

    Args:
        numbers: of GPUs as torch counts them here: among those that CUDA_VISIBLE_DEVICES leaves, where it is set.

    Raises:
        InputError: torch sees fewer.
    """
    import torch

    count = torch.cuda.device_count()
    if count == 0 or max(numbers) >= count:
        asked = ",".join(map(str, numbers))
        seen = f"numbers below {count}" if count else "a GPU that torch can use"
        raise InputError(f"--gpus {asked}: expected {seen}, found {count} here; or use --jobs N")
    allowed = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    return [{VARIABLE: allowed[number] if allowed else str(number)} for number in numbers]
