"""What other tools make of a kind of fault, by reading their source (see the limits on the page itself)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Verdict(NamedTuple):
    """One column a tool. nodeadm's rows are about EKS endpoints, the nearest thing it checks."""

    installer: str
    ssm: str
    nodeadm: str


_STOPS = "a failed download or registration, no cause"
_LATER = "the final wait times out after 100 to 200 s and names a log file"
_NOTHING = "nothing"
_SKIPPED = "skipped before registration; later: failed, without a reason"

# By the start of a cause code; a longer start wins, for it comes later.
VERDICTS: Mapping[str, Verdict] = {
    "dns.": Verdict(_STOPS, _SKIPPED, "lookup failed, for its endpoint"),
    "dns.shards": Verdict(_LATER, _NOTHING, _NOTHING),
    "dns.private-mixed": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "dns.answers-differ": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "dns.nameserver-degraded": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "dns.container-differs": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "dns.hosts-file-pin": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "egress.": Verdict(_STOPS, _SKIPPED, "TCP connect failed"),
    "egress.path-mtu": Verdict("hangs, then a failed download", "passes (TCP only)", "passes (TCP only)"),
    "egress.silent": Verdict("hangs, then a failed download", "passes (TCP only)", "passes (TCP only)"),
    "egress.sni-filtered": Verdict(_STOPS, "passes (TCP only)", "passes (TCP only)"),
    "egress.slow": Verdict(_NOTHING, "a 1 s limit may fail it", _NOTHING),
    "egress.ipv6-broken": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "proxy.": Verdict(_STOPS, _SKIPPED, "CONNECT failed, with the status"),
    "proxy.auth-required": Verdict(_STOPS, "failed: cannot authenticate to a proxy", "failed: cannot authenticate"),
    "proxy.not-set-for-component": Verdict(_NOTHING, "shows the agent's and the shell's proxy", "named, by file path"),
    "proxy.exclusions-missing": Verdict(_NOTHING, _NOTHING, "checks its own exclusions"),
    "tls.": Verdict("curl's message, no cause", "passes (TCP only)", "passes (TCP only)"),
    "tls.intercepted-trusted": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "tls.component-untrusted": Verdict(_LATER, "passes (TCP only)", _NOTHING),
    "tls.agent-suites": Verdict(_LATER, "passes (TCP only)", _NOTHING),
    "websocket.": Verdict(_LATER, _NOTHING, _NOTHING),
    "clock.": Verdict("a refused signature, no cause", "failed credentials, no cause", "time service state, no offset"),
    "os.": Verdict("installs by package manager, without a word", _NOTHING, "refuses unknown systems"),
    "arch.": Verdict("refuses by kernel name only", _NOTHING, "named"),
    "init.": Verdict("named", _NOTHING, _NOTHING),
    "kernel.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "cgroup.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "selinux.": Verdict("refuses its own docker on Fedora and CentOS", _NOTHING, _NOTHING),
    "disk.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "memory.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "docker.": Verdict("accepts any program called docker for docker", _NOTHING, _NOTHING),
    "ports.": Verdict(_LATER, _NOTHING, _NOTHING),
    "rules.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "credentials.": Verdict(_NOTHING, "shows the identity in use", _NOTHING),
    "registration.": Verdict("accepts any registration as its own", "shows it", "named, for its own"),
    "agent.": Verdict(_LATER, "service state", "service state"),
    "config.": Verdict(_NOTHING, _NOTHING, _NOTHING),
    "identity.": Verdict(_NOTHING, _NOTHING, _NOTHING),
}
