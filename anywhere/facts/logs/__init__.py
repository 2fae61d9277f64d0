"""Where daemons write, and what they wrote last."""
