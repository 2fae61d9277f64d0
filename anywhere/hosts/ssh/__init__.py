"""Hosts over SSH: nothing is installed there."""
