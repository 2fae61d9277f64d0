"""All checks, in the order of the report."""

from __future__ import annotations

from anywhere.checks import endpoints, network, proxies, subnets, tlsview
from anywhere.checks.base import Check

CHECKS: tuple[Check, ...] = (
    *network.CHECKS,
    *proxies.CHECKS,
    *endpoints.CHECKS,
    *tlsview.CHECKS,
    *subnets.CHECKS,
)
