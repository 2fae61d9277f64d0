"""What is late because this machine is busy, and what becomes of a host that was measured then."""
