"""The ladder of one probe: resolve, connect, proxy, TLS, HTTP."""
