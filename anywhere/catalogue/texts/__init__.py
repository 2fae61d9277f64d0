"""Texts of checks, by topic."""
