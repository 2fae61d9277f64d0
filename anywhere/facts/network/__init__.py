"""Addresses, resolvers, names and proxies, as the host holds them."""
