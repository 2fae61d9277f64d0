"""What formats for people share: texts and commands that are harmless to show."""
