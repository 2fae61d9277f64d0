"""Leaving: what is removed, and what never."""
