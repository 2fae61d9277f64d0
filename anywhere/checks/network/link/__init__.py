"""The check of what lies below this host's own routes."""
