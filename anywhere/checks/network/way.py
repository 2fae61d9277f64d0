"""The way that was declared (`--expect`) and the one that each component takes; nothing is guessed without it."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.names import exclude
from anywhere.declared.expect import DIRECT, PRIVATE, PROXY, PUBLIC, expected_way
from anywhere.evidence import Way
from anywhere.facts.network.resolv_conf import HOSTS, pins, resolv_conf
from anywhere.facts.network.routes import is_private
from anywhere.facts.network.visit import Visit
from anywhere.facts.ways.decision import decided, place_of
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Stage, Status
from anywhere.redact import redact_proxy
from anywhere.settings import Settings

MIXED = "private and public"


@check("network.way")
def way(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    if not settings.expect:
        yield skipped(way.id, "ways", "not requested (--expect private, public, proxy or direct declares the path)")
        return
    for seen in surveys(host, settings):
        fitting: dict[str, list[Visit]] = {}
        for visit in seen.visits:
            expected = expected_way(settings.expect, visit.endpoint.component)
            met = way_of(visit)
            if not expected or not met:
                continue
            if fits(met, expected):
                fitting.setdefault(visit.endpoint.component, []).append(visit)
            else:
                yield _unexpected(host, seen.region, visit, expected, met)
        for component, visits in fitting.items():
            expected = expected_way(settings.expect, component)
            said = f"{len(visits)} endpoint{'s take' if len(visits) > 1 else ' takes'} the expected way: {expected}"
            yield passed(way.id, component, said, expected=expected)


def way_of(visit: Visit) -> str:
    """How the component goes: proxy, private, public, or to addresses of both kinds; empty where the name has none."""
    if visit.proxy:
        return PROXY
    lookup = visit.lookup.addresses if visit.lookup else ()
    kinds = {is_private(address) for address in lookup or [probe.address for probe in visit.probes]}
    if not kinds or (visit.endpoint.shard and not (visit.lookup and visit.lookup.known)):
        return ""
    return MIXED if len(kinds) > 1 else PRIVATE if kinds == {True} else PUBLIC


def fits(met: str, expected: str) -> bool:
    """Whether a way is the declared one; every way without a proxy is direct."""
    return met == expected or (expected == DIRECT and met != PROXY)


def _unexpected(host: Host, region: str, visit: Visit, expected: str, met: str) -> Finding:
    endpoint = visit.endpoint
    why = decided(host, visit.vantage, endpoint.host, endpoint.port, endpoint.scheme)
    evidence: Way = {"component": endpoint.component, "expected": expected, "met": met, "decided": why}
    if visit.proxy:
        evidence["proxy"] = redact_proxy(visit.proxy)
        origin = f"{redact_proxy(visit.proxy)}, {place_of(why['proxy_from'])}" if "proxy_from" in why else visit.proxy
    else:
        evidence["addresses"] = list(visit.lookup.addresses if visit.lookup else ())
        evidence["answered_by"] = _answered_by(host, visit)
        origin = f"{', '.join(evidence['addresses'][:2])}, from {', '.join(evidence['answered_by'])}"
        if expected == PROXY:
            origin = _why_direct(visit, evidence)
    summary = f"{endpoint.component}: expected {expected}, met {met} ({origin})"
    return trouble(
        way.id,
        Status.FAIL,
        f"{endpoint.host}:{endpoint.port}",
        summary,
        cause="network.way-unexpected",
        stage=Stage.PROXY if visit.proxy else Stage.RESOLVE,
        remedy=_fix(region, visit, evidence),
        evidence=evidence,
    )


def _why_direct(visit: Visit, evidence: Way) -> str:
    why = evidence["decided"]
    if "no_proxy_entry" in why:
        return f"the entry {why['no_proxy_entry']!r} of {place_of(why['no_proxy_from'])} excludes it"
    return f"no HTTPS_PROXY is set for it ({visit.vantage.source})"


def _answered_by(host: Host, visit: Visit) -> list[str]:
    """Who gave the addresses: a line of the hosts file, else the nameservers that said so."""
    name = visit.endpoint.host
    if lines := [f"{HOSTS}:{pin.line}" for pin in pins(host, (name,)) or () if pin.name == name]:
        return lines
    sources = [answer.source for answer in (visit.lookup.servers if visit.lookup else ()) if answer.addresses]
    return sources or list(resolv_conf(host).nameservers) or ["the system's resolver"]


def _fix(region: str, visit: Visit, evidence: Way) -> Remedy:
    expected, why = evidence["expected"], evidence["decided"]
    name = visit.endpoint.host
    if visit.proxy and expected == PRIVATE and visit.private:
        return exclude(region, [visit])
    if visit.proxy:
        place = place_of(why["proxy_from"]) if "proxy_from" in why else "the proxy's setting"
        return Remedy(f"Name {name} in NO_PROXY of {visit.vantage.component}, or take out {place}; then restart it.")
    if expected == PROXY:
        if "no_proxy_entry" in why:
            where = place_of(why["no_proxy_from"])
            return Remedy(
                f"Take the entry {why['no_proxy_entry']} out of {where}; then restart {visit.vantage.component}."
            )
        return Remedy(
            f"Set HTTPS_PROXY for {visit.vantage.component}: `anywhere proxy apply --url URL` does it for all."
        )
    kind = "the private addresses of its VPC endpoint" if expected == PRIVATE else "AWS's public addresses"
    by = ", ".join(evidence.get("answered_by", []))
    return Remedy(
        f"Let {by} answer {name} with {kind} "
        + ("(private DNS or a forwarding rule for the region's domain)." if expected == PRIVATE else "for this host."),
        look=(("getent", "ahosts", name),),
    )


CHECKS = (way,)
