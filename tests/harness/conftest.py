"""A plugin's end of the stream without a plugin: small bundles, and a producer thread over a real socket."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zmq

from harness.stream import Slot, StreamStats
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


@pytest.fixture(autouse=True, scope="session")
def _mmseg_scope() -> None:
    """Look names up as every config has it, so that each file of tests passes alone, too."""
    from mmengine.registry import init_default_scope

    init_default_scope("mmseg")


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
                if socket.poll(10) and producer.receive(socket.recv_multipart()) == "again":
                    socket.send_multipart(producer.hello())
                while (again := producer.resend()) is not None:
                    socket.send_multipart(again)
                while self.sent < self._count and (index := producer.next_wanted()) is not None:
                    frames = encode_bundle(self._bundles(index), mask_codec="zstd" if index % 2 else "raw")
                    self.sent += 1  # before it can have come
                    socket.send_multipart(producer.send(index, frames))
            socket.send_multipart(producer.goodbye())
        except Exception as error:
            self.error = error
        finally:
            context.destroy(linger=200)

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


class StillStream:
    """A stream without a socket: bundle k is made when it is its turn, or dropped."""

    def __init__(self, bundle: Callable[..., Bundle], *, broken: Any = (), changed: Any = ()) -> None:
        self.bundle, self.broken, self.changed = bundle, set(broken), set(changed)
        self.taken = []

    def __call__(self, endpoint, *, max_bundle_bytes, wanted, ordered, run_id, **_):
        self.reserved = []
        self.endpoint, self.dropped, self.ordered, self.run_id = endpoint, {}, ordered, run_id or "run"
        self._indices = self._walk(wanted)
        self._size = max_bundle_bytes
        self.watch = lambda: None
        return self

    def _walk(self, ranges):
        for start, stop in ranges:
            while stop is None or start < stop:
                yield start
                start += 1

    def take(self, *, wait=True):
        self.watch()
        if not wait:
            return None
        index = next(self._indices)
        while index in self.broken:
            self.dropped[index] = "broken"
            index = next(self._indices)
        one = self.bundle(index, 64, 128)
        if index in self.changed:
            one.images[:] = 255 - one.images
        self.taken.append(index)
        return Slot(one, np.empty(self._size, np.uint8))

    def give_back(self, memory):
        assert memory.shape == (self._size,)

    def stats(self):
        return StreamStats(bundles=len(self.taken))

    def stop(self):
        pass

    close = stop


@pytest.fixture
def still_stream() -> type[StillStream]:
    """Return the class of streams without a socket; takes the place of `open_stream`."""
    return StillStream


TINY_CONFIG = """
_base_ = ["{base}"]
bundle_size = (128, 64)
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(
        _delete_=True,
        type="MixVisionTransformer",
        in_channels=3,
        embed_dims=8,
        num_stages=4,
        num_layers=[1, 1, 1, 1],
        num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3],
        sr_ratios=[8, 4, 2, 1],
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.1,
    ),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=8),
)
train_dataloader = dict(
    dataset=dict(
        bundle_size=bundle_size,
        capacity=16,
        first=4,
        pace=2.0,
        ordered=True,
        pipeline=[
            dict(type="DrawAppearances", count=2),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(64, 64)),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    )
)
checkpoints = dict(interval=4, keep=2, milestone=1000)
"""


@pytest.fixture
def tiny_config() -> Callable[[str], str]:
    """Return a function that gives the text of an arm's config with a tiny network, small crops and a still pace."""
    folder = Path(__file__).resolve().parents[2] / "harness/configs"
    return lambda arm: TINY_CONFIG.format(base=folder / f"daformer_dg_{arm}_small.py")


PLACES = {
    "cityscapes": [("leftImg8bit/val/town/a_leftImg8bit.png", "gtFine/val/town/a_gtFine_labelTrainIds.png", "")],
    "folder": [("leftImg8bit/val/x/b_leftImg8bit.png", "gtFine/val/x/b_gtFine_labelTrainIds.png", "")],
    "acdc": [
        (
            f"rgb_anon/{group}/val/GOPR1/{group}_rgb_anon.png",
            f"gt/{group}/val/GOPR1/{group}_gt_labelTrainIds.png",
            group,
        )
        for group in ("fog", "night", "rain", "snow")
    ],
    "dark_zurich": [("rgb_anon/val/night/GP1/z_rgb_anon.png", "gt/val/night/GP1/z_gt_labelTrainIds.png", "night")],
}


def _write_png(file: Path, pixels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), pixels)


def make_stand_in(root: Path, name: str, seed: int = 0) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Write a data set of tiny images, and return (group, RGB image, labels) of each."""
    dice = np.random.default_rng(seed)
    made = []
    for image_name, label_name, group in PLACES[name]:
        image = dice.integers(0, 256, (32, 64, 3)).astype(np.uint8)
        labels = dice.integers(0, 19, (32, 64)).astype(np.uint8)
        labels[:4] = 255
        _write_png(root / image_name, image[:, :, ::-1])
        _write_png(root / label_name, labels)
        made.append((group, image, labels))
    return made


@pytest.fixture
def stand_in() -> Callable[..., list[tuple[str, np.ndarray, np.ndarray]]]:
    """Return a function that writes a tiny data set in a published layout: (root, name)."""
    return make_stand_in


@pytest.fixture
def write_png() -> Callable[[Path, np.ndarray], None]:
    """Return a function that writes an image of one channel, or of BGR."""
    return _write_png


GTA_IDS = {
    **{"road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17, "traffic light": 19},
    **{"traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23, "person": 24, "rider": 25, "car": 26},
    **{"truck": 27, "bus": 28, "train": 31, "motorcycle": 32, "bicycle": 33},
}
"""Cityscapes' names and ids, as its own table has them."""

SYNTHIA_IDS = {
    **{"sky": 1, "building": 2, "road": 3, "sidewalk": 4, "fence": 5, "vegetation": 6, "pole": 7, "car": 8},
    **{"traffic sign": 9, "person": 10, "bicycle": 11, "motorcycle": 12, "traffic light": 15, "terrain": 16},
    **{"rider": 17, "truck": 18, "bus": 19, "train": 20, "wall": 21},
}
"""SYNTHIA's names, where Cityscapes has them, and ids, as its README has them."""


def write_png16(file: Path, pixels: np.ndarray) -> None:
    """Write `(H, W, 3)` uint16 RGB as a PNG of 48 bits a pixel, without a library that could turn channels round."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    packed = zlib.compress(np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes())
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


PUBLISHED = {"gta": ("images", "labels", "{:05d}.png"), "synthia": ("RGB", "GT/LABELS", "{:07d}.png")}
"""Folder of images, folder of labels, names of the files."""


class LabelledFolder:
    """A stand-in of GTA or SYNTHIA as it is published: names, encodings, and values that mean nothing."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        images, labels, self.pattern = PUBLISHED[name]
        self.images, self.labels = root / images, root / labels
        for folder in (self.images, self.labels):
            folder.mkdir(parents=True)

    def files(self, number: int) -> tuple[Path, Path]:
        file = self.pattern.format(number)
        return self.images / file, self.labels / file

    def write(self, number: int, width: int = 48, height: int = 32, label_size: Any = None) -> tuple[Any, Any]:
        """Write an image, whose colours follow its classes, and its label; return both as RGB and names of classes."""
        from PIL import Image

        dice = np.random.default_rng(number)
        ids = GTA_IDS if self.name == "gta" else SYNTHIA_IDS
        wide, high = label_size or (width, height)
        cells = dice.integers(0, 35 if self.name == "gta" else 23, (-(-high // 4), -(-wide // 4)))
        values = np.kron(cells, np.ones((4, 4), np.int64))[:high, :wide]
        image = np.clip(
            values[:height, :width, None] * [7, 3, 5] + dice.integers(0, 20, (*values.shape, 3)), 0, 255
        ).astype(np.uint8)
        image = image if label_size is None else np.zeros((height, width, 3), np.uint8)
        image_file, label_file = self.files(number)
        Image.fromarray(image).save(image_file)
        if self.name == "gta":
            label = Image.fromarray(values.astype(np.uint8), "P")
            label.putpalette(dice.integers(0, 256, 768).tolist())  # colours that are no index
            label.save(label_file)
        else:
            others = dice.integers(0, 1 << 16, (*values.shape, 2))  # instances, which are no class
            write_png16(label_file, np.concatenate([values[..., None], others], axis=2))
        names = {value: name for name, value in ids.items()}
        return image, np.vectorize(lambda value: names.get(value, "unlabeled"))(values)


@pytest.fixture
def labelled(tmp_path: Path) -> Callable[[str], LabelledFolder]:
    """Return a function that makes an empty folder in GTA's or SYNTHIA's layout."""
    return lambda name: LabelledFolder(name, tmp_path / name)
