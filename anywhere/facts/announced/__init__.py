"""What a check would ask, read, start and contact: worked out before it."""
