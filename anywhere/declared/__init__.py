"""What a user declares of the site: the ways, the own endpoints; and what a run announces."""
