"""What is known about AWS and the systems it supports: dated tables, no logic that looks at a host."""
