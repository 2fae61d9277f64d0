"""Facts of the kernel."""
