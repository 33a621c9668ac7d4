"""Things of a street as meshes: buildings, plants, furniture, vehicles, people; pure functions of their arguments."""
