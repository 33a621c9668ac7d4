"""The recorder: what happens in the world, tick by tick, in CARLA's binary form; and its replay.

Source of the form: CARLA's documentation, "Recorder Binary File Format".
"""
