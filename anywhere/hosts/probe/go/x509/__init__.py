"""Certificates and chains as Go's crypto/x509 reads and judges them."""
