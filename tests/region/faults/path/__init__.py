"""What the site and the way out do to packets and connections."""
