"""Ranks: the processes of one run under torchrun; which one this is, how they meet, and how they end together.

Rank 0 leads: it alone has the stream, the journal, the checkpoints and the terminal. When one rank ends, connections to
it break, and all others end. What happened is said once: by the rank to which it happened, or, of one that died without
a word, by the first to notice.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from protocols.errors import InputError, ManyskiesError, PeerError

VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process; where one of them is missing, there is one rank."""
GATHERING_S = 300.0
"""How long all ranks may take to start."""
STEP_S = 1800.0
"""How long a rank may be behind within an iteration: the first one may compile for minutes."""
SILENCE_S = 600.0
"""How long rank 0 may say nothing between two iterations: it writes checkpoints then. While it waits it says so."""
LAST_WORDS = "last_words"
MEETINGS = itertools.count()
"""A process may join more than once: each time has names of its own in the store."""


@dataclass(frozen=True)
class Ranks:
    """Where this process stands among those of its run.

    Attributes:
        rank: 0 leads.
        world: how many there are.
        local: number of its GPU on this machine.
        group: of torch.distributed, over gloo, for what rank 0 deals out; None where there is one rank.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    group: Any = None

    @property
    def leads(self) -> bool:
        """Return whether this is rank 0."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Return whether there are others."""
        return self.world > 1

    def wait(self) -> None:
        """Wait until all have come here."""
        if self.several:
            import torch.distributed

            torch.distributed.barrier(self.group)


ALONE = Ranks()


class LostError(PeerError):
    """Another rank has died, or says nothing any more."""


def told_by(environment: Mapping[str, str]) -> Ranks:
    """Return the place that torchrun's variables give; without them a run of one rank.

    Raises:
        InputError: they are no numbers.
    """
    if not all(name in environment for name in VARIABLES):
        return ALONE
    try:
        rank, local, world = (int(environment[name]) for name in VARIABLES[:3])
    except ValueError:
        got = " ".join(f"{name}={environment[name]}" for name in VARIABLES[:3])
        raise InputError(f"torchrun: expected numbers in its variables, got {got}") from None
    return Ranks(rank, world, local)


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """Join the other ranks of this run, if there are any, and leave with them.

    Raises:
        InputError: there are fewer GPUs than ranks.
        LostError: the others did not come, or one of them ended; said by one rank alone.
        SystemExit: at the others, with its exit status and without a word.
    """
    place = told_by(os.environ)
    if not place.several:
        yield place
        return
    store, place = _connected(place)
    try:
        yield place
        place.wait()
    except (KeyboardInterrupt, Exception) as error:
        _end(store, place, error)
    import torch.distributed

    torch.distributed.destroy_process_group()


def _connected(place: Ranks) -> tuple[Any, Ranks]:
    import torch
    from torch import distributed
    from torch.distributed.rendezvous import rendezvous

    device = None
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        if place.local >= count:
            raise InputError(f"torchrun: expected at most {count} processes, one a GPU, got --nproc-per-node more")
        device = torch.device("cuda", place.local)
        torch.cuda.set_device(device)
    try:
        store, _, _ = next(iter(rendezvous("env://", timeout=timedelta(seconds=GATHERING_S))))
        store = distributed.PrefixStore(f"manyskies/{next(MEETINGS)}", store)
        distributed.init_process_group(
            "gloo" if device is None else "nccl",
            store=store,
            rank=place.rank,
            world_size=place.world,
            timeout=timedelta(seconds=STEP_S),
            device_id=device,
        )
        group = distributed.new_group(backend="gloo", timeout=timedelta(seconds=SILENCE_S))
    except (distributed.DistError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise LostError(f"rank {place.rank}: expected {place.world} ranks to come, got: {first[:200]}") from None
    return store, Ranks(place.rank, place.world, place.local, group)


def _end(store: Any, place: Ranks, error: BaseException) -> None:
    """End this rank: in its own words, or silently where another one has said what happened."""
    own = _in_words(error, place)
    if own is None:  # a fault of the program: let it be seen
        _first_words(store, place, "", 1)
        raise error
    mine = (str(own), own.exit_code if isinstance(own, ManyskiesError) else 130)
    said = _first_words(store, place, *mine)
    if said is not None and (isinstance(own, LostError) or said[0] == mine[0]):
        raise SystemExit(said[1])
    raise own from None


def _in_words(error: BaseException, place: Ranks) -> BaseException | None:
    """Return what the user is to be told of an error; None where it is a fault of the program."""
    from torch import distributed

    if isinstance(error, (ManyskiesError, KeyboardInterrupt)):
        return error
    text = str(error)
    if not isinstance(error, distributed.DistError) and not (isinstance(error, RuntimeError) and "gloo/" in text):
        return None
    if "Timed out" in text:
        what = "one has said nothing for too long"
    else:
        what = "one has died"
    return LostError(
        f"rank {place.rank}: expected all {place.world} ranks to stay, {what}; the same command with --resume goes on "
        "from the newest checkpoint"
    )


def _first_words(store: Any, place: Ranks, words: str, code: int) -> tuple[str, int] | None:
    """Leave last words for the others; return those of whoever was faster, if anyone was."""
    mine = json.dumps([words, code, place.rank])
    try:
        stands = store.compare_set(LAST_WORDS, "", mine).decode()
    except RuntimeError:  # whoever kept the store is gone
        return None
    if stands == mine:
        return None
    said, status, _ = json.loads(stands)
    return said, status
