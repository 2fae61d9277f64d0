"""The agent's ports: free, or its own, and kept from being given to others."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.agents import is_bare, metadata
from anywhere.facts.agents.ports import OWNERS, PORTS, PortRange, client_ports, listeners, reserved_ports
from anywhere.hosts.base import Host, Listener
from anywhere.model import Finding, Status
from anywhere.settings import Settings

WHAT = {51678: "introspection", 51679: "task credentials and metadata"}


@check("network.agent-ports")
def ports_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    for port in PORTS:
        yield _judge_port(host, port, listeners(host, port))


def _judge_port(host: Host, port: int, found: tuple[Listener, ...]) -> Finding:
    subject = f"{port}/tcp"
    if not found:
        return passed("network.agent-ports", subject, f"port {port} is free")
    bare = is_bare(host)
    strangers = [one for one in found if bare or one.process not in OWNERS]
    if not strangers:
        return passed("network.agent-ports", subject, f"port {port} is the ECS agent's")
    named = [one for one in strangers if one.process]
    if not named and not bare:
        if port == PORTS[0] and metadata(host).answers:
            return passed("network.agent-ports", subject, f"port {port} is the ECS agent's")
        return needs_root("network.agent-ports", subject, f"port {port} is in use, by a process that root can see")
    holder = f"{named[0].process} (pid {named[0].pid})" if named else "a process that this user cannot see"
    by_hand = bare and bool(named) and named[0].process in OWNERS
    said = f"an ECS agent that no ecs.service started ({holder})" if by_hand else holder
    return trouble(
        "network.agent-ports",
        Status.FAIL,
        subject,
        f"port {port} ({WHAT[port]}) is in use by {said}: the ECS agent cannot listen on it",
        cause="ports.taken",
        remedy=remedy(host, _free(holder, bare, by_hand), look=(("ss", "-ltnp", f"sport = :{port}"),)),
        evidence={"port": port, "holders": [f"{one.address} {one.process} {one.pid}".strip() for one in strangers]},
    )


def _free(holder: str, bare: bool, by_hand: bool) -> str:
    """Where no agent is installed yet there is none to restart."""
    if by_hand:
        return (
            "Drain its container instance, then stop and remove its container (`docker ps` shows it): registration installs "
            "the agent as a service, which needs both ports."
        )
    if bare:
        return f"Stop {holder} or give it another port before the host is registered: the agent needs both ports."
    return (
        f"Stop {holder} or give it another port, then restart the ECS agent (`sudo systemctl restart ecs`) and reserve both "
        "ports (`sudo anywhere rules apply`)."
    )


@check("network.reserved-ports")
def reserved_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    reserved, given = reserved_ports(host), client_ports(host)
    if is_bare(host):
        yield skipped("network.reserved-ports", "51678-51679/tcp", AFTER_REGISTRATION)
    elif reserved is None or given is None:
        yield skipped("network.reserved-ports", "51678-51679/tcp", "the kernel's port settings could not be read")
    else:
        open_ports = [port for port in PORTS if port in given and not any(port in one for one in reserved)]
        yield (
            _not_reserved(host, open_ports, reserved)
            if open_ports
            else passed("network.reserved-ports", "51678-51679/tcp", "the kernel reserves the agent's ports")
        )


def _not_reserved(host: Host, open_ports: list[int], reserved: tuple[PortRange, ...]) -> Finding:
    kept = [f"{one.first}-{one.last}" if one.first != one.last else str(one.first) for one in reserved]
    value = ",".join((*kept, *(str(port) for port in open_ports)))
    return trouble(
        "network.reserved-ports",
        Status.WARN,
        "51678-51679/tcp",
        "The agent's ports are not reserved: the kernel may use them for an outgoing connection",
        cause="ports.not-reserved",
        remedy=remedy(
            host,
            "Reserve the ports, now and at boot (`sudo anywhere rules apply` does it with the rules).",
            ("sysctl", "-w", f"net.ipv4.ip_local_reserved_ports={value}"),
            (
                "sh",
                "-c",
                f"mkdir -p /etc/sysctl.d && echo net.ipv4.ip_local_reserved_ports={value} > /etc/sysctl.d/90-ecs-agent.conf",
            ),
        ),
        evidence={"reserved": ",".join(kept), "missing": open_ports},
    )


CHECKS: tuple[Check, ...] = (ports_check, reserved_check)
