"""Recordings as bytes: there and back, cut off anywhere, and files that are none."""

from __future__ import annotations

import pytest

from carla_plugin.simulator.recorder.frames import Birth, Blow, Frame, Light, Motion
from carla_plugin.simulator.recorder.packets import RecordingError, frame_bytes, opening, read
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    Location,
    Rotation,
    Transform,
    VehicleControl,
)

PLACE = Transform(Location(1.5, -2.25, 0.5), Rotation(4.0, -90.0, 0.5))
CAR = ActorDescription(7, "vehicle.tesla.model3", (ActorAttributeValue("role_name", 4, "hero"),))


def frames() -> list[Frame]:
    first = Frame(1, 0.05, 0.0, births=[Birth(9, 1, PLACE, CAR)], parents={9: 3}, places={9: PLACE})
    second = Frame(
        2, 0.05, 0.05, blows=[Blow(1, 9, 0)], places={9: PLACE}, lights={4: Light(True, 1.5, 2)},
        vehicles={9: VehicleControl(0.5, -0.25, 0.0, True, False, False, 3)}, walkers={5: 1.5}, lamps={9: 6},
        motions={9: Motion(Location(1.0, 0.0, -0.5), Location(0.0, 0.0, 90.0))},
    )  # fmt: skip
    return [first, second, Frame(3, 0.05, 0.1, deaths=[9])]


def written() -> bytes:
    return opening("Grid_07", 1_700_000_000) + b"".join(map(frame_bytes, frames()))


def test_a_recording_comes_back_as_it_was():
    recording = read(written())
    assert (recording.map_name, recording.date_s, recording.duration_s) == ("Grid_07", 1_700_000_000, 0.1)
    assert recording.frames == frames()


def test_the_header_is_carlas():
    head = opening("Town06", 1)
    assert head[:2] == b"\x01\x00"
    assert head[2:18] == b"\x0e\x00CARLA_RECORDER"
    assert head[-8:] == b"\x06\x00Town06"


def test_wherever_it_is_cut_off_whole_frames_remain():
    data = written()
    begin = len(opening("Grid_07", 0))
    counts = [len(read(data[:end]).frames) for end in range(begin, len(data) + 1)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 3)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02\x00" + written()[2:], b"\x89PNG\r\n\x1a\n" * 9])
def test_what_is_no_recording_is_refused(data):
    with pytest.raises(RecordingError):
        read(data)


def test_every_flipped_byte_is_read_or_refused():
    data = bytearray(written())
    for at in range(len(data)):
        data[at] ^= 0xFF
        try:
            assert len(read(bytes(data)).frames) <= 3
        except RecordingError:
            assert at < len(opening("Grid_07", 0))
        data[at] ^= 0xFF
