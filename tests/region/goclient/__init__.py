"""A Go client of the agents' kind, built for comparisons, and what it says of a region beside what the product says."""
