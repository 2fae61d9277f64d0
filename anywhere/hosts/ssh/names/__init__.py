"""Names as the far side sees them: its resolver, its nameservers, over TCP through a channel or by its own datagrams."""
