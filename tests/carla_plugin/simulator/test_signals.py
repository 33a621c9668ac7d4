"""Traffic lights: who is green when, and whom they stop."""

import math

import numpy as np
import pytest

from carla_plugin.simulator.actors import Signal, Vehicle
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.signals import SignalGroup, StopBoxes, post_of, stop_box, tell_lights
from carla_plugin.simulator.town import SignalPlacement, TriggerBox
from protocols.carla_rpc.types import ActorDescription, Location, Rotation, TrafficLightState, Transform

RED, YELLOW, GREEN = TrafficLightState.RED, TrafficLightState.YELLOW, TrafficLightState.GREEN


def lights(count: int) -> list[Signal]:
    what = ActorDescription(0, "traffic.traffic_light")
    return [Signal(number + 1, what, Transform(), index=number, group=number) for number in range(count)]


def test_one_approach_after_the_other():
    signals = lights(3)
    group = SignalGroup(signals)
    seen = []
    for _ in range(int(45 / 0.5)):
        seen.append(tuple(signal.state for signal in signals))
        group.step(0.5)
    assert seen[0] == (GREEN, RED, RED)
    assert all(states.count(RED) >= 2 for states in seen), "never two approaches at once"
    changes = [states for states, before in zip(seen[1:], seen, strict=False) if states != before]
    assert changes[:6] == [
        (YELLOW, RED, RED),
        (RED, RED, RED),
        (RED, GREEN, RED),
        (RED, YELLOW, RED),
        (RED, RED, RED),
        (RED, RED, GREEN),
    ]
    assert (seen.index((YELLOW, RED, RED)), seen.index((RED, RED, RED)), seen.index((RED, GREEN, RED))) == (20, 26, 30)


def test_a_frozen_group_keeps_its_states():
    signals = lights(2)
    group = SignalGroup(signals)
    signals[0].frozen = True
    for _ in range(100):
        group.step(1.0)
    assert [signal.state for signal in signals] == [GREEN, RED]
    assert signals[0].elapsed_s == 0.0


def test_boxes_turn_with_their_yaw_and_the_first_counts():
    signals = lights(3)
    along_y = TriggerBox(Location(10.0, 0.0, 1.0), Location(4.0, 1.0, 1.5), 90.0)
    over_it = TriggerBox(Location(10.0, 3.0, 1.0), Location(2.0, 2.0, 1.5), 0.0)
    placements = [
        SignalPlacement(str(n), Transform(), 1, n, boxes, ()) for n, boxes in enumerate([(), (along_y,), (over_it,)])
    ]
    found = StopBoxes(signals, placements).at([(10.0, 3.9), (13.0, 0.0), (10.0, 4.5), (11.5, 3.0)])
    assert found == [signals[1], None, signals[2], signals[2]]
    assert StopBoxes([], []).at([(0.0, 0.0)]) == [None]
    assert StopBoxes(signals, placements).at([]) == []


def test_a_nose_in_the_box_stands_before_the_light():
    signal = lights(1)[0]
    signal.state = RED
    box = TriggerBox(Location(20.0, 0.0, 1.0), Location(4.0, 1.5, 1.5), 0.0)
    placement = SignalPlacement("7", Transform(), 1, 0, (box,), ())
    what = ActorDescription(1, "vehicle.tesla.model3")
    near, far = (Vehicle(9, what, Transform(Location(x, 0.0, 0.0), Rotation())) for x in (15.0, 5.0))
    tell_lights(StopBoxes([signal], [placement]), [near, far])
    assert near.signal == (signal.id, RED)
    assert far.signal is None


@pytest.mark.parametrize("yaw", [0.0, 90.0, -135.0, 170.5])
def test_a_lights_actor_faces_by_its_y_axis_and_holds_all_its_lanes_in_one_box(yaw):
    # two lanes side by side before a post whose placement looks along `yaw` at those who arrive
    def there(along, across, up=0.0):
        turn = math.radians(yaw)
        x = 50.0 + along * math.cos(turn) - across * math.sin(turn)
        return Location(x, -20.0 + along * math.sin(turn) + across * math.cos(turn), up)

    boxes = tuple(TriggerBox(there(5.0, across, 1.0), Location(4.5, 1.5, 1.5), yaw) for across in (2.0, 5.0))
    placement = SignalPlacement("1", Transform(there(0.0, 0.0), Rotation(yaw=yaw)), 1, 0, boxes, ())
    post = post_of(placement)
    box = stop_box(placement, post)
    assert box.extent == pytest.approx((3.0, 4.5, 1.5)), "x across the road, y along it"
    frame = axes(post.rotation)
    assert np.asarray(box.location) @ frame + post.location == pytest.approx(there(5.0, 3.5, 1.0))
    assert frame[1] @ (np.array(there(10.0, 0.0)) - there(0.0, 0.0)) == pytest.approx(10.0), "its y axis faces them"


def test_a_light_without_lanes_has_a_box_at_its_post():
    placement = SignalPlacement("1", Transform(), 1, 0, (), ())
    assert stop_box(placement, post_of(placement)).extent.x > 0.0
