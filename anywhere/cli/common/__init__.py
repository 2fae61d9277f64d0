"""What the commands share: their hosts, their output, their progress."""
