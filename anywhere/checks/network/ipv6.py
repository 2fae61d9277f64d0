"""Whether IPv6 works where it is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.facts.network.routes import has_default, is_ipv6, routes
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Stage, Status
from anywhere.settings import Settings


@check("network.ipv6")
def ipv6(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = ipv6.id
    table = routes(host)
    mine = [a for card in host.inventory().interfaces for a in card.addresses if is_ipv6(a) and _is_global(a)]
    probes = [probe for seen in surveys(host, settings) for v in seen.visits if not v.proxy for probe in v.probes]
    six = [probe for probe in probes if is_ipv6(probe.address)]
    four = [probe for probe in probes if not is_ipv6(probe.address)]
    if not mine or not six:
        yield skipped(id, "IPv6", "no global IPv6 address here" if not mine else "no endpoint has an IPv6 address")
        return
    broken = [probe for probe in six if not probe.ok and probe.stage in (Stage.CONNECT, Stage.TLS)]
    if any(probe.ok for probe in six):
        some = [visit for seen in surveys(host, settings) for visit in seen.visits if _only_four(visit)]
        yield from map(_broken_for, some)
        if not some:
            yield passed(id, mine[0], "IPv6 works" if not broken else "IPv6 fails as IPv4 does")
        return
    if not broken or not any(probe.ok for probe in four):
        yield passed(id, mine[0], "works" if not broken else "is not what fails")
        return
    remedy = Remedy(
        "Allow TCP 443 over IPv6 to AWS, or remove the global IPv6 addresses from this host: programs try IPv6 first.",
        ask="Ask the network team to allow TCP 443 over IPv6 to AWS, or to stop giving this subnet IPv6 addresses.",
        look=(("ip", "-6", "route", "show", "default"),),
    )
    summary = f"IPv6 does not reach the endpoints, IPv4 does (this host has {mine[0]}, endpoints have AAAA records)"
    evidence = {"addresses": sorted({p.address for p in broken}), "default_route": has_default(table, 6)}
    finding = trouble(id, Status.WARN, mine[0], summary, cause="egress.ipv6-broken", remedy=remedy, evidence=evidence)
    yield replace(finding, stage=Stage.CONNECT, reason=broken[0].reason)


def _only_four(visit: Visit) -> bool:
    """Whether an endpoint answers over IPv4 and at none of its IPv6 addresses."""
    six = [probe for probe in visit.probes if is_ipv6(probe.address)]
    silent = bool(six) and all(p.stage in (Stage.CONNECT, Stage.TLS) and not p.ok and not p.late for p in six)
    return silent and not visit.proxy and any(probe.ok for probe in visit.probes)


def _broken_for(visit: Visit) -> Finding:
    """IPv6 gets out, and not to this endpoint: a rule or a route that knows its IPv4 addresses alone."""
    subject = f"{visit.endpoint.host}:{visit.endpoint.port}"
    six = [probe for probe in visit.probes if is_ipv6(probe.address)]
    remedy = Remedy(
        "Allow TCP 443 over IPv6 to this endpoint as well: programs try IPv6 first.",
        ask=f"Ask the network team to allow TCP 443 over IPv6 to {visit.endpoint.host}.",
        look=(("curl", "-6", "-sv", "--max-time", "5", "-o", "/dev/null", f"https://{visit.endpoint.host}/"),),
    )
    summary = f"IPv6 does not reach {visit.endpoint.host}; it answers over IPv4, and IPv6 reaches other endpoints"
    evidence = {"addresses": sorted({probe.address for probe in six})}
    finding = trouble(
        ipv6.id, Status.WARN, subject, summary, cause="egress.ipv6-broken", remedy=remedy, evidence=evidence
    )
    return replace(finding, stage=six[0].stage, reason=six[0].reason)


def _is_global(address: str) -> bool:
    import ipaddress

    ip = ipaddress.ip_interface(address).ip
    return not (ip.is_link_local or ip.is_loopback or ip.is_multicast)


CHECKS = (ipv6,)
