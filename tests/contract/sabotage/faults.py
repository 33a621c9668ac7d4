"""Twenty faults of one line each that somebody might put into the simulator, and the tests that should notice."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """Name a fault: in `path`, the line part `right` (which stands there once) becomes `wrong`."""

    name: str
    path: str
    right: str
    wrong: str
    where: str  # the file of contract tests that is asked


SIMULATOR = "carla_plugin/simulator/"
FAULTS = (
    Fault(
        "images one frame ahead",
        SIMULATOR + "server.py",
        "streaming.header(kind.wire, world.frame,",
        "streaming.header(kind.wire, world.frame + 1,",
        "cameras",
    ),
    Fault(
        "half-size boxes",
        SIMULATOR + "spawning.py",
        "Location(0.0, 0.0, extent[2]), Location(*extent)",
        "Location(0.0, 0.0, extent[2]), Location(*(each / 2 for each in extent))",
        "actors",
    ),
    Fault(
        "the mask in blue",
        SIMULATOR + "cameras.py",
        "image[..., 2] = frame.tags",
        "image[..., 0] = frame.tags",
        "cameras",
    ),
    Fault(
        "weather that stays",
        SIMULATOR + "calls/sky.py",
        "world.weather = reading.weather(weather)",
        "reading.weather(weather)",
        "cameras",
    ),
    Fault("depth in centimetres", SIMULATOR + "cameras.py", "FAR_M = 1000.0", "FAR_M = 100_000.0", "cameras"),
    Fault(
        "yaw has the other sign",
        "protocols/carla_rpc/reading.py",
        "number(pitch), number(yaw)",
        "number(pitch), -number(yaw)",
        "actors",
    ),
    Fault(
        "milliseconds for seconds",
        SIMULATOR + "world.py",
        "self.elapsed_s += seconds",
        "self.elapsed_s += seconds * 1000",
        "session",
    ),
    Fault(
        "all lights green at once",
        SIMULATOR + "signals.py",
        "if signal.group == phase else TrafficLightState.RED",
        "if signal.group == phase else self._state",
        "lights",
    ),
    Fault(
        "frozen lights go on",
        SIMULATOR + "calls/signals.py",
        "signal.frozen = frozen",
        "signal.frozen = False",
        "actors",
    ),
    Fault("north for south", SIMULATOR + "sensors/gnss.py", "place.y / (SCALE", "-place.y / (SCALE", "inertia"),
    Fault(
        "free fall",
        SIMULATOR + "sensors/imu.py",
        "(0.0, 0.0, world.switches.gravity)",
        "(0.0, 0.0, -world.switches.gravity)",
        "inertia",
    ),
    Fault(
        "degrees for radians",
        SIMULATOR + "sensors/imu.py",
        "np.radians(parent.angular_velocity)",
        "np.array(parent.angular_velocity)",
        "inertia",
    ),
    Fault(
        "ids from the start in every episode",
        SIMULATOR + "simulation.py",
        "old.new_id(), self.options.hazards)",
        "1, self.options.hazards)",
        "dropped_sensors",
    ),
    Fault(
        "the dead live on",
        SIMULATOR + "calls/actors.py",
        "simulation.world.remove(number) is None",
        "number not in simulation.world.actors",
        "actors",
    ),
    Fault(
        "children hang in the world",
        SIMULATOR + "world.py",
        "actor.place = compose(parent.place, actor.relative)",
        "actor.place = actor.relative",
        "cameras",
    ),
    Fault(
        "walkers sink",
        SIMULATOR + "spawning.py",
        "Walker(number, description, place, box, bytes([12]), half_height=extent[2])",
        "Walker(number, description, place, box, bytes([12]), half_height=0.0)",
        "plain_facts",
    ),
    Fault(
        "lidar mirrored",
        SIMULATOR + "sensors/lidar.py",
        "seen.points[heard].T",
        "(seen.points[heard] * (1, -1, 1)).T",
        "plain_facts",
    ),
    Fault(
        "semantic lidar swaps object and tag",
        SIMULATOR + "sensors/lidar.py",
        '("object", "<u4"), ("tag", "<u4")',
        '("tag", "<u4"), ("object", "<u4")',
        "lidar",
    ),
    Fault(
        "towns found that are not there",
        SIMULATOR + "town/build.py",
        "    if found is None:\n        raise",
        "    if found is None:\n        return ALIASES['Town01']\n        raise",
        "session",
    ),
    Fault(
        "speeds in km/h",
        "protocols/carla_rpc/streaming.py",
        "*state.place.rotation, *state.velocity,",
        "*state.place.rotation, *(3.6 * each for each in state.velocity),",
        "plain_facts",
    ),
)
