"""Stream bytes against offsets read from the wheel's own debug information, unpacked here by hand."""

import struct

import pytest

from protocols.carla_rpc import streaming
from protocols.carla_rpc.types import Location, Rotation, Transform, VehicleControl, WalkerControl

PLACE = Transform(Location(1.5, -2.5, 3.25), Rotation(4.0, -5.0, 6.0))


def test_token():
    token = streaming.token(7, 2001)
    assert len(token) == 24
    assert struct.unpack_from("<IHB", token) == (7, 2001, 1)
    assert token[7:] == bytes(17)  # no address: the client takes the host it was given


def test_header_is_48_bytes():
    header = streaming.header(13, 99, 4.95, PLACE)
    assert len(header) == 48
    assert struct.unpack_from("<QQd", header) == (13, 99, 4.95)
    assert struct.unpack_from("<6f", header, 24) == (1.5, -2.5, 3.25, 4.0, -5.0, 6.0)


def test_sensor_numbers_are_the_wheels():
    kinds = streaming.SensorType
    assert (kinds.COLLISION, kinds.DEPTH, kinds.IMU, kinds.LIDAR, kinds.RSS) == (0, 1, 5, 11, 12)
    assert (kinds.RGB, kinds.SEMANTIC, kinds.INSTANCE, kinds.COSMOS, kinds.WORLD) == (13, 14, 15, 16, 17)


def test_episode_block_is_36_bytes():
    block = streaming.episode_state(3, 1.25, 0.05, 1)
    assert len(block) == 36
    assert struct.unpack_from("<Qd", block) == (3, 1.25)
    assert struct.unpack_from("<f", block, 16)[0] == pytest.approx(0.05)
    assert struct.unpack_from("<3iI", block, 20) == (0, 0, 0, 1)


def test_actor_record_is_119_bytes():
    record = streaming.actor_state(
        streaming.ActorState(42, PLACE, Location(7, 8, 9), Location(10, 11, 12), Location(13, 14, 15), b"\x01\x02")
    )
    assert len(record) == 119
    assert struct.unpack_from("<IB", record) == (42, 1)
    assert struct.unpack_from("<15f", record, 5) == (1.5, -2.5, 3.25, 4, -5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    assert record[65:] == b"\x01\x02" + bytes(52)


def test_vehicle_details():
    details = streaming.vehicle_details(VehicleControl(0.5, -0.25, 0.75, True, False, True, -1), 30.0, (17, 0))
    assert len(details) == 30
    assert struct.unpack_from("<3f", details) == (0.5, -0.25, 0.75)
    assert tuple(details[12:15]) == (1, 0, 1)
    assert struct.unpack_from("<i", details, 15) == (-1,)
    assert struct.unpack_from("<f", details, 19) == (30.0,)
    assert tuple(details[23:25]) == (0, 1)
    assert struct.unpack_from("<I", details, 25) == (17,)
    assert details[29] == 0


def test_a_vehicle_without_a_light_sees_green():
    details = streaming.vehicle_details(VehicleControl(), 30.0, None)
    assert tuple(details[23:25]) == (2, 0)


def test_walker_details():
    details = streaming.walker_details(WalkerControl(Location(0.0, 1.0, 0.0), 1.5, True))
    assert struct.unpack("<4fB", details) == (0.0, 1.0, 0.0, 1.5, 1)


def test_signal_details():
    details = streaming.signal_details("1027", (10.0, 3.0, 2.0), 1.25, 2, True, 1)
    assert len(details) == 54
    assert details[:32] == b"1027" + bytes(28)
    assert struct.unpack_from("<4fI", details, 32) == (10.0, 3.0, 2.0, 1.25, 2)
    assert tuple(details[52:]) == (1, 1)


def test_long_sign_ids_keep_their_end_mark():
    assert streaming.signal_details("x" * 80, (1, 1, 1), 0, 0, False, 0)[31] == 0


def test_framing_and_subscription():
    assert streaming.framed(b"ab", b"", b"cde") == b"\x05\x00\x00\x00abcde"
    assert streaming.subscription(b"\x01\x02\x00\x00") == 513


def test_image_block():
    assert struct.unpack("<2If", streaming.image(800, 600, 90.0)) == (800, 600, 90.0)
