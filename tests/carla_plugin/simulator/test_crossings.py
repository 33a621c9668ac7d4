"""Crossings without lights: who comes to one sees red while somebody else is on it."""

from itertools import groupby

import pytest

from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.crossings import TURN_S, Crossings
from protocols.carla_rpc.types import ActorDescription, Location, Rotation, TrafficLightState, Transform

WAITS = (0, TrafficLightState.RED)
STEP_S = 0.05


def junction(number, x, arms):
    """Return a junction of straight ways, 20 m across, about (x, 0), and the roads it joins."""
    links = "".join(f'<connection id="{n}" incomingRoad="{n}" connectingRoad="{number}"/>' for n in range(arms))
    way = f'<geometry s="0" x="{x - 10}" y="0" hdg="0" length="20"><line/></geometry>'
    road = f'<road id="{number}" junction="{number}"><planView>{way}</planView></road>'
    return f'{road}<junction id="{number}">{links}</junction>'


def car(number, x, y=0.0, yaw=0.0):
    what = ActorDescription(1, "vehicle.tesla.model3")
    return Vehicle(number, what, Transform(Location(x, y, 0.0), Rotation(yaw=yaw)))


@pytest.mark.parametrize(("arms", "lit", "waits"), [(3, (), True), (4, (), True), (2, (), False), (4, (7,), False)])
def test_only_crossings_without_lights_make_wait(arms, lit, waits):
    crossings = Crossings(f"<OpenDRIVE>{junction(7, 100.0, arms)}</OpenDRIVE>", lit)
    comes, on = car(1, 80.0), car(2, 100.0, 1.0, 90.0)
    crossings.tell([comes, on], STEP_S)
    assert (comes.signal == WAITS) is waits
    assert on.signal is None


def test_of_two_who_come_the_nearer_goes_and_one_that_stays_hands_its_turn_on():
    crossings = Crossings(f"<OpenDRIVE>{junction(7, 100.0, 4)}</OpenDRIVE>", ())
    seen = []
    for _ in range(round(2 * TURN_S / STEP_S)):
        both = [car(1, 80.0), car(2, 119.0, 0.0, 180.0)]
        crossings.tell(both, STEP_S)
        seen.append([vehicle.signal for vehicle in both])
    assert [shown for shown, _ in groupby(seen)] == [[WAITS, None], [None, WAITS]]
    alone = [car(1, 80.0)]
    crossings.tell([*alone, car(3, 300.0)], STEP_S)
    assert alone[0].signal is None


def test_nobody_waits_for_itself_nor_when_leaving():
    crossings = Crossings(f"<OpenDRIVE>{junction(7, 100.0, 4)}</OpenDRIVE>", ())
    leaves, on, far = car(1, 80.0, yaw=180.0), car(2, 100.0), car(3, 60.0)
    crossings.tell([leaves, on, far], STEP_S)
    assert [vehicle.signal for vehicle in (leaves, on, far)] == [None, None, None]


def test_a_light_that_holds_is_not_overruled():
    crossings = Crossings(f"<OpenDRIVE>{junction(7, 100.0, 4)}</OpenDRIVE>", ())
    comes, on = car(1, 80.0), car(2, 100.0)
    comes.signal = (12, TrafficLightState.GREEN)
    crossings.tell([comes, on], STEP_S)
    assert comes.signal == (12, TrafficLightState.GREEN)


def test_no_map_no_crossings():
    Crossings("no xml", ()).tell([car(1, 0.0), car(2, 5.0)], STEP_S)
