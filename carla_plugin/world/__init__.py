"""The one door to the `carla` wheel: connection, actors, traffic, cameras."""
