"""Whether the registration on a host was made on another machine: then the instance in AWS is that one's."""

from __future__ import annotations

import re

from anywhere.facts.agents.registration import VAULT
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.files import read_text
from anywhere.facts.system.machine import MACHINE_ID
from anywhere.hosts.base import Host

FINGERPRINT = f"{VAULT.rpartition('/')[0]}/InstanceFingerprint"
# The machine-id in the fingerprint is no secret (agent/fingerprint of amazon-ssm-agent).
CLONE = ("grep", "-oE", r'\\?"machine-id\\?" *: *\\?"[0-9a-f]{32}', FINGERPRINT)


def made_elsewhere(host: Host) -> tuple[str, str]:
    """The machine-id that the registration was made with and this host's, where they differ; else two empty texts."""
    row = re.search(r"[0-9a-f]{32}", host.run(CLONE, timeout=5).stdout)
    own = read_text(host, MACHINE_ID).content.strip()
    return (row[0], own) if row and own and row[0] != own else ("", "")


def copied(host: Host) -> str:
    """How it shows that AWS knows the registration as another machine's, as a sentence; empty where nothing shows it. An
    agent that has run on a clone writes the fingerprint anew: then only AWS's answer in its log shows it."""
    made, own = made_elsewhere(host)
    if made:
        return f"the registration was made on the machine with machine-id {made[:8]}..., and this one has {own[:8]}..."
    log = ssm_log(host)
    if log and "MachineFingerprintDoesNotMatch" in log.refused + log.hibernates:
        return "AWS knows the registration as another machine's (MachineFingerprintDoesNotMatch)"
    return ""
