"""Stand-ins for AWS's agent packages: built when they are needed, signed with a key of this machine."""
