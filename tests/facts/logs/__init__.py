"""Logs of daemons."""
