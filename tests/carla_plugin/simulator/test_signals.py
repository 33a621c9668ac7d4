"""Traffic lights: who is green when, and whom they stop."""

from carla_plugin.simulator.actors import Signal, Vehicle
from carla_plugin.simulator.signals import SignalGroup, StopBoxes
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
    StopBoxes([signal], [placement]).tell([near, far])
    assert near.signal == (signal.id, RED)
    assert far.signal is None
