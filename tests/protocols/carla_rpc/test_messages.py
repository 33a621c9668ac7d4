"""RPC messages: whole requests out of any cutting of the bytes, and nothing out of wrong ones."""

import contextlib

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.carla_rpc import messages, reading
from protocols.carla_rpc.types import Location, Rotation, Transform
from protocols.errors import RemoteProtocolError


def request(number: int, method: str, *arguments, asynchronous=False) -> bytes:
    return msgpack.packb([0, number, method, [[asynchronous], *arguments]])


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=10))
def test_requests_come_whole_however_the_bytes_are_cut(cuts):
    data = request(1, "version") + request(2, "spawn_actor", [1, "a", []], 3.5) + request(3, "x", asynchronous=True)
    reader, got, start = messages.RequestReader(), [], 0
    for end in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        got += reader.feed(data[start:end])
        start = end
    assert [(each.number, each.method, each.asynchronous) for each in got] == [
        (1, "version", False),
        (2, "spawn_actor", False),
        (3, "x", True),
    ]
    assert got[1].arguments == ([1, "a", []], 3.5)


@pytest.mark.parametrize(
    "junk",
    [
        b"\xc1",
        msgpack.packb(5),
        msgpack.packb([1, 2, "a", [[False]]]),
        msgpack.packb([0, "1", "a", [[False]]]),
        msgpack.packb([0, 1, 2, [[False]]]),
        msgpack.packb([0, 1, "a", []]),
        msgpack.packb([0, 1, "a", [[1]]]),
        msgpack.packb([0, 1, "a", 7]),
        b"\x91" * 5000,
        b"\xdd\xff\xff\xff\xff",
    ],
)
def test_what_is_no_request_is_refused(junk):
    with pytest.raises(RemoteProtocolError):
        list(messages.RequestReader().feed(junk))


@settings(max_examples=300, deadline=None)
@given(junk=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(junk):
    with contextlib.suppress(RemoteProtocolError):
        list(messages.RequestReader().feed(junk))


def test_wrappers_are_carlas():
    assert msgpack.unpackb(messages.response(4, messages.good(7))) == [1, 4, None, [[1, 7]]]
    assert messages.bad("no") == [[0, ["no"]]]
    assert messages.done() == [[False]]
    assert messages.failed("no") == [[True, ["no"]]]


def test_tuples_travel_as_arrays():
    place = Transform(Location(1.0, 2.0, 3.0), Rotation(4.0, 5.0, 6.0))
    assert msgpack.unpackb(msgpack.packb(place)) == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert reading.transform([[1, 2, 3], [4, 5, 6]]) == place


@settings(max_examples=300, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
        lambda inner: st.lists(inner, max_size=8),
        max_leaves=20,
    ),
    read=st.sampled_from(
        [
            *(reading.transform, reading.weather, reading.settings, reading.vehicle_control),
            *(reading.walker_control, reading.description, reading.light_flags, reading.location, reading.integer),
        ]
    ),
)
def test_any_value_is_read_or_refused(value, read):
    with contextlib.suppress(RemoteProtocolError):
        read(value)


def test_pedals_stay_within_their_ranges():
    control = reading.vehicle_control([7.0, -9.0, -1.0, False, False, False, 0])
    assert (control.throttle, control.steer, control.brake) == (1.0, -1.0, 0.0)
