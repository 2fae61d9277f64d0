"""The kernel: what it ran out of, what it cannot load, what it said, and where folders lie."""
