"""The agents of a registered host."""
