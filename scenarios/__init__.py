"""Scenarios that ship with the package; `README.md` beside them explains each key."""
