"""What travels on one connection: sessions, forwarded connections, and what all of it may take of this computer."""
