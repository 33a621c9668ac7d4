"""A plugin's end of the stream without a plugin: small bundles, and a producer thread over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import zmq

from protocols.bundle import Bundle, BundleHeader, encode_bundle, mask_hash
from protocols.flow import Producer

APPEARANCES = ("noon", "night", "fog")


def make_bundle(
    index: int, height: int = 32, width: int = 64, town: str = "Grid_01", coarse: int = 8, other: int = 0
) -> Bundle:
    """Return a bundle whose colours follow its classes, so that there is something to learn; `other` makes others."""
    dice = np.random.default_rng(index + other)
    cells = dice.integers(1, 20, (height // coarse, width // coarse))
    mask = np.kron(cells, np.ones((coarse, coarse), np.int64)).astype(np.uint8)
    bright = (mask * 12)[None, ..., None] * np.array([1.0, 0.3, 0.7])[:, None, None, None]
    images = np.clip(bright + dice.integers(0, 20, (3, height, width, 3)), 0, 255).astype(np.uint8)
    header = BundleHeader("test", 7, 0, index, town, APPEARANCES, height, width, index, mask_hash(mask))
    return Bundle(header, images, mask)


class FakePlugin:
    """A producer in a thread."""

    def __init__(self, endpoint: str, bundles: Callable[[int], Bundle], count: int, size: int, name: str) -> None:
        self.sent = 0
        self.error: Exception | None = None
        self._endpoint, self._bundles, self._count, self._size, self._name = endpoint, bundles, count, size, name
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        try:
            socket.connect(self._endpoint)
            producer = Producer(self._name, self._name, self._size)
            socket.send_multipart(producer.hello())
            while not producer.stopped and not self._leave.is_set():
                if socket.poll(10):
                    producer.receive(socket.recv_multipart())
                while self.sent < self._count and (index := producer.next_wanted()) is not None:
                    frames = encode_bundle(self._bundles(index), mask_codec="zstd" if index % 2 else "raw")
                    socket.send_multipart(producer.send(index, frames))
                    self.sent += 1
        except Exception as error:
            self.error = error
        finally:
            context.destroy(linger=0)

    def join(self) -> None:
        self._leave.set()
        self._thread.join()


@pytest.fixture
def fake_plugin() -> Iterator[Callable[..., FakePlugin]]:
    """Return a function that starts producers: (endpoint, count, size, name, bundles)."""
    started: list[FakePlugin] = []

    def start(
        endpoint: str,
        count: int = 10**9,
        size: int = 1 << 16,
        name: str = "fake@1",
        bundles: Callable[[int], Bundle] = make_bundle,
    ) -> FakePlugin:
        started.append(FakePlugin(endpoint, bundles, count, size, name))
        return started[-1]

    yield start
    for plugin in started:
        plugin.join()


@pytest.fixture
def bundle() -> Callable[..., Bundle]:
    """Return the function that makes bundles."""
    return make_bundle
