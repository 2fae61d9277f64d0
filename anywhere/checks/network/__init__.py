"""Checks of names, addresses, ports and proxies."""
