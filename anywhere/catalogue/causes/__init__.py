"""What each cause means, how it is found, how to fix it, and where the rule comes from."""
