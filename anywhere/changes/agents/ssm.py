"""Registration with Systems Manager: one step, one use of the activation, never over a working registration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.facts.agents.agents import Agents
from anywhere.facts.system.units import SSM_SNAP
from anywhere.hosts.base import Host

SCRIPT = Path(__file__).with_name("register.sh").read_text(encoding="utf-8")
BINARY, SNAP_BINARY = "amazon-ssm-agent", "/snap/amazon-ssm-agent/current/amazon-ssm-agent"
SETTINGS = "/etc/amazon/ssm/amazon-ssm-agent.json"
# The agent gives up after 249 s at the latest (4 x 60 s on a server that never answers).
SECONDS = 560.0  # of which up to 280 s for the end of an earlier run's call
KEY = "registration"


def register_steps(
    here: Agents, wanted: Wanted, activation: Activation | None, proxy: Mapping[str, str]
) -> Iterator[Step]:
    """Register where the vault names no instance; the agent is stopped for it. `proxy` are the variables that its unit
    has. Without an activation (a dry run) the step cannot be run."""
    if here.registration.is_registered:
        return
    unit = here.ssm_unit
    binary = SNAP_BINARY if unit.name == SSM_SNAP else BINARY
    lines = (
        [activation.id, activation.code, *(f"{name}={value}" for name, value in proxy.items())] if activation else []
    )
    secret = "".join(f"{line}\n" for line in lines).encode()
    shown = (binary, "-register", "-id", "ACTIVATION_ID", "-code", "ACTIVATION_CODE", "-region", wanted.region)
    do = Command(("sh", "-c", SCRIPT, "register", binary, wanted.region, unit.name), secret, True, SECONDS, shown)
    yield Step(KEY, f"register with Systems Manager in {wanted.region} (spends one use of the activation)", do)


def dualstack_steps(host: Host, wanted: Wanted) -> Iterator[Step]:
    """On a host with IPv6 alone the SSM agent needs the dual-stack names; a settings file that is there stays."""
    if wanted.ip != "ipv6" or wanted.region.startswith("eusc-"):
        return
    try:
        host.read(SETTINGS)
    except FileNotFoundError:
        text = b'{\n    "Agent": {\n        "UseDualStackEndpoint": true\n    }\n}\n'
        yield from file_step(host, SETTINGS, text, f"write {SETTINGS}: use the dual-stack endpoints")
