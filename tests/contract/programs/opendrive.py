"""A world from the user's own OpenDRIVE, as CARLA's adv_opendrive describes it: made, driven on, and left again."""

from __future__ import annotations

import argparse

import carla

XODR = """<?xml version="1.0" standalone="yes"?>
<OpenDRIVE>
  <header revMajor="1" revMinor="4" name="curve" version="1" north="500" south="-500" east="500" west="-500"/>
  <road name="one" length="220" id="1" junction="-1">
    <link/>
    <type s="0" type="town"><speed max="50" unit="km/h"/></type>
    <planView>
      <geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry>
      <geometry s="100" x="100" y="0" hdg="0" length="120"><arc curvature="0.01"/></geometry>
    </planView>
    <elevationProfile><elevation s="0" a="0" b="0.01" c="0" d="0"/></elevationProfile>
    <lanes>
      <laneSection s="0">
        <left><lane id="1" type="driving" level="false">
          <width sOffset="0" a="3.5" b="0" c="0" d="0"/>
          <roadMark sOffset="0" type="solid" weight="standard" color="white" width="0.15" laneChange="none"/>
        </lane></left>
        <center><lane id="0" type="none" level="false">
          <roadMark sOffset="0" type="broken" weight="standard" color="yellow" width="0.15" laneChange="both"/>
        </lane></center>
        <right><lane id="-1" type="driving" level="false">
          <width sOffset="0" a="3.5" b="0" c="0" d="0"/>
          <roadMark sOffset="0" type="solid" weight="standard" color="white" width="0.15" laneChange="none"/>
        </lane></right>
      </laneSection>
    </lanes>
  </road>
</OpenDRIVE>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=2000, type=int)
    args = parser.parse_args()

    client = carla.Client(args.host, args.port)
    client.set_timeout(60.0)
    before = client.get_world().get_map().name
    try:
        world = client.generate_opendrive_world(
            XODR,
            carla.OpendriveGenerationParameters(
                vertex_distance=2.0,
                max_road_length=500.0,
                wall_height=0.0,
                additional_width=0.6,
                smooth_junctions=True,
                enable_mesh_visibility=True,
            ),
        )
        settings = world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        town = world.get_map()
        points = town.get_spawn_points()
        print("map", town.name, "spawn points", len(points) > 0)
        waypoint = town.get_waypoint_xodr(1, -1, 20.0)
        place = carla.Transform(waypoint.transform.location + carla.Location(z=0.5), waypoint.transform.rotation)
        car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), place)
        for _ in range(60):
            car.apply_control(carla.VehicleControl(throttle=0.7))
            world.tick()
        here = car.get_location()
        aside = town.get_waypoint(here).transform.location.distance(here)
        print("driven", round(here.distance(place.location), 1), "aside", round(aside, 2))
        print("risen", round(here.z - waypoint.transform.location.z, 2))
        car.destroy()
        settings.synchronous_mode = False
        world.apply_settings(settings)
    finally:
        client.load_world(before)


if __name__ == "__main__":
    main()
