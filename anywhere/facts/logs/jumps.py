"""How often the clock of this host was set back while the ECS agent wrote its log, whose times are UTC."""

from __future__ import annotations

from itertools import pairwise

from anywhere.facts.agents.ecs_log import as_logfmt, seconds_of
from anywhere.facts.logs.log_place import agent_log_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

LEAST = 240.0  # seconds: more than that makes AWS refuse signatures soon (amazon-ssm-agent issue 616: 300 s)


@frozen
class Jump:
    """The clock went back by so many seconds, to `at` (epoch seconds)."""

    seconds: float
    at: float


def jumps_back(host: Host) -> tuple[Jump, ...]:
    """Steps back between two lines of the agent's log. One is a correction, as after a boot; several are not."""
    return parse_jumps(agent_log_text(host).text)


def parse_jumps(text: str) -> tuple[Jump, ...]:
    """
    ```
    level=info time=2026-11-29T11:00:00Z msg="..."
    level=info time=2026-11-29T10:00:00Z msg="..."
    ```
    """
    times = [when for line in as_logfmt(text).splitlines() if (when := seconds_of(line[:4000]))]
    return tuple(Jump(before - after, after) for before, after in pairwise(times) if before - after > LEAST)
