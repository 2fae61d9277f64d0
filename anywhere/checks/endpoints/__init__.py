"""Checks of the way to every AWS endpoint."""
