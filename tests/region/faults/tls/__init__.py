"""TLS: who answers it, and how."""

from tests.region.faults.tls.inspection import INSPECTOR, inspected_trusted, present

__all__ = ["INSPECTOR", "inspected_trusted", "present"]
