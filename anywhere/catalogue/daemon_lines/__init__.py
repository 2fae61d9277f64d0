"""What daemons write when they end: dated tables."""
