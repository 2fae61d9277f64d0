"""All checks, in the order of the report."""

from __future__ import annotations

from anywhere.checks.agents import agents, credentials, features, registration
from anywhere.checks.base import Check
from anywhere.checks.containers import docker, egress, settings, subnets
from anywhere.checks.endpoints import hello, latency, reach, tls
from anywhere.checks.netfilter import rules
from anywhere.checks.network import (
    dns,
    host_firewall,
    ipv6,
    names,
    own_resolver,
    own_routes,
    port_range,
    ports,
    proxy,
    way,
)
from anywhere.checks.network.link import check as own_link
from anywhere.checks.system import capacity, clock, identity, isolation, kernel, machine, mounts, permission

CHECKS: tuple[Check, ...] = (
    *permission.CHECKS,
    *machine.CHECKS,
    *identity.CHECKS,
    *isolation.CHECKS,
    *capacity.CHECKS,
    *mounts.CHECKS,
    *kernel.CHECKS,
    *docker.CHECKS,
    *settings.CHECKS,
    *subnets.CHECKS,
    *ports.CHECKS,
    *credentials.CHECKS,
    *registration.CHECKS,
    *agents.CHECKS,
    *features.CHECKS,
    *rules.CHECKS,
    *egress.CHECKS,
    *dns.CHECKS,
    *names.CHECKS,
    *ipv6.CHECKS,
    *host_firewall.CHECKS,
    *own_routes.CHECKS,
    *own_link.CHECKS,
    *port_range.CHECKS,
    *own_resolver.CHECKS,
    *proxy.CHECKS,
    *way.CHECKS,
    *reach.CHECKS,
    *hello.CHECKS,
    tls.trust_store,
    clock.clock,
    tls.interception,
    *latency.CHECKS,
)
