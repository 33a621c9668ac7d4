"""Messages as the first release wrote them: every later one must read them.

`python tests/protocols/test_golden.py` wrote the files, once. Add files for a new minor version; never write one again.
"""

import struct
from pathlib import Path

import numpy as np
import pytest

from protocols.bundle import Bundle, BundleHeader, decode_bundle, encode_bundle, mask_hash
from protocols.envelopes import Credit
from protocols.flow import Consumer, Producer, envelope, open_envelope

GOLDEN = Path(__file__).parent / "golden"
A, H, W = 2, 5, 7
IMAGES = (np.arange(A * H * W * 3) * 7 % 256).astype(np.uint8).reshape(A, H, W, 3)
MASK = (np.arange(H * W) % 29).astype(np.uint8).reshape(H, W)
EXTRAS = {
    "depth": (np.arange(H * W) / 8).astype(np.float32).reshape(H, W),
    "instance": (np.arange(H * W) * 300 % 65536).astype(np.uint16).reshape(H, W),
    "wide": (np.arange(H * W) * 70_000).astype(np.uint32).reshape(H, W),
}
HEADER = BundleHeader(
    scenario="town", seed=7, episode=3, index=151, town="Grid_07", appearances=("clear noon", "night"), height=H,
    width=W, frame=4801, mask_sha256=mask_hash(MASK), camera="left",
    meta={"moment": 1, "tick": 12, "certificate": {"state": "ab", "grain": 0.5, "frames": [4795, 4801], "whole": True}},
)  # fmt: skip
BUNDLES = {
    "bundle_raw": (Bundle(HEADER, IMAGES, MASK), {}),
    "bundle_zstd_extras": (Bundle(HEADER, IMAGES, MASK, EXTRAS), {"mask_codec": "zstd"}),
    "bundle_checksums": (Bundle(HEADER, IMAGES, MASK, EXTRAS), {"checksums": True}),
    "bundle_jpeg": (Bundle(HEADER, IMAGES, MASK), {"jpeg": lambda image: image[::-1].tobytes()}),
}
ENVELOPES = {
    "hello": {"major": 1, "minor": 0, "producer": "town@4711", "session": "0123456789abcdef",
              "max_bundle_bytes": 9_000_000, "repeats": True, "host": "boot id", "held": [3, 5]},
    "welcome": {"major": 1, "minor": 0, "run_id": "fedcba9876543210", "ordered": True, "next_index": 3,
                "wanted": [[3, 4], [7, 9], [20, None]], "credits": [[0, 3, 1], [1, 7, 0]],
                "memory": {"path": "/dev/shm/manyskies-1-ab", "slots": 6, "slot_bytes": 9_000_000}},
    "refused": {"reason": "a bundle of 9 bytes; slots here hold 8"},
    "again": {}, "heartbeat": {}, "goodbye": {}, "stop": {},
    "bundle": {"sequence": 0, "index": 3},
    "bundle_in_slot": {"sequence": 0, "index": 3, "slot": 1},
    "dropped": {"sequence": 1, "index": 7, "cause": "mask"},
    "ack": {"sequence": 0},
    "credit": {"credits": [[2, 8, 0]]},
    "revoked": {"sequences": [2]},
}  # fmt: skip


def read(name: str) -> list[bytes]:
    data, frames = (GOLDEN / f"{name}.frames").read_bytes(), []
    while data:
        (length,) = struct.unpack_from("<Q", data)
        frames.append(data[8 : 8 + length])
        data = data[8 + length :]
    return frames


def kind(name: str) -> str:
    return name.removesuffix("_in_slot")


@pytest.mark.parametrize("name", BUNDLES)
def test_bundles_read_for_ever(name):
    expected, how = BUNDLES[name]
    unpack = None
    if "jpeg" in how:
        unpack = lambda packed: np.frombuffer(packed, np.uint8).reshape(H, W, 3)[::-1]  # noqa: E731
    got = decode_bundle(read(name), unpack)
    assert got.header.identity == "town:7:3:151"
    for field in ("appearances", "height", "width", "frame", "mask_sha256", "camera", "meta", "town"):
        assert getattr(got.header, field) == getattr(HEADER, field)
    assert got.header.lossy == ("jpeg" in how)
    assert np.array_equal(got.images, IMAGES)
    assert np.array_equal(got.mask, MASK)
    assert list(got.extras) == list(expected.extras)
    for each, array in expected.extras.items():
        assert got.extras[each].dtype == array.dtype
        assert np.array_equal(got.extras[each], array)


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelopes_read_for_ever(name):
    (frame,) = read(f"envelope_{name}")
    assert open_envelope(frame) == {"kind": kind(name), **ENVELOPES[name]}


def test_a_conversation_of_the_first_release_is_still_understood():
    producer = Producer("town@4711", "0123456789abcdef", 9_000_000)
    assert producer.receive(read("envelope_welcome")) == "welcome"
    assert (producer.next_index, producer.ordered, producer.next_wanted()) == (3, True, 3)
    assert producer.credit(7) == Credit(1, 7, 0)
    for name in ("credit", "ack", "revoked", "heartbeat", "again", "stop"):
        assert producer.receive(read(f"envelope_{name}")) == name
    assert (producer.next_wanted(), producer.stopped) == (7, True)
    consumer = Consumer("run", 2, 9_000_000, wanted=((3, 4), (7, 9)))
    consumer.receive(b"a", read("envelope_hello")[0])
    assert consumer.hands == {"town@4711": [3, 7]}
    _, delivery = consumer.receive(b"a", read("envelope_bundle")[0])
    assert delivery.index == 3
    consumer.stored()
    consumer.receive(b"a", read("envelope_dropped")[0])
    assert consumer.dropped == {7: "mask"}
    consumer.receive(b"a", read("envelope_goodbye")[0])
    assert not consumer.producers


def write() -> None:
    """Write the files that are not there yet."""
    messages = {name: encode_bundle(bundle, **how) for name, (bundle, how) in BUNDLES.items()}
    messages |= {f"envelope_{name}": [envelope(kind(name), **values)] for name, values in ENVELOPES.items()}
    GOLDEN.mkdir(exist_ok=True)
    for name, frames in messages.items():
        file = GOLDEN / f"{name}.frames"
        if not file.exists():
            file.write_bytes(b"".join(struct.pack("<Q", len(frame)) + bytes(frame) for frame in frames))


if __name__ == "__main__":
    write()
