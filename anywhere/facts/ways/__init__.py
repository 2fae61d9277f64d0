"""Why components go the way that they go, names that could be reached without the proxy, and what is lost on the way."""
