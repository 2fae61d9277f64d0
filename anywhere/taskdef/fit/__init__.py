"""Which hosts can run a definition, and how many copies."""
