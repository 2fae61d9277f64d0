"""What is said before a run: the plan of a check, and the request to a firewall team."""
