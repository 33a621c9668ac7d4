"""The plugin: a CARLA client that photographs frozen moments under several appearances and streams them as bundles."""
