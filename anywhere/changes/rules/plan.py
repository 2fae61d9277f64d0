"""The rules of task credentials as one change: the running state, and what keeps it."""

from __future__ import annotations

from anywhere.changes.base import Step
from anywhere.changes.files import present
from anywhere.changes.rules.desired import observe, rule_steps
from anywhere.changes.rules.persistence import SCRIPT, SYSCTL_FILE, UNIT_FILE, pause_step, persist_steps
from anywhere.facts.agents.agents import agents
from anywhere.facts.firewall.firewall import firewall
from anywhere.facts.firewall.nftables import OWN_TABLE
from anywhere.hosts.base import Host
from anywhere.settings import Settings

JOURNAL = "rules"


def plan(host: Host, settings: Settings, *, persist: bool = True) -> tuple[Step, ...]:
    """The steps that bring the rules to the wanted state, and with `persist` keep them there. Raises ChangeFailed where
    the rules cannot be read or nothing on the host could hold them. No setting changes what is wanted."""
    del settings
    state = observe(host)
    steps = rule_steps(state)
    return (*pause_step(host, state), *steps, *persist_steps(host, state)) if persist else steps


def traces(host: Host) -> tuple[str, ...]:
    """What of this change stands on a host: our rules by their comment, the files that keep them."""
    found = firewall(host)
    rules = [f"rules of {backend.name}" for backend in found.backends if backend.v4.ours or backend.rules(6).ours]
    native = [f"nft table {OWN_TABLE}"] if found.nft.own else []
    return (*rules, *native, *present(host, (SYSCTL_FILE, SCRIPT, UNIT_FILE)))


def without(host: Host) -> str:
    """What a host without these rules lacks; empty where no agent needs them."""
    here = agents(host)
    if not here.registration.is_registered or not here.ecs.is_running:
        return ""
    return "this host is registered: without these rules its tasks get no credentials; `anywhere rules apply` adds them"
