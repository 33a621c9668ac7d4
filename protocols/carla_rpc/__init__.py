"""CARLA 0.9.16's wire: value types, RPC messages and sensor streams, as bytes and values without sockets."""
