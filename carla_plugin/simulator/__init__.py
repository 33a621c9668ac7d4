"""The embedded simulator: a server that speaks CARLA 0.9.16's protocol, met over TCP only."""
