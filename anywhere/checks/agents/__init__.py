"""Checks of the agents, their registration and their credentials."""
