"""Many hosts on one screen."""
