"""Bodies of people as CARLA's clients see and move them: bones, poses, skin."""
