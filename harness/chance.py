"""Chance from counters: a draw depends on (seed, purpose, iteration, place) alone, never on what was drawn before.

So a run that goes on from a checkpoint needs no state of any generator, and draws what it would have drawn.
"""

from __future__ import annotations

import random

import numpy as np

EVICTION, DRAW, GLOBAL, HISTORY, TARGET_IMAGE, FOLDER_PASS = 1, 2, 3, 4, 5, 6
"""Purposes: streams of chance that must not meet."""


def chance(seed: int, purpose: int, iteration: int, slot: int = 0) -> np.random.Generator:
    """Return the random generator of one decision, the same whenever it is asked for.

    Args:
        seed: of the run.
        purpose: which kind of decision.
        iteration: 0-based.
        slot: place in the batch.
    """
    return np.random.Generator(np.random.Philox(key=seed % 2**64, counter=[0, purpose, slot, iteration]))


def reseed(seed: int, iteration: int, rank: int = 0) -> None:
    """Seed the global generators of torch, numpy and random for an iteration: dropout, and transforms of others.

    Args:
        seed: of the run.
        iteration: 0-based.
        rank: of this process, where several share a batch: what one drops the others do not.
    """
    import torch

    first, second, third = (int(word) for word in chance(seed, GLOBAL, iteration, rank).integers(2**32, size=3))
    torch.manual_seed(first)
    np.random.seed(second)  # the state that others' transforms draw from
    random.seed(third)
