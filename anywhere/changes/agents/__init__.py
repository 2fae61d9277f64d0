"""The two agents: their registration, their settings, their units."""
