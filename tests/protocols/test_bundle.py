"""The codec: every bundle comes back whole, and nothing else comes in."""

import contextlib
import dataclasses

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.bundle import (
    HEADER_LIMIT,
    Bundle,
    BundleHeader,
    decode_bundle,
    decode_header,
    encode_bundle,
    mask_hash,
    plane_sizes,
)
from protocols.errors import LocalProtocolError, RemoteProtocolError


def make_bundle(height=6, width=9, appearances=("noon", "night"), seed=0, **changes) -> Bundle:
    random = np.random.default_rng(seed)
    mask = random.integers(0, 29, (height, width), dtype=np.uint8)
    images = random.integers(0, 256, (len(appearances), height, width, 3), dtype=np.uint8)
    header = BundleHeader(
        scenario="smoke", seed=7, episode=1, index=12, town="Grid_07", appearances=tuple(appearances),
        height=height, width=width, frame=480, mask_sha256=mask_hash(mask), meta={"settle": 2},
    )  # fmt: skip
    return Bundle(dataclasses.replace(header, **changes), images, mask)


def whole(frames):
    return [bytes(frame) for frame in frames]


@settings(max_examples=50, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    count=st.integers(1, 5),
    codec=st.sampled_from(["raw", "zstd"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_round_trip(height, width, count, codec, seed):
    bundle = make_bundle(height, width, [f"look {i}" for i in range(count)], seed)
    frames = whole(encode_bundle(bundle, mask_codec=codec))
    assert tuple(len(frame) for frame in frames[1:]) == plane_sizes(decode_header(frames[0]))
    again = decode_bundle(frames)
    assert again.images.tobytes() == bundle.images.tobytes()
    assert again.mask.tobytes() == bundle.mask.tobytes()
    assert dataclasses.replace(again.header, planes=()) == bundle.header
    assert again.header.identity == "smoke:7:1:12"


def test_raw_planes_are_views():
    bundle = make_bundle()
    frames = encode_bundle(bundle)
    bundle.images[1, 0, 0, 0] ^= 255
    assert frames[2][0] == bundle.images[1, 0, 0, 0]


def test_arrays_that_cannot_be_sent_as_they_lie_are_made_contiguous():
    bundle = make_bundle()
    turned = dataclasses.replace(bundle, images=bundle.images[..., ::-1], mask=bundle.mask[:, ::-1])
    again = decode_bundle(whole(encode_bundle(turned)))
    assert np.array_equal(again.images, bundle.images[..., ::-1])
    assert np.array_equal(again.mask, bundle.mask[:, ::-1])


@settings(max_examples=200, deadline=None)
@given(data=st.data(), codec=st.sampled_from(["raw", "zstd"]))
def test_a_cut_frame_is_refused(data, codec):
    frames = whole(encode_bundle(make_bundle(), mask_codec=codec))
    which = data.draw(st.integers(0, len(frames) - 1))
    frames[which] = frames[which][: data.draw(st.integers(0, len(frames[which]) - 1))]
    with pytest.raises(RemoteProtocolError):
        decode_bundle(frames)


@settings(max_examples=300, deadline=None)
@given(junk=st.binary(max_size=400))
def test_any_header_bytes_are_refused_or_read(junk):
    with contextlib.suppress(RemoteProtocolError):
        decode_header(junk).validate()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_bit_flip_in_the_header_keeps_shape_and_length_true(data):
    frames = whole(encode_bundle(make_bundle(), mask_codec="zstd"))
    header = bytearray(frames[0])
    place = data.draw(st.integers(0, len(header) * 8 - 1))
    header[place // 8] ^= 1 << place % 8
    try:
        again = decode_bundle([bytes(header), *frames[1:]])
    except RemoteProtocolError:
        return
    assert again.images.shape == (len(again.header.appearances), again.header.height, again.header.width, 3)
    assert again.images.nbytes + again.mask.nbytes == 6 * 9 * 7


def plane(number, **changes):
    """Return a change of one plane's description."""
    planes = msgpack.unpackb(encode_bundle(make_bundle())[0])["planes"]
    planes[number] |= changes
    return {"planes": planes}


def altered(**changes) -> bytes:
    values = msgpack.unpackb(encode_bundle(make_bundle())[0])
    values.update(changes)
    return msgpack.packb({key: value for key, value in values.items() if value is not None})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"major": 2}, "major version 1, got 2"),
        ({"major": None}, "major"),
        ({"height": -1}, "height"),
        ({"height": 1 << 40}, "height"),
        ({"width": True}, "width: expected int, got bool"),
        ({"width": 9.0}, "width"),
        ({"seed": "7"}, "seed"),
        ({"index": -3}, "index"),
        ({"appearances": []}, "appearances"),
        ({"appearances": ["noon", "noon"]}, "each name once"),
        ({"appearances": ["noon", 3]}, "appearances"),
        ({"camera": 3}, "camera"),
        ({"planes": []}, "planes: expected images and a mask"),
        ({"planes": [7]}, "plane: expected a map"),
        (plane(2, codec="pickle"), "plane mask: expected one of raw, zstd"),
        (plane(2, codec="jpeg"), "plane mask: expected one of raw, zstd"),
        (plane(2, nbytes=3), "plane mask: expected 54 bytes, got 3"),
        (plane(2, nbytes=1 << 50, codec="zstd"), "plane mask: expected 1.."),
        (plane(2, nbytes=True), "nbytes: expected int, got bool"),
        (plane(2, name="Mask"), "plane: expected a name"),
        (plane(2, name="depth"), "planes: expected 2 uint8 images"),
        (plane(0, appearance="night"), "in the order of the appearances"),
        (plane(0, shape=[9, 6, 3]), "planes: expected"),
        (plane(0, shape=[6, 9, 0]), "plane: expected a shape"),
        (plane(0, shape=[6, 9, 3, 1]), "plane image: expected"),
        (plane(0, dtype="object"), "plane image: expected a dtype"),
        (plane(0, crc32=-1), "plane image: expected a crc32"),
        ({"meta": [1]}, "meta"),
    ],
)
def test_illegal_headers_are_refused_by_name(change, word):
    with pytest.raises(RemoteProtocolError, match=word):
        decode_header(altered(**change))


def test_unknown_keys_of_the_same_major_are_ignored():
    assert decode_header(altered(minor=9, weather_report="fine")).index == 12


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\x91" * 5_000 + b"\xc0",
        msgpack.packb({1: 2}),
        msgpack.packb([1, 2]),
        msgpack.packb({"major": 1}) + b"\x00",
        msgpack.packb([[]] * 2000),
        b"\x00" * (HEADER_LIMIT + 1),
    ],
)
def test_hostile_headers_are_refused(junk):
    with pytest.raises(RemoteProtocolError):
        decode_header(junk)


def test_a_zstd_bomb_is_refused_before_it_unfolds():
    import zstandard

    bomb = zstandard.ZstdCompressor(level=19).compress(b"\x00" * (64 << 20))
    frames = whole(encode_bundle(make_bundle(height=60, width=60), mask_codec="zstd"))
    values = msgpack.unpackb(frames[0])
    values["planes"][2]["nbytes"] = len(bomb)
    with pytest.raises(RemoteProtocolError, match="3600"):
        decode_bundle([msgpack.packb(values), *frames[1:-1], bomb])


EXTRAS = {
    "depth": np.arange(54, dtype=np.float32).reshape(6, 9),
    "instance": np.arange(54, dtype=np.uint16).reshape(6, 9),
    "flow": np.arange(108, dtype=np.float32).reshape(6, 9, 2),
}


@pytest.mark.parametrize("codec", ["raw", "zstd"])
def test_extras_travel_with_their_types(codec):
    bundle = dataclasses.replace(make_bundle(), extras=EXTRAS)
    again = decode_bundle(whole(encode_bundle(bundle, mask_codec=codec)))
    assert list(again.extras) == list(EXTRAS)
    for name, array in EXTRAS.items():
        assert again.extras[name].dtype == array.dtype
        assert np.array_equal(again.extras[name], array)
    codecs = {plane.name: plane.codec for plane in again.header.planes}
    assert codecs == {"image": "raw", "mask": codec, "depth": "raw", "instance": codec, "flow": "raw"}


@pytest.mark.parametrize(
    "extras",
    [
        {"depth": np.zeros((6, 8), np.float32)},
        {"depth": np.zeros((6, 9), np.float64)},
        {"mask": np.zeros((6, 9), np.uint8)},
        {"Depth": np.zeros((6, 9), np.float32)},
        {f"extra{i}": np.zeros((6, 9), np.uint8) for i in range(17)},
    ],
)
def test_extras_that_no_receiver_takes_are_refused_here(extras):
    with pytest.raises(LocalProtocolError):
        encode_bundle(dataclasses.replace(make_bundle(), extras=extras))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), codec=st.sampled_from(["raw", "zstd"]))
def test_any_bit_flip_is_found_where_checksums_are_on(data, codec):
    bundle = dataclasses.replace(make_bundle(), extras=EXTRAS)
    frames = whole(encode_bundle(bundle, mask_codec=codec, checksums=True))
    which = data.draw(st.integers(1, len(frames) - 1))
    spoiled = bytearray(frames[which])
    place = data.draw(st.integers(0, len(spoiled) * 8 - 1))
    spoiled[place // 8] ^= 1 << place % 8
    frames[which] = bytes(spoiled)
    with pytest.raises(RemoteProtocolError, match="crc32"):
        decode_bundle(frames)


def test_lossy_images_are_marked_and_refused_unless_asked_for():
    bundle = make_bundle()

    def pack(image):
        return image[::-1].tobytes()

    def unpack(packed):
        return np.frombuffer(packed, np.uint8).reshape(6, 9, 3)

    frames = whole(encode_bundle(bundle, jpeg=pack))
    assert decode_header(frames[0]).lossy
    assert not decode_header(encode_bundle(bundle)[0]).lossy
    with pytest.raises(RemoteProtocolError, match="lossy"):
        decode_bundle(frames)
    assert np.array_equal(decode_bundle(frames, unpack).images, bundle.images[:, ::-1])
    with pytest.raises(RemoteProtocolError, match="expected a JPEG of"):
        decode_bundle(frames, lambda packed: unpack(packed)[:, :, :1])


def test_frames_missing_or_too_many_are_refused():
    frames = whole(encode_bundle(make_bundle()))
    for wrong in ([], frames[:1], frames[:-1], [*frames, b""], [frames[0], frames[-1], frames[1], frames[2]]):
        with pytest.raises(RemoteProtocolError):
            decode_bundle(wrong)


def test_what_we_may_not_send_is_refused_here():
    bundle = make_bundle()
    with pytest.raises(LocalProtocolError, match="images"):
        encode_bundle(dataclasses.replace(bundle, images=bundle.images[:1]))
    with pytest.raises(LocalProtocolError, match="mask"):
        encode_bundle(dataclasses.replace(bundle, mask=bundle.mask.astype(np.int32)))
    with pytest.raises(LocalProtocolError, match="65536"):
        encode_bundle(make_bundle(meta={f"key {i}": "x" * 700 for i in range(100)}))
