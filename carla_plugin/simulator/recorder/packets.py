"""Packets: a frame as bytes and back; centimetres and degrees, little endian, as CARLA writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

from carla_plugin.simulator.recorder.frames import Birth, Blow, Frame, Light, Motion, Recording
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    Location,
    Rotation,
    Transform,
    VehicleControl,
)
from protocols.errors import RemoteProtocolError

VERSION, MAGIC = 1, "CARLA_RECORDER"
(START, END, ADD, DELETE, PARENT, COLLISION, POSITION, STATE, VEHICLE, WALKER, LAMPS, SCENE_LIGHT, KINEMATICS) = range(
    13
)
LIMIT_BYTES = 1 << 30


class RecordingError(RemoteProtocolError):
    """A file is no recording."""


def opening(map_name: str, date_s: int) -> bytes:
    """Return the header of a file."""
    return struct.pack("<H", VERSION) + _text(MAGIC) + struct.pack("<q", date_s) + _text(map_name)


def frame_bytes(frame: Frame) -> bytes:
    """Return one tick as packets."""
    parts = [_packet(START, struct.pack("<Qdd", frame.number, frame.duration_s, frame.elapsed_s))]
    rows: list[tuple[int, list[bytes]]] = [
        (ADD, [_birth(birth) for birth in frame.births]),
        (DELETE, [struct.pack("<I", actor) for actor in frame.deaths]),
        (PARENT, [struct.pack("<II", *each) for each in frame.parents.items()]),
        (COLLISION, [struct.pack("<III??", *blow, False, False) for blow in frame.blows]),
        (POSITION, [struct.pack("<I6f", actor, *_place(place)) for actor, place in frame.places.items()]),
        (STATE, [struct.pack("<I?fB", actor, *light) for actor, light in frame.lights.items()]),
        (VEHICLE, [_controls(actor, control) for actor, control in frame.vehicles.items()]),
        (WALKER, [struct.pack("<If", *each) for each in frame.walkers.items()]),
        (LAMPS, [struct.pack("<II", *each) for each in frame.lamps.items()]),
        (KINEMATICS, [_motion(actor, motion) for actor, motion in frame.motions.items()]),
    ]
    parts += [_packet(kind, struct.pack("<H", len(each)) + b"".join(each)) for kind, each in rows if each]
    return b"".join([*parts, _packet(END, b"")])


def _packet(kind: int, data: bytes) -> bytes:
    return struct.pack("<BI", kind, len(data)) + data


def _text(text: str) -> bytes:
    data = text.encode()[:65535]
    return struct.pack("<H", len(data)) + data


def _place(place: Transform) -> tuple[float, ...]:
    (x, y, z), (pitch, yaw, roll) = place
    return x * 100.0, y * 100.0, z * 100.0, roll, pitch, yaw


def _birth(birth: Birth) -> bytes:
    uid, name, attributes = birth.description
    parts = [struct.pack("<IB6fI", birth.actor, birth.kind, *_place(birth.place), uid), _text(name)]
    parts.append(struct.pack("<H", len(attributes)))
    for attribute in attributes:
        parts += [struct.pack("<B", attribute.type), _text(attribute.id), _text(attribute.value)]
    return b"".join(parts)


def _controls(actor: int, control: VehicleControl) -> bytes:
    return struct.pack(
        "<Ifff?i", actor, control.steer, control.throttle, control.brake, control.hand_brake, control.gear
    )


def _motion(actor: int, motion: Motion) -> bytes:
    return struct.pack("<I6f", actor, *(100.0 * each for each in motion.velocity), *motion.angular_velocity)


class _Reader:
    """Take values from the front of bytes.

    Raises:
        RecordingError: there are too few.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[object, ...]:
        end = self.at + struct.calcsize(layout)
        if end > len(self.data):
            raise RecordingError("the recording ends in the middle of a value")
        values = struct.unpack_from(layout, self.data, self.at)
        self.at = end
        return values

    def numbers(self, layout: str) -> tuple[float, ...]:
        return tuple(float(each) for each in self.take(layout))  # type: ignore[arg-type]

    def whole(self, layout: str) -> int:
        (value,) = self.take(layout)
        assert isinstance(value, int)
        return value

    def text(self) -> str:
        (value,) = self.take(f"<{self.whole('<H')}s")
        assert isinstance(value, bytes)
        return value.decode(errors="replace")

    def place(self) -> Transform:
        x, y, z, roll, pitch, yaw = self.numbers("<6f")
        return Transform(Location(x / 100.0, y / 100.0, z / 100.0), Rotation(pitch, yaw, roll))


def read(data: bytes) -> Recording:
    """Return a recording; an end that is cut off, as a killed recorder leaves it, is left out.

    Raises:
        RecordingError: the file is no recording.
    """
    reader = _Reader(data)
    try:
        if reader.whole("<H") != VERSION or reader.text() != MAGIC:
            raise RecordingError("the file is not a recording")
        date_s, map_name = reader.whole("<q"), reader.text()
    except RecordingError:
        raise RecordingError("the file is not a recording of CARLA's form") from None
    return Recording(map_name, date_s, list(_frames(reader)))


def _frames(reader: _Reader) -> Iterator[Frame]:
    frame: Frame | None = None
    while True:
        try:
            kind, size = reader.whole("<B"), reader.whole("<I")
            (body,) = reader.take(f"<{min(size, LIMIT_BYTES)}s")
            assert isinstance(body, bytes)
            inside = _Reader(body)
            if kind == START:
                number, duration_s, elapsed_s = inside.numbers("<Qdd")
                frame = Frame(int(number), duration_s, elapsed_s)
            elif kind == END and frame is not None:
                yield frame
                frame = None
            elif kind in _READ and frame is not None:
                for _ in range(inside.whole("<H")):
                    _READ[kind](inside, frame)
        except RecordingError:
            return


def _read_birth(reader: _Reader, frame: Frame) -> None:
    actor, kind = reader.whole("<I"), reader.whole("<B")
    place, uid, name = reader.place(), reader.whole("<I"), reader.text()
    attributes = []
    for _ in range(reader.whole("<H")):
        number = reader.whole("<B")
        attributes.append(ActorAttributeValue(reader.text(), number, reader.text()))
    frame.births.append(Birth(actor, kind, place, ActorDescription(uid, name, tuple(attributes))))


def _read_blow(reader: _Reader, frame: Frame) -> None:
    number, first, second = (reader.whole("<I") for _ in range(3))
    reader.take("<??")
    frame.blows.append(Blow(number, first, second))


def _read_light(reader: _Reader, frame: Frame) -> None:
    actor = reader.whole("<I")
    frozen, elapsed_s, state = reader.numbers("<?fB")
    frame.lights[actor] = Light(bool(frozen), elapsed_s, int(state))


def _read_vehicle(reader: _Reader, frame: Frame) -> None:
    actor = reader.whole("<I")
    steer, throttle, brake, hand, gear = reader.numbers("<fff?i")
    frame.vehicles[actor] = VehicleControl(throttle, steer, brake, bool(hand), gear < 0, False, int(gear))


def _read_motion(reader: _Reader, frame: Frame) -> None:
    actor = reader.whole("<I")
    vx, vy, vz, wx, wy, wz = reader.numbers("<6f")
    frame.motions[actor] = Motion(Location(vx / 100.0, vy / 100.0, vz / 100.0), Location(wx, wy, wz))


def _pairs(reader: _Reader) -> Iterable[int]:
    return reader.whole("<I"), reader.whole("<I")


_READ: dict[int, Callable[[_Reader, Frame], object]] = {
    ADD: _read_birth,
    DELETE: lambda reader, frame: frame.deaths.append(reader.whole("<I")),
    PARENT: lambda reader, frame: frame.parents.update([tuple(_pairs(reader))]),  # type: ignore[list-item]
    COLLISION: _read_blow,
    POSITION: lambda reader, frame: frame.places.update({reader.whole("<I"): reader.place()}),
    STATE: _read_light,
    VEHICLE: _read_vehicle,
    WALKER: lambda reader, frame: frame.walkers.update({reader.whole("<I"): reader.numbers("<f")[0]}),
    LAMPS: lambda reader, frame: frame.lamps.update([tuple(_pairs(reader))]),  # type: ignore[list-item]
    KINEMATICS: _read_motion,
}
