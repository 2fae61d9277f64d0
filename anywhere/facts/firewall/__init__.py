"""The host's packet filter: what its rules are, and what they do to a packet."""
