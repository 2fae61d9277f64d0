"""The SSM agent's own settings and logs on the host."""
