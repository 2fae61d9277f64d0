"""All rules, the deeper fault before the shallower."""

from __future__ import annotations

from anywhere.diagnosis import dns, egress, proxy, tls
from anywhere.diagnosis.engine import Rule

# A component without its proxy explains why its names and connections fail, so it comes before them.
RULES: tuple[Rule, ...] = (*proxy.RULES, *dns.RULES, *egress.RULES[:4], *tls.RULES, *egress.RULES[4:])
