"""All rules, the deeper fault before the shallower."""

from __future__ import annotations

from anywhere.diagnosis import dns, egress, host, own, proxy, tls, way
from anywhere.diagnosis.engine import Rule

# A component without its proxy explains why its names and connections fail, so proxies come before both.
RULES: tuple[Rule, ...] = (
    *host.RULES,
    *own.RULES,
    *egress.FIRST,
    *way.RULES,
    *proxy.RULES,
    *dns.RULES,
    *egress.WAY_OUT,
    *tls.RULES,
    *egress.ABOVE_TCP,
)

SYMPTOMS = host.SYMPTOMS
