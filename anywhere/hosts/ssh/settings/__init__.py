"""ssh_config as OpenSSH reads it, and what a login takes from it: asyncssh's own reading differs in many small ways."""
