"""All checks, in the order of the report."""

from __future__ import annotations

from anywhere.checks import (
    access,
    agents,
    capacity,
    containers,
    credentials,
    endpoints,
    identity,
    isolation,
    netfilter,
    network,
    ports,
    proxies,
    registration,
    subnets,
    system,
    tlsview,
)
from anywhere.checks.base import Check

CHECKS: tuple[Check, ...] = (
    *access.CHECKS,
    *system.CHECKS,
    *identity.CHECKS,
    *isolation.CHECKS,
    *capacity.CHECKS,
    *containers.CHECKS,
    *subnets.CHECKS,
    *ports.CHECKS,
    *credentials.CHECKS,
    *registration.CHECKS,
    *agents.CHECKS,
    *netfilter.CHECKS,
    *network.CHECKS,
    *proxies.CHECKS,
    *endpoints.CHECKS,
    *tlsview.CHECKS,
)
