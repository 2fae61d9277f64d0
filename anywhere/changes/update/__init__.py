"""Newer agents: the package before is kept, so that the way back needs no network."""
