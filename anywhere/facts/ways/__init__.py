"""Why components go the way that they go, and names that could be reached without the proxy."""
