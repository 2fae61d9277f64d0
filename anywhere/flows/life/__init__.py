"""What changes an instance after its registration: leaving, resetting, moving, updating; over one host or many."""
