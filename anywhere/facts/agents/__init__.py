"""The agents, docker and their settings, as the host holds them."""
