"""OpenDRIVE maps as text, each for one thing a road can be."""

HEADER = (
    '<header revMajor="1" revMinor="4" name="" version="1" north="0" south="0" east="0" west="0">'
    "<geoReference><![CDATA[+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84]]></geoReference></header>"
)
FLAT = '<elevation s="0" a="0" b="0" c="0" d="0"/>'
HILL = '<elevation s="0" a="2" b="0" c="0.0012" d="-0.000004"/><elevation s="150" a="15.5" b="0.09" c="-0.0005" d="0"/>'


def lane(number, kind="driving", width=3.5, mark="solid", slope=0.0, link=""):
    return (
        f'<lane id="{number}" type="{kind}" level="false"><link>{link}</link>'
        f'<width sOffset="0" a="{width}" b="{slope}" c="0" d="0"/>'
        f'<roadMark sOffset="0" type="{mark}" weight="standard" color="standard" width="0.12" '
        'laneChange="none"/></lane>'
    )


def section(left, right, middle="broken", s=0.0):
    return (
        f'<laneSection s="{s}"><left>{"".join(left)}</left><center><lane id="0" type="none" level="false">'
        f'<roadMark sOffset="0" type="{middle}" weight="standard" color="yellow" width="0.12"/></lane></center>'
        f"<right>{''.join(right)}</right></laneSection>"
    )


def road(geometry, length, number=1, junction=-1, link="", elevation=FLAT, offset="", lanes=None, signals="", speed=""):
    lanes = lanes or section([lane(2, "sidewalk", 2.0), lane(1)], [lane(-1), lane(-2, "sidewalk", 2.0)])
    return (
        f'<road name="" length="{length}" id="{number}" junction="{junction}"><link>{link}</link>{speed}'
        f"<planView>{geometry}</planView><elevationProfile>{elevation}</elevationProfile><lateralProfile/>"
        f"<lanes>{offset}{lanes}</lanes><objects/><signals>{signals}</signals></road>"
    )


def geometry(shape, length, s=0.0, x=0.0, y=0.0, hdg=0.0):
    return f'<geometry s="{s}" x="{x}" y="{y}" hdg="{hdg}" length="{length}">{shape}</geometry>'


def whole(*parts):
    return f'<?xml version="1.0" encoding="UTF-8"?><OpenDRIVE>{HEADER}{"".join(parts)}</OpenDRIVE>'


def signal(number, s, t, orientation, kind="1000001", value=-1, dynamic="yes"):
    return (
        f'<signal name="" id="{number}" s="{s}" t="{t}" zOffset="0" hOffset="0" roll="0" pitch="0" '
        f'orientation="{orientation}" dynamic="{dynamic}" country="OpenDRIVE" type="{kind}" subtype="-1" '
        f'value="{value}" text="" height="1" width="0.5"/>'
    )


def straight(signals=""):
    return whole(road(geometry("<line/>", 200), 200, signals=signals))


def arc_on_a_hill():
    return whole(road(geometry('<arc curvature="0.008"/>', 300, x=20, y=-40, hdg=0.7), 300, elevation=HILL))


def spiral():
    pieces = geometry("<line/>", 60) + geometry('<spiral curvStart="0" curvEnd="0.02"/>', 90, 60, 60, 0, 0)
    return whole(road(pieces, 150))


def param_poly3(reach="normalized"):
    # one curve, with its parameter from 0 to 1 or to its length
    scale = 1.0 if reach == "normalized" else 1.0 / 102.997682
    shape = (
        f'<paramPoly3 pRange="{reach}" aU="0" bU="{100 * scale}" cU="0" dU="0" '
        f'aV="0" bV="0" cV="{80 * scale**2}" dV="{-60 * scale**3}"/>'
    )
    return whole(road(geometry(shape, 102.997682, hdg=-0.4), 102.997682))


def lane_offset():
    offset = '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="50" a="0" b="0.05" c="0" d="0"/>'
    lanes = section([lane(1)], [lane(-1, slope=0.004), lane(-2, "shoulder", 1.5)])
    return whole(road(geometry("<line/>", 120, hdg=2.0), 120, offset=offset, lanes=lanes))


def crossing():
    """Return a junction of four arms with a light on each, of which two facing ones share a controller."""
    parts = []
    arms = ((20, 0, 0.0), (0, 20, 1.5707963267948966), (-20, 0, 3.141592653589793), (0, -20, -1.5707963267948966))
    for number, (x, y, hdg) in enumerate(arms, start=1):
        link = '<predecessor elementType="junction" elementId="100"/>'
        light = signal(500 + number, 2.0, 4.5, "-")
        lanes = section([lane(1)], [lane(-1)])
        parts.append(road(geometry("<line/>", 80, 0, x, y, hdg), 80, number, -1, link, lanes=lanes, signals=light))
    ways, entries = [], []
    ident = 10
    for one in range(4):
        for step in (1, 2, 3):
            other = (one + step) % 4
            x, y, hdg = arms[one]
            heading = hdg + 3.141592653589793
            if step == 2:
                shape, length = "<line/>", 40.0
            else:
                sign = -1.0 if step == 1 else 1.0  # the next arm counterclockwise lies to the right of who arrives
                shape, length = f'<arc curvature="{sign / 20}"/>', 20 * 1.5707963267948966
            link = (
                f'<predecessor elementType="road" elementId="{one + 1}" contactPoint="start"/>'
                f'<successor elementType="road" elementId="{other + 1}" contactPoint="start"/>'
            )
            lanes = section([], [lane(-1, link='<predecessor id="1"/><successor id="-1"/>', mark="none")], "none")
            ways.append(road(geometry(shape, length, 0, x, y, heading), length, ident, 100, link, lanes=lanes))
            entries.append(
                f'<connection id="{len(entries)}" incomingRoad="{one + 1}" connectingRoad="{ident}" '
                'contactPoint="start"><laneLink from="1" to="-1"/></connection>'
            )
            ident += 1
    control = "".join(
        f'<controller name="" id="{number}" sequence="0">'
        + "".join(f'<control signalId="{light}" type="0"/>' for light in lights)
        + "</controller>"
        for number, lights in ((901, (501, 503)), (902, (502, 504)))
    )
    junction = (
        f'<junction id="100" name="">{"".join(entries)}<controller id="901" type="0" sequence="0"/>'
        '<controller id="902" type="0" sequence="0"/></junction>'
    )
    return whole(*parts, *ways, control, junction)
