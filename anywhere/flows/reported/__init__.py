"""What becomes of a result before it is part of a report: clean texts, and commands with the place where they run."""
