"""Publisher and BundleStream together, in one process: order, drops, sources that cannot repeat, memory shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

import carla_plugin.publisher
from carla_plugin.publisher import Publisher
from carla_plugin.rooms import Shape
from carla_plugin.shared_memory import SharedMemoryError, TrainerSlots
from harness import BundleStream
from harness.shared_memory import SharedSlots, host_name
from harness.stream import StreamEnd
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.envelopes import Credit

H, W = 32, 48
SIZE = 1 << 16
EXTRAS = {"depth": "float32", "instance": "uint16"}


def made(index: int, extras: bool = False) -> Bundle:
    dice = np.random.default_rng(index)
    images = dice.integers(0, 256, (3, H, W, 3), dtype=np.uint8)
    mask = dice.integers(0, 29, (H, W), dtype=np.uint8)
    header = BundleHeader("s", 1, 0, index, "T", ("a", "b", "c"), H, W, 0, mask_hash(mask))
    more = {name: dice.integers(0, 200, (H, W)).astype(dtype) for name, dtype in EXTRAS.items()} if extras else {}
    return Bundle(header, images, mask, more)


def same(one: Bundle, other: Bundle) -> bool:
    return (
        np.array_equal(one.images, other.images)
        and np.array_equal(one.mask, other.mask)
        and list(one.extras) == list(other.extras)
        and all(np.array_equal(array, other.extras[name]) for name, array in one.extras.items())
    )


class Plugin:
    """A publisher and the thread that feeds it."""

    def __init__(self, endpoint: str, name: str, how: str = "put", **options: object) -> None:
        self.publisher = Publisher(endpoint, name, SIZE, **options)
        self.made: list[int] = []
        self._how = how
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        index = -1
        while (index := self.publisher.next_wanted(index)) is not None:
            if index % 10 == 9:
                self.publisher.drop(index, "unsettled")
                continue
            bundle = made(index, extras=True)
            if self._how == "room":
                room = self.publisher.room(index, Shape(3, H, W, EXTRAS))
                np.copyto(room.images, bundle.images)
                np.copyto(room.mask, bundle.mask)
                for name, array in bundle.extras.items():
                    np.copyto(room.extras[name], array)
                bundle = Bundle(bundle.header, room.images, room.mask, room.extras)
            self.publisher.put(bundle)
            self.made.append(index)
        self.publisher.close()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def start() -> Iterator:
    plugins: list[Plugin] = []

    def start(*arguments: object, **options: object) -> Plugin:
        plugins.append(Plugin(*arguments, **options))
        return plugins[-1]

    yield start
    for plugin in plugins:
        plugin.join()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("how", ["put", "room"])
def test_ordered_over_two_plugins_and_what_is_dropped_is_skipped(tmp_path, start, shared, how):
    wanted = ((3, 4), (7, 30), (41, 60))
    with BundleStream(
        f"ipc://{tmp_path}/s", max_bundle_bytes=SIZE, ordered=True, wanted=wanted, shared=shared, patience_s=60
    ) as stream:
        plugins = [start(stream.endpoint, name, how) for name in ("one@1", "two@2")]
        expected = [index for index in (3, *range(7, 30), *range(41, 60)) if index % 10 != 9]
        for index, bundle in zip(expected, stream, strict=True):
            assert bundle.header.index == index
            assert same(bundle, made(index, extras=True))
        assert stream.dropped == dict.fromkeys((9, 19, 29, 49, 59), "unsettled")
        assert list(stream.receipts) == expected
        assert stream.wanted == ()
        with pytest.raises(StreamEnd):
            stream.take()
        for plugin in plugins:
            plugin.join()
        # one whose credit went to the other meanwhile may have been made twice
        assert {*plugins[0].made, *plugins[1].made} == {*expected}
        assert stream.stats().in_place == (len(expected) if shared else 0)


def test_the_trainer_reads_the_very_bytes_that_were_written(tmp_path):
    with BundleStream(f"ipc://{tmp_path}/s", slots=1, max_bundle_bytes=SIZE, shared=True, patience_s=60) as stream:
        publisher = Publisher(stream.endpoint, "one@1", SIZE)
        try:
            index = publisher.next_wanted()
            room = publisher.room(index, Shape(3, H, W))
            room.images[:], room.mask[:] = 7, 3
            header = made(index).header
            publisher.put(Bundle(header, room.images, room.mask))
            slot = stream.take()
            room.images[:] = 8  # a rule broken on purpose: it shows that nothing was copied
            assert int(slot.bundle.images.min()) == int(slot.bundle.images.max()) == 8
        finally:
            publisher.abandon()


def test_arrays_of_ones_own_are_used_again_only_when_acknowledged(tmp_path, start):
    with BundleStream(f"ipc://{tmp_path}/s", slots=3, max_bundle_bytes=SIZE, patience_s=60) as stream:
        start(stream.endpoint, "one@1", "room")
        kept = []
        for _ in range(40):
            slot = stream.take()
            kept.append(Bundle(slot.bundle.header, slot.bundle.images.copy(), slot.bundle.mask.copy()))
            stream.give_back(slot.memory)
        stream.stop()
    for bundle in kept:
        expected = made(bundle.header.index)
        assert np.array_equal(bundle.images, expected.images)
        assert np.array_equal(bundle.mask, expected.mask)


def test_a_plugin_that_cannot_share_sends_planes(tmp_path, start, monkeypatch):
    monkeypatch.setattr(carla_plugin.publisher, "host_name", lambda: "another machine")
    with BundleStream(f"ipc://{tmp_path}/s", max_bundle_bytes=SIZE, shared=True, patience_s=60) as stream:
        start(stream.endpoint, "one@1", "room")
        for _, bundle in zip(range(8), stream, strict=False):
            assert same(bundle, made(bundle.header.index, extras=True))
        assert stream.stats().in_place == 0
        stream.stop()


def test_a_source_that_cannot_repeat_is_told_of(tmp_path, start):
    with BundleStream(f"ipc://{tmp_path}/s", max_bundle_bytes=SIZE, shared=True, patience_s=60) as stream:
        said: list[str] = []
        stream.warn = said.append
        start(stream.endpoint, "live@1", repeats=False)
        next(iter(stream))
        assert len(said) == 1
        assert "producer live@1 cannot make a bundle again" in said[0]
        stream.stop()


def test_slots_that_were_taken_away_cannot_be_written_to():
    slots = SharedSlots(2, 5000)
    plugin = TrainerSlots(slots.describe(host_name()))
    try:
        assert plugin.begin(Credit(5, 0, 1)) is None  # not dealt out
        assert slots.claim(1, 5)
        memory = plugin.begin(Credit(5, 0, 1))
        memory[:] = 9
        assert not slots.claim(1, 6), "a slot that is being written to was dealt out again"
        assert not slots.seal(1)
        plugin.end(Credit(5, 0, 1))
        assert slots.claim(1, 6)
        assert plugin.begin(Credit(5, 0, 1)) is None, "a credit that is void was written under"
        assert plugin.begin(Credit(6, 0, 99)) is None
        assert int(slots.memory(1).min()) == 9
    finally:
        plugin.leave()
        slots.close()


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"path": "/etc/passwd", "slots": 1, "slot_bytes": 1},
        {"path": "/dev/shm/manyskies-1-../../etc", "slots": 1, "slot_bytes": 1},
        {"path": "/dev/shm/manyskies-1-abcdef", "slots": 1, "slot_bytes": 1},
        {"path": "/dev/shm/manyskies-1-abcdef", "slots": 0, "slot_bytes": 1},
        {"path": "/dev/shm/manyskies-1-abcdef", "slots": 1, "slot_bytes": "many"},
    ],
)
def test_other_files_are_never_mapped(memory):
    with pytest.raises(SharedMemoryError):
        TrainerSlots(memory)


def test_a_block_of_another_size_is_not_mapped():
    slots = SharedSlots(2, 5000)
    try:
        with pytest.raises(SharedMemoryError, match="expected a file of"):
            TrainerSlots(slots.describe(host_name()) | {"slots": 3})
    finally:
        slots.close()
