"""Packages from the network or from a folder: found, downloaded, verified, listed in a manifest."""
