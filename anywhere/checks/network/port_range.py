"""The ports that the kernel gives to outgoing connections: enough of them, and not used up.

Sources: ip(7), ip_local_port_range; connect(2): EADDRNOTAVAIL where all of them are in use, EAGAIN for a UDP socket;
kernel Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.dns import lookups
from anywhere.checks.remedies import find_sysctl, remedy
from anywhere.errors import ParseError
from anywhere.evidence import Own
from anywhere.facts.agents.ports import PortRange, client_ports, reserved_ports
from anywhere.facts.firewall.forwarding import set_at_boot
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Remedy, Status
from anywhere.settings import Settings
from anywhere.wording import some

ID, CODE = "network.client-ports", "kernel.limit"
SETTING, USUAL = "net.ipv4.ip_local_port_range", "32768 60999"  # the kernel's own default
DEFAULT = PortRange(32768, 60999)
FEW = 1024  # ports: docker and the agents keep few connections, the tasks beside them many
NO_PORT = os.strerror(errno.EADDRNOTAVAIL), os.strerror(errno.EAGAIN)


@check(ID)
def port_range(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    given = client_ports(host)
    left = _usable(host, given) if given else None
    lacking = list(dict.fromkeys(address for seen in surveys(host, settings) for address in without_port(seen)))
    if given is None or left is None:
        yield skipped(ID, SETTING, "the kernel's port settings could not be read")
    elif lacking:
        nameless = sorted({name for seen in surveys(host, settings) for name in unresolved(seen)})
        yield _used_up(host, given, left, lacking, nameless)
    elif left < FEW:
        said = f"the kernel has {left} ports for outgoing connections ({_shown(given)} less the reserved ones)"
        yield trouble(ID, Status.WARN, SETTING, said, cause=CODE, remedy=_widen(host), evidence={"most": left})
    else:
        yield passed(ID, SETTING, f"{left} ports for outgoing connections ({_shown(given)})")


def without_port(seen: Survey) -> Iterator[str]:
    """The addresses to which no connection could begin, since no port was left for its near end."""
    for item in lookups(seen):
        for answer in item.servers:
            if answer.source and ":" not in answer.source and NO_PORT[1] in answer.detail:
                yield answer.source
    for visit in (*seen.visits, *seen.extra):
        for probe in visit.probes:
            # An IPv6 address without a source of its own gives the same error.
            if probe.address and ":" not in probe.address and NO_PORT[0] in probe.detail:
                yield probe.address


def unresolved(seen: Survey) -> Iterator[str]:
    """The names for which no answer came: once a question found no port, the resolvers' own questions do not either."""
    for item in lookups(seen):
        if item.reason in (Reason.SERVER_FAILURE, Reason.NAMESERVER_TIMEOUT):
            yield item.name


def _usable(host: Host, given: PortRange) -> int | None:
    try:
        reserved = reserved_ports(host)
    except ParseError:
        return None
    if reserved is None:
        return None
    left, at = 0, given.first
    for first, last in sorted((one.first, one.last) for one in reserved):
        left += max(0, min(first, given.last + 1) - at)
        at = max(at, last + 1)
    return left + max(0, given.last + 1 - at)


def _used_up(host: Host, given: PortRange, left: int, lacking: list[str], nameless: list[str]) -> Finding:
    said = (
        f"no port is left for outgoing connections to {some(lacking)}: {left} of {_shown(given)} may be used "
        f"({SETTING}, less net.ipv4.ip_local_reserved_ports)"
    )
    evidence: Own = {"explains": lacking, "names": nameless}
    return trouble(ID, Status.FAIL, SETTING, said, cause=CODE, remedy=_widen(host), evidence=evidence)


def _widen(host: Host) -> Remedy:
    place, _ = set_at_boot(host, SETTING)
    where = f" {place} sets the range." if place else ""
    if (_usable(host, DEFAULT) or 0) < FEW:
        return remedy(
            host,
            "net.ipv4.ip_local_reserved_ports reserves nearly all ports of the usual range: shorten it, in the file that sets "
            "it and now, to the ports that programs of this host listen on (the ECS agent's are 51678 and 51679).",
            look=(find_sysctl("ip_local_reserved_ports"),),
        )
    return remedy(
        host,
        f"Set a wide range, now and at boot, with few reserved ports.{where} Where the range is wide already, find the program "
        "that holds its connections and does not close them.",
        ("sysctl", "-w", f"{SETTING}={USUAL}"),
        ("sh", "-c", f"mkdir -p /etc/sysctl.d && echo '{SETTING} = {USUAL}' > /etc/sysctl.d/99-zz-anywhere-ports.conf"),
        look=(("sysctl", SETTING, "net.ipv4.ip_local_reserved_ports"), ("ss", "-Htanp")),
    )


def _shown(given: PortRange) -> str:
    return f"{given.first}-{given.last}"


CHECKS: tuple[Check, ...] = (port_range,)
