"""From a server to an instance, and its life: registration, artifacts, health."""
