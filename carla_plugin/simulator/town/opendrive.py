"""The OpenDRIVE 1.4 map of a plan; its y axis is CARLA's turned over, and everything else lies where it is drawn."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.town.bend import STEP, chain, street_pose
from carla_plugin.simulator.town.numbering import junction_id, road_id, signal_id
from carla_plugin.simulator.town.plan import STOP_LINE, Line, Link, Plan
from carla_plugin.simulator.town.roads import RAISED, mark, plan_view, road, side_lanes, width
from carla_plugin.simulator.town.signs import planned, sign_xml
from carla_plugin.simulator.town.ways import connections


def write_opendrive(plan: Plan, name: str) -> str:
    """Return the map as XML."""
    streets = [_street(plan, link) for link in plan.links]
    ways: list[str] = []
    junctions: list[str] = []
    controllers: list[str] = []
    ident = 10000
    for node in plan.nodes():
        entries: list[str] = []
        for way in connections(plan, node):
            ways.append(way.xml(ident, junction_id(plan, node)))
            entries.append(way.entry(len(entries), ident))
            ident += 1
        if node in plan.signalled:
            for sequence, side in enumerate(plan.arms(node)):
                signal = signal_id(plan, node, side)
                controllers.append(
                    f'<controller name="c{signal}" id="{signal}" sequence="{sequence}">'
                    f'<control signalId="{signal}" type="0"/></controller>'
                )
                entries.append(f'<controller id="{signal}" type="0" sequence="{sequence}"/>')
        junction = junction_id(plan, node)
        junctions.append(f'<junction id="{junction}" name="j{junction}">{"".join(entries)}</junction>')
    west, east = plan.columns[0].position, plan.columns[-1].position
    north, south = -plan.rows[0].position, -plan.rows[-1].position
    header = (
        f'<header revMajor="1" revMinor="4" name="{name}" version="1" date="2026-01-01T00:00:00" '
        f'north="{north + 60:g}" south="{south - 60:g}" east="{east + 60:g}" west="{west - 60:g}" vendor="manyskies">'
        "<geoReference><![CDATA[+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m "
        "+geoidgrids=egm96_15.gtx +vunits=m +no_defs]]></geoReference></header>"
    )
    body = "\n".join([header, *streets, *ways, *controllers, *junctions])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<OpenDRIVE>\n{body}\n</OpenDRIVE>\n'


def _street(plan: Plan, link: Link) -> str:
    """Write one street; its reference line runs in the middle, from `link.start` to `link.end`."""
    line = plan.line(link.start, link.side)
    ident = road_id(plan, link)
    low, high = plan.span(link)
    stops = np.linspace(low, high, int((high - low) / STEP) + 2).tolist()
    view, length = plan_view(chain([street_pose(plan.bend, link.side, line.position, along) for along in stops]))
    lanes = []
    for sign in (1, -1):
        side = []
        for index, (kind, wide) in enumerate(side_lanes(line), start=1):
            inner = kind == "driving" and index < line.lanes
            paint = mark("broken") if inner else mark("none" if kind == "sidewalk" else "solid")
            tall = RAISED if kind in ("sidewalk", "border") else ""
            number = sign * index
            ends = (f'<predecessor id="{number}"/><successor id="{number}"/>') if kind == "none" else ""
            side.append(
                f'<lane id="{number}" type="{kind}" level="false"><link>{ends}</link>{width(wide)}{paint}{tall}</lane>'
            )
        if sign > 0:
            side.reverse()
        lanes.append("".join(side))
    middle = mark("solid solid", "yellow") if line.yellow else mark("broken")
    section = (
        f'<laneSection s="0"><left>{lanes[0]}</left><center><lane id="0" type="none" level="false">{middle}</lane>'
        f"</center><right>{lanes[1]}</right></laneSection>"
    )
    ends = (
        f'<predecessor elementType="junction" elementId="{junction_id(plan, link.start)}"/>'
        f'<successor elementType="junction" elementId="{junction_id(plan, link.end)}"/>'
    )
    return road(ident, length, -1, ends, line.limit_kmh, view, section, _furniture(plan, link, line, length))


def _furniture(plan: Plan, link: Link, line: Line, length: float) -> str:
    """Write the zebras, the traffic lights and the signs of a street."""
    objects, signals = [], []
    for node, side, s, sign in (
        (link.start, link.side, STOP_LINE, 1),
        (link.end, link.side + 2, length - STOP_LINE, -1),
    ):
        if len(plan.arms(node)) > 2:
            middle = s - sign * (STOP_LINE - 2.2)
            corners = ((-1.5, -line.half), (1.5, -line.half), (1.5, line.half), (-1.5, line.half), (-1.5, -line.half))
            outline = "".join(f'<cornerLocal u="{u:g}" v="{v:.3f}" z="0"/>' for u, v in corners)
            objects.append(
                f'<object id="{10 * road_id(plan, link) + (sign > 0)}" name="zebra" type="crosswalk" '
                f's="{middle:.4f}" t="0" zOffset="0" orientation="none" length="3" '
                f'width="{2 * line.half:.3f}" hdg="0" pitch="0" roll="0">'
                f"<outline>{outline}</outline></object>"
            )
        if node in plan.signalled:
            first, last = sorted((sign, sign * line.lanes))
            t = sign * (line.half + 0.7)
            signal = signal_id(plan, node, side)
            signals.append(
                f'<signal name="Signal_{signal}" id="{signal}" s="{s:.4f}" t="{t:.4f}" zOffset="0" hOffset="0" '
                f'roll="0" pitch="0" orientation="{"-" if sign > 0 else "+"}" dynamic="yes" '
                f'country="OpenDRIVE" type="1000001" subtype="-1" value="-1" text="" height="1" width="0.4">'
                f'<validity fromLane="{first}" toLane="{last}"/></signal>'
            )
    signals += [sign_xml(sign, length) for sign in planned(plan, link)]
    return f"<objects>{''.join(objects)}</objects><signals>{''.join(signals)}</signals>"
