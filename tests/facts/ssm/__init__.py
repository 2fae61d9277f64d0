"""The SSM agent's settings and logs."""
