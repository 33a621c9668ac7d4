"""The world: one episode's town, actors, weather and clock; `step` lets one tick pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from carla_plugin.simulator import motion
from carla_plugin.simulator.actors import Prop, Sensor, Sign, Signal, SimActor, Vehicle, Walker
from carla_plugin.simulator.assets.props import prop_of
from carla_plugin.simulator.assets.vehicles import vehicle
from carla_plugin.simulator.backdrop import Backdrop
from carla_plugin.simulator.body.figures import drawn, feet_of
from carla_plugin.simulator.cameras import Still
from carla_plugin.simulator.collisions import Collision
from carla_plugin.simulator.crossings import Crossings
from carla_plugin.simulator.death import mourn
from carla_plugin.simulator.drawings import Drawings
from carla_plugin.simulator.footprint import Footprints, boxes_of
from carla_plugin.simulator.hazards import Hazards
from carla_plugin.simulator.hazards.bodies import blinking, creep, gust, shown_state
from carla_plugin.simulator.hazards.exposure import Exposures
from carla_plugin.simulator.hazards.idle import stirring
from carla_plugin.simulator.hazards.sky import SeenWeather
from carla_plugin.simulator.obstacles import obstacles_of
from carla_plugin.simulator.pose import compose
from carla_plugin.simulator.render import Placed
from carla_plugin.simulator.signals import SignalGroup, StopBoxes, post_of, stop_box, tell_lights
from carla_plugin.simulator.signs import Limits, sign_state, stand_signs
from carla_plugin.simulator.switches import Switches
from carla_plugin.simulator.town import Town
from protocols.carla_rpc import streaming
from protocols.carla_rpc.types import (
    ActorDescription,
    BoundingBox,
    EpisodeSettings,
    Location,
    Rotation,
    Transform,
    WeatherParameters,
)

NO_HAZARDS = Hazards()
CLEAR_NOON = WeatherParameters(5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)
REAL_TIME_STEP_S = 0.05


class World:
    """Hold one episode.

    Attributes:
        episode: number of the episode.
        town: what stands still.
        settings: as the client set them.
        weather: as the client set it.
        backdrop: the town as clients have changed it.
        switches: what else they have set.
        drawings: lines they have drawn.
        actors: living actors by id, in the order of their birth.
        boxes: bounding boxes of all actors that ever lived: clients ask for those of the dead.
        frame: number of the last tick; goes on over episodes.
        elapsed_s: simulated seconds of this episode.
        collisions: the blows of the last tick.
    """

    def __init__(
        self, episode: int, town: Town, settings: EpisodeSettings, frame: int, first_id: int = 1,
        hazards: Hazards = NO_HAZARDS,
    ) -> None:  # fmt: skip
        """Open an episode with the town's traffic lights and an onlooker."""
        self.hazards = hazards
        self.sky = SeenWeather(CLEAR_NOON, hazards)
        self.exposures = Exposures()
        self.episode = episode
        self.town = town
        self.settings = settings
        self.weather = CLEAR_NOON
        self.backdrop = Backdrop(town)
        self.switches = Switches()
        self.drawings = Drawings()
        self.frame = frame
        self.elapsed_s = 0.0
        self.step_s = REAL_TIME_STEP_S
        self.obstacles = obstacles_of(town)
        self.collisions: list[Collision] = []  # of the last tick
        self.fresh = True  # no tick yet: the first one says that the map has changed
        self.actors: dict[int, SimActor] = {}
        self.boxes: dict[int, BoundingBox] = {}
        self._next_id = first_id
        spectator = SimActor(
            self.new_id(), ActorDescription(0, "spectator"), Transform(Location(0.0, 0.0, 10.0), Rotation(-20.0))
        )
        self.spectator = spectator
        self.add(spectator)
        self.signals = tuple(self._stand_signals())
        self._stop_boxes = StopBoxes(self.signals, town.signals)
        self.signs = tuple(stand_signs(town.signs, self.new_id))
        for sign in self.signs:
            self.add(sign)
        self._crossings = Crossings(town.opendrive, {signal.junction for signal in self.signals})
        self._limits = Limits(self.signs, town.signs)
        junctions = sorted({signal.junction for signal in self.signals})
        self.groups = [SignalGroup(s for s in self.signals if s.junction == junction) for junction in junctions]

    def _stand_signals(self) -> Iterator[Signal]:
        poles: Counter[int] = Counter()
        for index, placement in enumerate(self.town.signals):
            signal = Signal(
                self.new_id(), ActorDescription(0, "traffic.traffic_light"), post_of(placement),
                tags=bytes([7]), index=index, sign=placement.signal_id, junction=placement.junction,
                group=placement.group, pole=poles[placement.junction],
            )  # fmt: skip
            poles[placement.junction] += 1
            signal.box = stop_box(placement, signal.place)._replace(actor_id=signal.id)
            self.add(signal)
            yield signal

    def new_id(self) -> int:
        """Return an id that this server never gave before, in any episode."""
        self._next_id += 1
        return self._next_id - 1

    def add(self, actor: SimActor) -> None:
        """Let an actor live."""
        self.actors[actor.id] = actor
        self.boxes[actor.id] = actor.box

    def remove(self, actor_id: int) -> SimActor | None:
        """Take an actor out, and return it if it lived; what is fixed to it stays where it is, as in CARLA."""
        gone = self.actors.pop(actor_id, None)
        for other in self.actors.values() if gone is not None else ():
            if other.parent == actor_id:
                other.parent = 0
                other.stop()
        return gone

    def footprints(self) -> Footprints:
        """Return where vehicles and walkers stand."""
        return Footprints(self.actors.values())

    def stands_in_wall(self, actor: SimActor, place: Transform) -> bool:
        """Return whether an actor at a place would stand in something of the town; high above it none would."""
        box = boxes_of([actor], [place])
        return self.obstacles.reach(box[0]) and bool(self.obstacles.hit(box, np.ones(1, dtype=np.bool_))[0])

    def set_layers(self, layers: int) -> None:
        """Let only these layers of the town be there: what has gone is neither seen nor in the way."""
        self.backdrop.set_layers(layers)
        self.obstacles = obstacles_of(self.town).without(self.backdrop.dressing.gone)

    @property
    def vehicles(self) -> list[Vehicle]:
        """Return the living vehicles."""
        return [actor for actor in self.actors.values() if isinstance(actor, Vehicle)]

    @property
    def fixed_step_s(self) -> float:
        """Return the seconds of a tick; a step of 0 or none leaves them to us, as in CARLA."""
        step = self.settings.fixed_delta_seconds
        return step[1] if len(step) > 1 and step[1] > 0.0 else REAL_TIME_STEP_S

    def step(self, seconds: float) -> None:
        """Let one tick pass: lights, vehicles, walkers, then what is fixed to them."""
        self.frame += 1
        self.elapsed_s += seconds
        self.step_s = seconds
        self.sky.step(self.weather, seconds)
        if "exposure" in self.hazards:
            self.exposures.step(self.actors.values(), self.sky.now, seconds)
        if "creep" in self.hazards:
            creep(self.vehicles)
        self.backdrop.tick()
        self.drawings.tick(self.elapsed_s)
        for group in self.groups:
            group.step(seconds)
        self.collisions = motion.step(tuple(self.actors.values()), seconds, self.town.ground_height, self.obstacles)
        for number in mourn(self.actors, self.collisions, self.elapsed_s):
            self.remove(number)
        for actor in self.actors.values():
            parent = self.actors.get(actor.parent) if actor.parent else None
            if parent is not None:
                actor.place = compose(parent.place, actor.relative)
                actor.velocity = parent.velocity
        tell_lights(self._stop_boxes, self.vehicles)
        self._crossings.tell(self.vehicles, seconds)
        self._limits.tell(self.vehicles)

    def state_message(self) -> bytes:
        """Return the world's state as the stream sends it, length first."""
        bits = streaming.SimulationState.MAP_CHANGED if self.fresh else 0
        bits |= streaming.SimulationState.LIGHTS_PENDING if self.backdrop.lights_pending else 0
        opening = streaming.header(streaming.SensorType.WORLD, self.frame, self.elapsed_s, Transform())
        block = streaming.episode_state(self.episode, self.elapsed_s, self.step_s, bits)
        return streaming.framed(opening, block, b"".join(map(self._actor_state, self.actors.values())))

    def _actor_state(self, actor: SimActor) -> bytes:
        details = b""
        if isinstance(actor, Sign):
            return sign_state(actor)
        if isinstance(actor, Vehicle):
            control = actor.control._replace(gear=actor.gear)
            details = streaming.vehicle_details(control, actor.speed_limit_kmh, actor.signal)
        elif isinstance(actor, Walker):
            details = streaming.walker_details(actor.control)
        elif isinstance(actor, Signal):
            green, yellow, red = actor.times_s
            details = streaming.signal_details(
                actor.sign, (green, yellow, red), actor.elapsed_s, actor.pole, actor.frozen, actor.state
            )
        return streaming.actor_state(
            streaming.ActorState(
                actor.id, actor.place, actor.velocity, actor.angular_velocity, actor.acceleration, details
            )
        )

    def still(self) -> Still:
        """Return what a camera could see now."""
        placed = []
        for actor in self.actors.values():
            if isinstance(actor, Vehicle):
                mesh = vehicle(actor.description.id, actor.colour)
                lights = blinking(actor, self.elapsed_s, self.hazards.seed) if "blink" in self.hazards else actor.lights
                placed.append(Placed(actor.id, mesh, actor.place, lights))
            elif isinstance(actor, Walker):
                body = stirring(actor, self.elapsed_s) if "idle" in self.hazards else drawn(actor)
                placed.append(Placed(actor.id, body, feet_of(actor), 0))
            elif isinstance(actor, Prop):
                placed.append(Placed(actor.id, prop_of(actor.description.id, actor.box.extent), actor.place, 0))
        velocities = tuple(self.actors[each.actor_id].velocity for each in placed)
        signals = tuple(signal.state for signal in self.signals)
        if "blink" in self.hazards:
            signals = tuple(shown_state(signal, self.elapsed_s, self.hazards.seed) for signal in self.signals)
        numbers = tuple(signal.id for signal in self.signals)
        wind = gust(self.sky.now.wind_intensity, self.elapsed_s) if "foliage" in self.hazards else (0.0, 0.0)
        return Still(
            tuple(placed), signals, self.sky.now, velocities, self.backdrop.dressing, numbers, wind, self.sky.air,
            self.drawings.shown,
        )  # fmt: skip

    def due(self, sensor: Sensor) -> bool:
        """Return whether a sensor delivers in this tick.

        A sensor that comes late, because its period is no multiple of the step, has credit for it, as in CARLA: on
        average it delivers once a period.
        """
        late_s = self.elapsed_s - sensor.last_s - sensor.period_s
        if sensor.period_s > 0.0 and late_s < -1e-9:
            return False
        sensor.last_s = self.elapsed_s - late_s if 0.0 < late_s < sensor.period_s else self.elapsed_s
        return True
