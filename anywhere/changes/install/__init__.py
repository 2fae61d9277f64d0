"""Software on the host: packages, repositories, units."""
