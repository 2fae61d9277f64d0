"""The commands for the life of an instance after its registration."""
