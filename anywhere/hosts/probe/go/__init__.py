"""The rules of the agents' own libraries: Go's certificates, chains, HTTP and requests, each with its source."""
