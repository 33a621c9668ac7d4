"""Dealing out: rank 0 draws for all ranks, in the order one process with their batches joined would, and sends shares.

So the plugins need one address, exactly-once, resuming and the journal are what they are for one process, and the draws
of a run do not depend on how many ranks share them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch
from mmseg.registry import DATASETS
from torch import Tensor, distributed
from torch.utils.data import IterableDataset

from harness.chance import reseed
from harness.datasets import METAINFO, NOMINAL_LENGTH
from harness.parcel import Sample, decode, encode
from harness.ranks import Ranks

HERE_S = 30.0
"""Seconds between two signs of life while rank 0 waits for bundles: far less than the silence that the others bear."""
STILL_HERE = -1
"""In the place of an iteration's number: nothing follows."""


class Dealer:
    """Send the other ranks their shares; of rank 0."""

    def __init__(self, ranks: Ranks) -> None:
        """Begin with nothing sent.

        Args:
            ranks: all of them, of which this is the first.
        """
        self._ranks = ranks
        self._sending: list[tuple[Any, Tensor]] = []
        self._spoke = time.monotonic()

    def __call__(self, iteration: int, samples: list[Sample]) -> list[Sample]:
        """Send an iteration's samples, and return the first share, which is rank 0's own.

        Args:
            iteration: 0-based.
            samples: W * B of them, in the order of their places; rank r gets the r-th B.
        """
        self._settle()
        share = len(samples) // self._ranks.world
        for rank in range(1, self._ranks.world):
            header, payload = encode(samples[rank * share : (rank + 1) * share])
            self._send(rank, torch.tensor([iteration, len(header), payload.numel()]))
            self._send(rank, torch.frombuffer(bytearray(header), dtype=torch.uint8))
            self._send(rank, payload)
        return samples[:share]

    def still_here(self) -> None:
        """Say that there will be more, however long bundles take; to be called often."""
        if time.monotonic() - self._spoke >= HERE_S:
            for rank in range(1, self._ranks.world):
                self._send(rank, torch.tensor([STILL_HERE, 0, 0]))

    def _send(self, rank: int, values: Tensor) -> None:
        self._sending.append((distributed.isend(values, rank, group=self._ranks.group), values))
        self._spoke = time.monotonic()

    def _settle(self) -> None:
        """Wait until all has been taken; the others were there when the last iteration ended."""
        for work, _ in self._sending:
            work.wait()
        self._sending.clear()


def receive(ranks: Ranks) -> tuple[int, list[Sample]]:
    """Return number and samples of the next iteration, as rank 0 deals them out.

    Args:
        ranks: of which this is not the first.
    """
    announced = torch.empty(3, dtype=torch.int64)
    while True:
        distributed.recv(announced, 0, group=ranks.group)
        iteration, *sizes = announced.tolist()
        if iteration == STILL_HERE:
            continue
        header, payload = (torch.empty(size, dtype=torch.uint8) for size in sizes)
        distributed.recv(header, 0, group=ranks.group)
        distributed.recv(payload, 0, group=ranks.group)
        return iteration, decode(header.numpy().tobytes(), payload)


@DATASETS.register_module()
class DealtBundles(IterableDataset):
    """Yield what rank 0 deals out; takes the place of `StreamedBundles` on every other rank.

    Attributes:
        ranks: which of them this is; to be set.
    """

    metainfo = METAINFO

    def __init__(self, seed: int = 0) -> None:
        """Wait for nothing yet.

        Args:
            seed: of the run.
        """
        self.ranks = Ranks()
        self._seed = seed

    def __len__(self) -> int:
        return NOMINAL_LENGTH

    def __iter__(self) -> Iterator[Sample]:
        """Yield samples for ever; the global generators begin each iteration anew, on each rank otherwise."""
        while True:
            iteration, samples = receive(self.ranks)
            reseed(self._seed, iteration, self.ranks.rank)
            yield from samples
