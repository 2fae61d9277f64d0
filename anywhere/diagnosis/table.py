"""All rules, root causes before their symptoms."""

from __future__ import annotations

from anywhere.diagnosis import dns, egress, host, own, proxy, tls, way
from anywhere.diagnosis.engine import Blaming, Rule
from anywhere.diagnosis.evidence import blames_the_way

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
# An agent that cannot register ends after three tries, and ecs-init starts it again (amazon-ecs-agent agent/app/agent.go,
# ecs-init/engine/engine.go): with the way closed it loops.
BLAMING = Blaming((("agent.restart-loop", ("proxy.", "dns.", "egress.", "tls.", "clock.skewed")),), blames_the_way)
