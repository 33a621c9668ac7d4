"""Pieces of OpenDRIVE text: reference lines, lanes, widths and marks."""

from __future__ import annotations

from carla_plugin.simulator.town.bend import Piece
from carla_plugin.simulator.town.plan import KERB_HEIGHT, Line

RAISED = f'<height sOffset="0" inner="{KERB_HEIGHT}" outer="{KERB_HEIGHT}"/>'  # of a lane at the level of the pavement


def plan_view(pieces: list[Piece]) -> tuple[str, float]:
    """Write pieces, turning y over; return XML and the whole length in metres."""
    total = 0.0
    parts = []
    for x, y, angle, length, curvature in pieces:
        shape = f'<arc curvature="{-curvature:.10g}"/>' if curvature else "<line/>"
        parts.append(
            f'<geometry s="{total:.6f}" x="{x:.6f}" y="{-y:.6f}" hdg="{-angle:.10f}" length="{length:.6f}">'
            f"{shape}</geometry>"
        )
        total += length
    return f"<planView>{''.join(parts)}</planView>", total


def road(ident: int, length: float, junction: int, link: str, speed: int, view: str, lanes: str, tail: str) -> str:
    """Write a road from its parts; `speed` in km/h, `length` in metres."""
    return (
        f'<road name="Road {ident}" length="{length:.6f}" id="{ident}" junction="{junction}">'
        f'<link>{link}</link><type s="0" type="town"><speed max="{speed}" unit="km/h"/></type>{view}'
        '<elevationProfile><elevation s="0" a="0" b="0" c="0" d="0"/></elevationProfile><lateralProfile/>'
        f"<lanes>{lanes}</lanes>{tail}</road>"
    )


def mark(kind: str, colour: str = "standard", width: float = 0.12) -> str:
    """Write the paint on the outer edge of a lane; a broken line may be crossed."""
    return (
        f'<roadMark sOffset="0" type="{kind}" weight="standard" color="{colour}" material="standard" '
        f'width="{width}" laneChange="{"both" if kind == "broken" else "none"}"/>'
    )


def width(start: float, slope: float = 0.0) -> str:
    """Write a lane's width in metres, growing by `slope` a metre."""
    return f'<width sOffset="0" a="{start:.6f}" b="{slope:.10f}" c="0" d="0"/>'


def side_lanes(line: Line) -> list[tuple[str, float]]:
    """Return (type, width in metres) of the lanes of one side from the middle outward, as numbered in OpenDRIVE."""
    lanes = [("driving", line.lane_width)] * line.lanes
    if line.parking:
        lanes.append(("parking", line.parking))
    if line.verge:
        lanes.append(("border", line.verge))
    return [*lanes, ("sidewalk", line.walk)]
