"""Dealing out, without other processes: what one process would draw, in shares, and each its own chance."""

import queue
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope

import harness.modules  # noqa: F401  # what a pipeline names
from harness import datasets, dealing
from harness.datasets import StreamedBundles
from harness.dealing import Dealer, DealtBundles
from harness.ranks import Ranks

PIPELINE = [
    {"type": "DrawAppearances", "count": 2},
    {"type": "TagsToClasses"},
    {"type": "CropAll", "size": (32, 32)},
    {"type": "FlipAll"},
    {"type": "DistortEach"},
    {"type": "PackAppearances"},
]


@pytest.fixture
def wires(monkeypatch):
    """Let the dealer's tensors lie in a queue for each rank, and a rank take from its own; return the queues."""
    lying = {1: queue.SimpleQueue(), 2: queue.SimpleQueue()}

    def isend(values, rank, group):
        lying[rank].put(values.clone())
        return SimpleNamespace(wait=lambda: None)

    def recv(values, source, group):
        assert source == 0
        values.copy_(lying[group].get(timeout=10))

    monkeypatch.setattr(dealing.distributed, "isend", isend)
    monkeypatch.setattr(dealing.distributed, "recv", recv)
    return lying


@pytest.fixture
def streamed(bundle, still_stream, monkeypatch):
    """Return a function that makes a data set on a still stream: (batch size, ranks, pace)."""
    init_default_scope("mmseg")

    def make(batch_size, ranks=1, pace=2.0, **more):
        monkeypatch.setattr(datasets, "open_stream", still_stream(bundle))
        dataset = StreamedBundles(
            "", (128, 64), PIPELINE, batch_size, seed=3, capacity=8, first=4, pace=pace, ordered=True, **more
        )
        dataset.ranks = ranks
        return dataset

    return make


def taken(samples, count):
    """Return the inputs and labels of so many samples."""
    rows = [next(samples) for _ in range(count)]
    labels = [one.gt_sem_seg.data for row in rows for one in row["data_samples"]]
    return [image for row in rows for image in row["inputs"]] + labels, rows


def equal(first, second):
    return len(first) == len(second) and all(map(torch.equal, first, second))


@pytest.mark.usefixtures("wires")
def test_shares_are_what_one_process_draws_with_all_batches_in_one(streamed):
    one, first = streamed(6), streamed(2, ranks=3)
    first.deal = Dealer(Ranks(0, 3))
    whole, share = iter(one), iter(first)
    others = []
    for rank in (1, 2):
        dealt = DealtBundles(seed=3)
        dealt.ranks = Ranks(rank, 3, group=rank)
        others.append(iter(dealt))
    for _ in range(4):
        expected = [taken(whole, 2)[0] for _ in range(3)]
        assert equal(taken(share, 2)[0], expected[0])
        assert first.used == one.used
        assert len(first.used) == 6
        assert equal(taken(others[0], 2)[0], expected[1])
        assert equal(taken(others[1], 2)[0], expected[2])


@pytest.mark.usefixtures("wires")
def test_without_a_pace_all_that_is_drawn_counts(streamed):
    """Each bundle is used `max_uses` times by all ranks together: with as many ranks, as many more bundles."""
    seen = []
    for ranks in (1, 3):
        dataset = streamed(2, ranks=ranks, pace=None, max_uses=1.0)
        dataset.deal = Dealer(Ranks(0, ranks)) if ranks > 1 else dataset.deal
        taken(iter(dataset), 6)
        seen.append(dataset.reservoir.seen)
    assert seen == [6, 18]


@pytest.mark.usefixtures("wires")
def test_each_rank_drops_something_else_and_the_same_every_time(streamed):
    dice = {}
    for turn in range(2):
        dataset = streamed(1, ranks=3)
        dataset.deal = Dealer(Ranks(0, 3))
        taken(iter(dataset), 1)
        dice[turn, 0] = torch.rand(4)
        for rank in (1, 2):
            dealt = DealtBundles(seed=3)
            dealt.ranks = Ranks(rank, 3, group=rank)
            torch.manual_seed(turn)  # nothing that was drawn before has a part in it
            taken(iter(dealt), 1)
            dice[turn, rank] = torch.rand(4)
    alone = streamed(1)
    taken(iter(alone), 1)
    assert torch.equal(torch.rand(4), dice[0, 0])  # rank 0 as a process alone
    assert all(torch.equal(dice[0, rank], dice[1, rank]) for rank in range(3))
    assert len({tuple(dice[0, rank].tolist()) for rank in range(3)}) == 3


def test_signs_of_life_are_few_and_no_iterations(wires, streamed, monkeypatch):
    now = 0.0
    monkeypatch.setattr(dealing.time, "monotonic", lambda: now)
    dealer = Dealer(Ranks(0, 3))
    for _ in range(10):
        now += dealing.HERE_S / 4
        dealer.still_here()
    assert wires[1].qsize() == 2
    dataset = streamed(1, ranks=3)
    dataset.deal = dealer
    taken(iter(dataset), 1)
    found, samples = dealing.receive(Ranks(1, 3, group=1))
    assert (found, len(samples), wires[1].qsize()) == (0, 1, 0)
