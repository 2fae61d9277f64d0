"""Calls with the rights of the account's owner. botocore is optional; without it, or without keys, nothing is asked."""
