"""CARLA 0.9.16's value types as named tuples: msgpack writes a tuple as the array that CARLA expects."""

from __future__ import annotations

from typing import NamedTuple


class Location(NamedTuple):
    """Point or vector in metres: x forward, y right, z up."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class Rotation(NamedTuple):
    """Angles in degrees, in the order CARLA sends them."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


class Transform(NamedTuple):
    """Place and direction of a thing."""

    location: Location = Location()
    rotation: Rotation = Rotation()


class WeatherParameters(NamedTuple):
    """The 14 numbers of CARLA's weather: percentages 0..100, angles in degrees, fog_distance in metres."""

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 75.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.0
    wetness: float = 0.0
    scattering_intensity: float = 1.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0


class BoundingBox(NamedTuple):
    """Box of half sizes `extent` in metres about `location`, in the actor's axes."""

    location: Location = Location()
    extent: Location = Location()
    rotation: Rotation = Rotation()
    actor_id: int = 0


class EpisodeSettings(NamedTuple):
    """CARLA's world settings; `fixed_delta_seconds` is `(False,)` or `(True, seconds)`."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: tuple[bool] | tuple[bool, float] = (False,)
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = False
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True


class ActorAttribute(NamedTuple):
    """Attribute of a blueprint: what it may be."""

    id: str
    type: int
    value: str
    recommended_values: tuple[str, ...] = ()
    is_modifiable: bool = True
    restrict_to_recommended: bool = False


class ActorDefinition(NamedTuple):
    """Blueprint; `tags` are comma separated."""

    uid: int
    id: str
    tags: str
    attributes: tuple[ActorAttribute, ...]


class ActorAttributeValue(NamedTuple):
    """Attribute of an actor: what it is."""

    id: str
    type: int
    value: str


class ActorDescription(NamedTuple):
    """What an actor was made from."""

    uid: int
    id: str
    attributes: tuple[ActorAttributeValue, ...] = ()


class Actor(NamedTuple):
    """An actor as the client keeps it; `stream_token` has 24 bytes for a sensor and none otherwise."""

    id: int
    parent_id: int
    description: ActorDescription
    bounding_box: BoundingBox
    semantic_tags: bytes
    stream_token: bytes


class VehicleControl(NamedTuple):
    """Pedals and wheel: throttle and brake 0..1, steer -1..1 (right is positive)."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0


class WalkerControl(NamedTuple):
    """Where a walker goes: unit direction, speed in m/s."""

    direction: Location = Location(1.0, 0.0, 0.0)
    speed: float = 0.0
    jump: bool = False


class AttributeType:
    """CARLA's numbers for the types of attributes."""

    BOOL, INT, FLOAT, STRING, COLOUR = 1, 2, 3, 4, 5


class TrafficLightState:
    """CARLA's numbers for the states of traffic lights."""

    RED, YELLOW, GREEN, OFF, UNKNOWN = 0, 1, 2, 3, 4
