"""Registration with Systems Manager: one step, one use of the activation, never over a working registration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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


def register_steps(here: Agents, wanted: Wanted, activation: Activation | None) -> Iterator[Step]:
    """Register where the vault names no instance; the agent is stopped for it. Without an activation (a dry run) the step
    cannot be run."""
    if here.registration.is_registered:
        return
    unit = here.ssm_unit
    binary = SNAP_BINARY if unit.name == SSM_SNAP else BINARY
    secret = f"{activation.id}\n{activation.code}\n".encode() if activation else b""
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a registration failed: a code, one line, and what to do."""

    code: str
    summary: str
    fix: str


_NEW = "create a new one: aws ssm create-activation --iam-role ROLE --registration-limit N --region REGION"
_NETWORK = "run `anywhere check --region REGION --phase register` on this host: it names the cause"
# By the fixed words of the agent's message (agent/managedInstances, recorded runs); the first that fits.
_REFUSALS: tuple[tuple[str, Refusal], ...] = (
    (r"ActivationExpired", Refusal("activation.expired", "the activation has expired", _NEW)),
    (
        r"RegistrationLimitExceeded",
        Refusal("activation.used-up", "the activation has no uses left", _NEW),
    ),
    (
        r"InvalidActivation",
        Refusal(
            "activation.invalid",
            "Systems Manager does not know this activation: its ID or code is mistyped, it was deleted, or it belongs to "
            "another region or account",
            "compare with: aws ssm describe-activations --region REGION",
        ),
    ),
    (
        r"ThrottlingException|TooManyUpdates|Rate exceeded",
        Refusal(
            "registration.throttled", "Systems Manager throttles registrations", "wait a minute, then run it again"
        ),
    ),
    (
        r"AccessDenied",
        Refusal("registration.refused", "Systems Manager refuses the registration", "ask the activation's owner"),
    ),
    (
        r"failed decoding JSON RPC|invalid character '<'|panic: |status code: 40[37]|<html",
        Refusal("registration.foreign-answer", "something that is not Systems Manager answered", _NETWORK),
    ),
    (
        r"status code: 5\d\d|InternalServerError|SerializationError|ServiceUnavailable",
        Refusal(
            "registration.service-error", "Systems Manager answers with an error of its own", "run it again in a minute"
        ),
    ),
    (
        r"no such host|i/o timeout|connection refused|unreachable|TLS handshake|x509|certificate|proxyconnect|Proxy"
        r"|connection reset|EOF|awaiting headers|RequestError",
        Refusal("registration.network", "the SSM agent cannot reach Systems Manager", _NETWORK),
    ),
    (
        r"permission denied|no space left|read-only file system",
        Refusal("registration.disk", "the SSM agent cannot write its registration", "see df -h /var/lib/amazon"),
    ),
)


def explain_refusal(text: str, region: str) -> Refusal | None:
    """The meaning of what a failed registration printed; None where it fits no known message."""
    for pattern, refusal in _REFUSALS:
        if re.search(pattern, text):
            return Refusal(refusal.code, refusal.summary, refusal.fix.replace("REGION", region))
    return None
