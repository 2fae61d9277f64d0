"""What each cause means, how it is found, how to mend it, and where the rule comes from."""
