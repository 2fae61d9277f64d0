"""The endpoints as the forms that firewalls and proxies take."""
