"""One proxy and CA profile for docker and both agents."""
