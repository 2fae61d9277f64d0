"""Checks of docker and its networks."""
