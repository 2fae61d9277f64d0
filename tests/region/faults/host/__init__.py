"""The host itself: release, clock, Docker, packet filter."""
