"""Wild calls: true requests with their arguments spoilt, and bytes spoilt after that; all from a seed.

Seeds are calls with the right number of arguments, so that most of what is spoilt gets past the counting of them.
"""

from __future__ import annotations

import random
from typing import Any

import msgpack

PLACE = [[10.0, 5.0, 1.0], [0.0, 90.0, 0.0]]
LEAVES: tuple[Any, ...] = (
    0, 1, -1, 2, 7, 255, 256, 2**31, 2**32 - 1, 2**63, -(2**63), 0.0, 1.0, -1.0, 1e-30, 3e38, 1e300,
    float("nan"), float("inf"), float("-inf"), True, False, None, "", "vehicle.tesla.model3", "a" * 300, "\u00e9\u4e16",
    b"", b"\x00\xff", [], [[]], [0, 0, 0], PLACE,
)  # fmt: skip
NEVER = frozenset({"load_new_episode", "copy_opendrive_to_file", "add_traffic_manager_running"})
"""Calls that are left out: the first two build a town each time, the last makes a traffic manager that is none."""
SOMEBODY = "somebody's id"
"""Stands for the id of a living actor until the call is made."""


class Spoiler:
    """Make wild calls from a seed.

    Attributes:
        corpus: calls `(method, arguments)` that are spoilt further; whoever measures what they reach may add to it.
        ids: of the actors that live now; whoever knows them keeps them true.
    """

    def __init__(self, methods: dict[str, int], seed: int) -> None:
        """Begin with one call of each method.

        Args:
            methods: name of each method -> how many arguments it takes.
            seed: of all that follows.
        """
        self.dice = random.Random(seed)
        self._methods = {name: takes for name, takes in sorted(methods.items()) if name not in NEVER}
        self.ids: list[int] = list(range(1, 40))
        self.corpus: list[tuple[str, list[Any]]] = [
            (name, [SOMEBODY, *(self.dice.choice(values) for _ in range(takes - 1))][:takes])
            for name, takes in self._methods.items()
            for values in ((1.0, 0), (PLACE, PLACE[0]), (True, "x"))
        ]
        colour = [["color", 2, "255,0,0"], ["role_name", 3, "x"]]
        for blueprint in (
            "vehicle.tesla.model3",
            "walker.pedestrian.0001",
            "sensor.camera.depth",
            "static.prop.bench01",
        ):
            self.corpus.append(("spawn_actor", [[1, blueprint, colour], PLACE]))
        for blueprint in ("sensor.lidar.ray_cast", "sensor.other.imu", "sensor.camera.rgb", "controller.ai.walker"):
            self.corpus.append(("spawn_actor_with_parent", [[1, blueprint, []], PLACE, SOMEBODY, 0, ""]))
        control = [0.5, 0.1, 0.0, False, False, False, 0]
        self.corpus.append(("apply_batch", [[[[0, [[1, "vehicle.audi.tt", []], PLACE, [False], "", []]]]], True]))
        self.corpus.append(("apply_batch", [[[[2, [SOMEBODY, control]]], [[1, [SOMEBODY]]]], False]))
        self.corpus.append(("apply_control_to_vehicle", [SOMEBODY, control]))
        self.corpus.append(
            ("set_episode_settings", [[True, False, [True, 0.05], True, 0.01, 10, 0, False, 3e3, 2e3, 1]])
        )
        self.corpus.append(("set_weather_parameters", [[10.0] * 14]))

    def call(self) -> tuple[str, list[Any]]:
        """Return a method and arguments, up to three of their values spoilt; `living` puts in ids."""
        method, arguments = self.dice.choice(self.corpus)
        for _ in range(self.dice.randint(0, 3)):
            arguments = self._spoilt(arguments, 0)
        return method, arguments

    def living(self, value: Any) -> Any:
        """Return a value with ids of living actors where somebody's is to stand."""
        if isinstance(value, list):
            return [self.living(each) for each in value]
        return self.dice.choice(self.ids) if value is SOMEBODY else value

    def message(self, method: str, arguments: list[Any]) -> bytes:
        """Return the bytes of a request; of one in eight, bytes are spoilt as well."""
        data = bytearray(msgpack.packb([0, self.dice.getrandbits(16), method, [[False], *arguments]]))
        if self.dice.random() < 0.125:
            for _ in range(self.dice.randint(1, 4)):
                where = self.dice.randrange(len(data))
                how = self.dice.random()
                if how < 0.6:
                    data[where] = self.dice.getrandbits(8)
                elif how < 0.8:
                    del data[where:]
                    data = data or bytearray(b"\xc1")
                else:
                    data[where:where] = self.dice.randbytes(self.dice.randint(1, 9))
        return bytes(data)

    def _spoilt(self, value: Any, depth: int) -> Any:
        if value is SOMEBODY and self.dice.random() < 0.7:
            return value
        if isinstance(value, list) and value and (depth == 0 or self.dice.random() < 0.8):
            out = list(value)
            where = self.dice.randrange(len(out))
            if depth and self.dice.random() < 0.15:
                if self.dice.random() < 0.5:
                    del out[where]
                else:
                    out.insert(where, self._leaf())
            else:
                out[where] = self._spoilt(out[where], depth + 1)
            return out
        if depth == 0:
            return value
        if isinstance(value, bool | int) and self.dice.random() < 0.5:
            return SOMEBODY
        return self._leaf()

    def _leaf(self) -> Any:
        return self.dice.choice(LEAVES)
