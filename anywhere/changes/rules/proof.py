"""The live proof: real requests to the credential address, and real attempts of a neighbour."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from anywhere.changes.rules.desired import State
from anywhere.changes.script import SHELL
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

PATIENCE = 0.8  # seconds for one request on this host itself
LONG_PATIENCE = 4.0  # seconds when a request that should be answered was not
LONGEST_PATIENCE = 15.0  # seconds when the host was too slow even then to say whether it was
PROOF_SECONDS = 90.0  # for all of it
_SCRIPT = Path(__file__).with_name("proof.sh")

ANSWERED, REFUSED, SILENT = "answered", "refused", "silent"


@frozen
class Reply:
    """What came of one request: `answered`, `connected`, `refused`, `silent` (no answer to the SYN), `late` (the host was
    too slow to tell), `unreachable`, `failed`, and a detail."""

    outcome: str
    detail: str = ""

    @property
    def got_through(self) -> bool:
        """Whether a connection was made."""
        return self.outcome in (ANSWERED, "connected")


@frozen
class Proof:
    """All replies by the question's name; `missing` says what the host lacks for a proof, empty when nothing."""

    replies: Mapping[str, Reply]
    missing: str = ""

    def reply(self, name: str) -> Reply | None:
        """The reply to one question; None when it was not asked."""
        return self.replies.get(name)


def prove(host: Host, state: State) -> Proof:
    """Ask on a live host. Needs root there; makes two network namespaces, removes them again, changes nothing else."""
    free = free_address(state.net.bridge_address)
    bridge = (state.firewall.bridge, state.net.bridge_address if free else "", free)
    argv = (SHELL, "-s", "--", *bridge, str(PATIENCE), str(LONG_PATIENCE), str(LONGEST_PATIENCE))
    done = host.run(argv, input=_SCRIPT.read_bytes(), timeout=PROOF_SECONDS)
    proof = parse_proof(done.stdout)
    if not proof.replies and not proof.missing:
        return Proof({}, done.stderr.strip().partition("\n")[0] or f"the proof ended with {done.rc}")
    return proof


def parse_proof(text: str) -> Proof:
    """The lines of the script; of two that answer one question the later one counts."""
    replies: dict[str, Reply] = {}
    missing = ""
    for line in text.splitlines():
        name, _, rest = line.strip().partition(" ")
        outcome, _, detail = rest.partition(" ")
        if name == "tools":
            missing = detail
        elif outcome:
            replies[name] = Reply(outcome, detail)
    return Proof(replies, missing)


def free_address(bridge: str) -> str:
    """An address in the bridge's network that docker gives out last, with its prefix length: the highest that is not
    the bridge's own. Empty where there is no network."""
    try:
        own = ipaddress.ip_interface(bridge)
    except ValueError:
        return ""
    network = own.network
    if network.num_addresses < 4:
        return ""
    highest = network[-2] if network[-2] != own.ip else network[-3]
    return f"{highest}/{network.prefixlen}"
