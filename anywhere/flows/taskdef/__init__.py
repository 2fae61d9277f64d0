"""Documents of task definitions: read, and placed on hosts."""
