"""Checks of the machine itself."""
