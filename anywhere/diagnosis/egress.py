"""Causes on the way out: routes, filters, path MTU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.diagnosis import proxy
from anywhere.diagnosis.engine import Case, Rule
from anywhere.diagnosis.evidence import (
    CONNECT_REASONS,
    Seen,
    answers,
    components,
    count,
    direct,
    first_host,
    is_page,
    look,
    names,
    proxied,
    reached,
)
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status


def _region(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The export command for the region of the first endpoint."""
    host = first_host(findings) or (findings[0].subject if findings else "")
    labels = (label for label in host.split(".") if label.count("-") >= 2 and not label.startswith("ecs-"))
    region = next(labels, "us-east-1")
    return ("anywhere", "endpoints", "--region", region, "--format", "csv")


def _unrouted(finding: Finding) -> bool:
    addresses = Seen(finding).addresses
    return bool(addresses) and all(a.get("reason") == Reason.UNREACHABLE and not a.get("route") for a in addresses)


def _no_route(case: Case) -> Iterator[int]:
    return (i for i, f in reached(case, Stage.CONNECT) if _unrouted(f))


def _without_way(case: Case) -> list[Finding]:
    """The direct endpoints that have an address, where at least two are judged and the proxy opens nothing either: what
    it opens is a way out, and the direct ones are then only some."""
    judged = [f for f in direct(case) if f.stage is not Stage.RESOLVE]
    has_way = any(f.stage is Stage.DONE for f in proxied(case))
    return [] if has_way or len(judged) < 2 else judged


def _blocked(case: Case) -> Iterator[int]:
    """Every direct endpoint fails to connect; at least two, for one says nothing about the others."""
    judged = _without_way(case)
    if not judged or not all(f.stage is Stage.CONNECT and f.reason in CONNECT_REASONS for f in judged):
        return iter(())
    return (i for i, _ in reached(case, Stage.CONNECT))


def _portal(case: Case) -> Iterator[int]:
    """Another answers in place of every API, with a page or a refusal: the upgrades are answered by the same device."""
    apis = [f for f in direct(case) if f.reason is not None or f.stage is Stage.DONE]
    if apis and all(is_page(f) for f in apis):
        yield from (i for i, f in case.trouble("endpoints.reach", "endpoints.websocket"))


def _shards_partial(case: Case) -> Iterator[int]:
    for index, finding in case.trouble("endpoints.reach"):
        partly = Seen(finding).partial or _by_chance(finding)
        if finding.status is Status.WARN and Seen(finding).shard and not partly:
            yield index


def _slow(case: Case) -> Iterator[int]:
    """What passes when tried once more was lost by chance, or came late: no filter and no black hole."""
    yield from (i for i, f in case.trouble("endpoints.reach") if _by_chance(f))
    yield from _one(case, "endpoints.latency")


def _by_chance(finding: Finding) -> bool:
    return Seen(finding).by_chance or look(finding, Look.FULL_SEGMENTS) == "passes"


def _lossy(findings: Sequence[Finding]) -> str:
    lost = [f for f in findings if f.check != "endpoints.latency"]
    slow = next((f.summary for f in findings if f.check == "endpoints.latency"), "")
    chance = f"{names(lost)} answers at the second try or not at all: packets are lost on the way" if lost else ""
    return "; ".join(filter(None, (slow, chance)))


def _path_mtu(case: Case) -> Iterator[int]:
    for index, finding in reached(case, Stage.TLS, Stage.HTTP):
        if look(finding, Look.SMALL_SEGMENTS) == "passes" or (
            look(finding, Look.SMALLEST_SEGMENTS) == "passes" and not answers(look(finding, Look.OTHER_NAME))
        ):
            yield index


def _sni(case: Case) -> Iterator[int]:
    return (i for i, f in reached(case, Stage.TLS) if answers(look(f, Look.OTHER_NAME)))


def _silent(case: Case) -> Iterator[int]:
    return (i for i, f in reached(case, Stage.TLS, Stage.HTTP) if f.reason in (Reason.TLS_TIMEOUT, Reason.HTTP_TIMEOUT))


def _cut(finding: Finding) -> bool:
    return finding.reason in (Reason.TLS_RESET, Reason.HTTP_ERROR, Reason.CAPTIVE_PORTAL)


def _all_cut(case: Case) -> Iterator[int]:
    """A middlebox that ends or answers every connection in AWS's place blocks as surely as one that drops."""
    judged = _without_way(case)
    if not judged or not all(f.is_trouble and _is_stopped(f) for f in judged):
        return iter(())
    return (i for i, f in reached(case, Stage.CONNECT, Stage.TLS, Stage.HTTP) if _is_stopped(f))


def _is_stopped(finding: Finding) -> bool:
    """A reset may come before or after the connection is seen to stand: both are the same device."""
    return _cut(finding) or finding.reason in CONNECT_REASONS


def _endpoint_blocked(case: Case) -> Iterator[int]:
    for index, finding in reached(case, Stage.CONNECT, Stage.TLS, Stage.HTTP):
        if _is_stopped(finding):
            yield index


def _how(findings: Sequence[Finding]) -> str:
    reasons = {f.reason for f in findings}
    if reasons == {Reason.TIMEOUT}:
        return "packets are dropped"
    if reasons == {Reason.UNREACHABLE}:
        return "no route to host"
    if reasons <= {Reason.REFUSED, Reason.UNREACHABLE}:
        return "connections are refused"
    return (
        "connections are dropped or refused"
        if reasons <= set(CONNECT_REASONS)
        else "connections are cut or answered by another"
    )


def _which(findings: Sequence[Finding]) -> str:
    """`2 endpoints of docker`; where each still answers at another address, only those that do not."""
    if not all(Seen(f).partial for f in findings):
        return f"{count(findings)} of {components(findings)}"
    entries = [entry for f in findings for entry in Seen(f).addresses]
    failed = [entry for entry in entries if entry.get("reason")]
    return f"{len(failed)} of {len(entries)} addresses of {count(findings)}"


def _excluded(findings: Sequence[Finding]) -> bool:
    return any(Seen(f).excluded for f in findings)


def _why_direct(findings: Sequence[Finding]) -> str:
    return "and NO_PROXY keeps them from the proxy that is set" if _excluded(findings) else "and no proxy is set"


def _include(findings: Sequence[Finding]) -> Remedy:
    return Remedy(
        f"Take the AWS names out of NO_PROXY of {components(findings)}: only 169.254.169.254, 169.254.170.2, the docker socket "
        "and names inside the site belong there.",
        (("anywhere", "explain", "egress.blocked"),),
    )


def _ask_network(findings: Sequence[Finding]) -> Remedy:
    return Remedy(
        "Have the firewall let TCP 443 out to these names (the second command writes the list for the network team), "
        "or set the site's proxy for the components.",
        (
            ("curl", "-sv", "--max-time", "5", "-o", "/dev/null", f"https://{first_host(findings) or 'HOST'}/"),
            _region(findings),
        ),
    )


def _one(case: Case, check: str) -> Iterator[int]:
    return (i for i, _ in case.trouble(check))


# Judged before anything else: what is lost by chance says nothing of what it was on its way to; a number that is refused
# while others pass says that a list is too short, not what refuses.
FIRST: tuple[Rule, ...] = (
    Rule(
        "egress.slow",
        _slow,
        _lossy,
        lambda fs: next(
            (f.remedy for f in fs if f.remedy),
            Remedy("Look for packet loss or a saturated path.", (("mtr", "-n", first_host(fs) or "HOST"),)),
        ),
    ),
    Rule(
        "dns.shards-partial",
        _shards_partial,
        lambda fs: (
            f"{names(fs)} cannot be reached while others of the same pattern can: a fixed list stands where a "
            "pattern is needed"
        ),
        lambda fs: Remedy(
            "Allow the whole patterns ecs-a-* and ecs-t-*: AWS chooses the number, and it changes.", (_region(fs),)
        ),
    ),
)

# No way out at all explains more than any single failure above TCP.
WAY_OUT: tuple[Rule, ...] = (
    Rule(
        "egress.no-route",
        _no_route,
        lambda fs: f"this host has no route to {count(fs)}",
        Remedy("Give the host a default route (or set the site's proxy).", (("ip", "route", "show"),)),
    ),
    Rule(
        "egress.blocked",
        _blocked,
        lambda fs: f"nothing gets out: all {count(fs)} fail to connect, {_how(fs)}, {_why_direct(fs)}",
        lambda fs: _include(fs) if _excluded(fs) else _ask_network(fs),
    ),
    Rule(
        "egress.blocked",
        _portal,
        "nothing gets out: another answers in the place of every endpoint (a portal or a block page)",
        lambda fs: Remedy(
            "Sign this host in at the portal, or have the device let TCP 443 through to these names.",
            (("curl", "-skL", "--max-time", "5", f"https://{first_host(fs) or 'HOST'}/"), _region(fs)),
        ),
    ),
)

# What stalls or is cut above TCP, the most telling second look first.
ABOVE_TCP: tuple[Rule, ...] = (
    Rule(
        "egress.path-mtu",
        _path_mtu,
        lambda fs: f"large packets vanish on the way to {names(fs)}: TCP connects, TLS stalls, small segments pass",
        lambda fs: Remedy(
            "Let ICMP 'fragmentation needed' and ICMPv6 'packet too big' back in, or clamp the segment size on the tunnel or "
            "firewall; until then a lower MTU on this host's interface helps.",
            (("tracepath", "-n", first_host(fs) or "HOST"),),
        ),
    ),
    Rule(
        "egress.sni-filtered",
        _sni,
        lambda fs: (
            f"a filter reads the server name: TLS to {names(fs)} is cut off or stalls, with another name it is answered"
        ),
        lambda fs: Remedy("Have the filter allow these names (server name indication).", (_region(fs),)),
    ),
    Rule(
        "egress.silent",
        _silent,
        lambda fs: (
            f"TCP connects to {names(fs)}, and nothing ever answers: something accepts in AWS's place or drops what follows"
        ),
        lambda fs: Remedy(
            "Look for a transparent proxy, a load balancer without a backend, or asymmetric routing through a stateful "
            "firewall on the way to these names.",
            (("curl", "-sv", "--max-time", "5", "-o", "/dev/null", f"https://{first_host(fs) or 'HOST'}/"),),
        ),
    ),
    *proxy.INSIDE,
    Rule(
        "egress.blocked",
        _all_cut,
        lambda fs: f"nothing gets out: all {count(fs)} are cut off or answered by another",
        _ask_network,
    ),
    Rule(
        "egress.endpoint-blocked",
        _endpoint_blocked,
        lambda fs: (
            f"{_which(fs)} cannot be reached while others can: {names(fs)} "
            f"({_how(fs)}{', and NO_PROXY keeps them from the proxy that is set' if _excluded(fs) else ''})"
        ),
        lambda fs: _include(fs) if _excluded(fs) else _ask_network(fs),
    ),
)
