"""What was seen of a check from outside, beside what it announces."""
