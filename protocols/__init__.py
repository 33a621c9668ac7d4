"""What both wings speak: labels, bundles, the flow of the stream, and CARLA's own wire; no sockets, no paths."""
