"""Causes on the way out: routes, filters, path MTU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.diagnosis import proxy
from anywhere.diagnosis.engine import Case, Rule
from anywhere.diagnosis.evidence import (
    CONNECT_REASONS,
    CUT_REASONS,
    REACH,
    WEBSOCKET,
    Seen,
    answers,
    direct,
    is_page,
    look,
    proxied,
    reached,
)
from anywhere.diagnosis.requests import ask_for_list, ask_to_allow, region_of
from anywhere.diagnosis.subjects import addresses, components, first_host, names
from anywhere.diagnosis.whom_to_ask import are_internal, curl, other_proxy, to_let_out
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.wording import count

LATENCY = "endpoints.latency"


def _unrouted(finding: Finding) -> bool:
    addresses = Seen(finding).addresses
    return bool(addresses) and all(a.get("reason") == Reason.UNREACHABLE and not a.get("route") for a in addresses)


def _no_route(case: Case) -> Iterator[int]:
    return (i for i, f in reached(case, Stage.CONNECT) if _unrouted(f))


def _without_way(case: Case) -> list[Finding]:
    """The direct endpoints that have an address, if there are at least two and nothing is reached through the proxy either.
    Where the proxy works there is a way out, and the direct endpoints are only some of all."""
    judged = [f for f in direct(case) if f.stage is not Stage.RESOLVE]
    has_way = any(f.stage is Stage.DONE for f in proxied(case))
    return [] if has_way or len(judged) < 2 else judged


def _blocked(case: Case) -> Iterator[int]:
    """Every direct endpoint fails to connect. At least two are needed: one proves nothing about the others."""
    judged = _without_way(case)
    if not judged or not all(f.stage is Stage.CONNECT and f.reason in CONNECT_REASONS for f in judged):
        return iter(())
    return (i for i, _ in reached(case, Stage.CONNECT))


def _portal(case: Case) -> Iterator[int]:
    """A device answers every API request itself, with a page or a refusal, and so the WebSocket upgrades too."""
    apis = [f for f in direct(case) if f.reason is not None or f.stage is Stage.DONE]
    if apis and all(is_page(f) for f in apis):
        yield from (i for i, f in case.trouble(REACH, WEBSOCKET))


def _shards_partial(case: Case) -> Iterator[int]:
    for index, finding in case.trouble(REACH):
        partly = Seen(finding).partial or _by_chance(finding)
        if finding.status is Status.WARN and Seen(finding).shard and not partly:
            yield index


def _slow(case: Case) -> Iterator[int]:
    """A request that passes at the second try was lost by chance or late: no filter and no black hole."""
    yield from (i for i, f in case.trouble(REACH) if _by_chance(f))
    yield from (i for i, _ in case.trouble(LATENCY))


def _by_chance(finding: Finding) -> bool:
    return Seen(finding).by_chance or look(finding, Look.FULL_SEGMENTS) == "passes"


def _lossy(findings: Sequence[Finding]) -> str:
    lost = [f for f in findings if f.check != LATENCY]
    slow = next((f.summary for f in findings if f.check == LATENCY), "")
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


def _all_cut(case: Case) -> Iterator[int]:
    """A middlebox that resets or answers every connection blocks all traffic, like one that drops it."""
    judged = _without_way(case)
    if not judged or not all(f.is_trouble and _is_stopped(f) for f in judged):
        return iter(())
    return (i for i, f in reached(case, Stage.CONNECT, Stage.TLS, Stage.HTTP) if _is_stopped(f))


def _is_stopped(finding: Finding) -> bool:
    """A reset can come before or after the connection is established: both come from the same device."""
    return finding.reason in (*CONNECT_REASONS, *CUT_REASONS)


def _endpoint_blocked(case: Case) -> Iterator[int]:
    for index, finding in reached(case, Stage.CONNECT, Stage.TLS, Stage.HTTP):
        if _is_stopped(finding):
            yield index


def _how(findings: Sequence[Finding]) -> str:
    reasons = {f.reason for f in findings}
    if reasons == {Reason.TIMEOUT}:
        return "timed out: packets are dropped silently"
    if reasons == {Reason.UNREACHABLE}:
        return "no route to host"
    if reasons <= {Reason.REFUSED, Reason.UNREACHABLE}:
        return "connections are refused"
    return (
        "connections are dropped or refused"
        if reasons <= set(CONNECT_REASONS)
        else "connections are cut or answered by another device"
    )


def _which(findings: Sequence[Finding]) -> str:
    """`2 endpoints of docker`; if each still answers at another address, the number of addresses that fail."""
    if not all(Seen(f).partial for f in findings):
        return f"{count(findings, 'endpoint')} of {components(findings)}"
    entries = [entry for f in findings for entry in Seen(f).addresses]
    failed = [entry for entry in entries if entry.get("reason")]
    return f"{len(failed)} of {len(entries)} addresses of {count(findings, 'endpoint')}"


def _excluded(findings: Sequence[Finding]) -> bool:
    return any(Seen(f).excluded for f in findings)


def _why_direct(findings: Sequence[Finding]) -> str:
    if _excluded(findings):
        return "NO_PROXY keeps them from the proxy that is set"
    if are_internal(findings):
        return "all have private addresses"
    return "no proxy is set" + (" for the agents, other programs have one" if other_proxy(findings) else "")


def _include(findings: Sequence[Finding]) -> Remedy:
    return Remedy(
        f"Remove the AWS names from NO_PROXY of {components(findings)}, in the file that sets it. Only 169.254.169.254, "
        "169.254.170.2, the Docker socket and names inside the site belong there. Then restart the component.",
        look=(("anywhere", "check", "--region", region_of(findings), "--only", "network.proxy", "-v"),),
    )


# Before all others: packets lost by chance prove nothing about the endpoint, and a shard that is refused while others pass
# proves that an allow list is too short, not which device refuses.
FIRST: tuple[Rule, ...] = (
    Rule(
        "egress.slow",
        _slow,
        _lossy,
        lambda fs: next(
            (f.remedy for f in fs if f.remedy),
            Remedy(
                "Find the packet loss or the saturated link on the path.",
                ask=f"Ask the network team to find the packet loss between this host and {first_host(fs) or 'AWS'}.",
                look=(("mtr", "-rwn", "-c", "20", first_host(fs) or "HOST"),),
            ),
        ),
    ),
    Rule(
        "dns.shards-partial",
        _shards_partial,
        lambda fs: (
            f"{names(fs)} cannot be reached, other names of the same pattern can: the allow list names single hosts"
        ),
        lambda fs: Remedy(
            "Allow the patterns ecs-a-* and ecs-t-*, not single names: AWS chooses the number, and it changes.",
            ask=ask_for_list(
                fs, f"Ask the network team to allow ecs-a-*.{region_of(fs)} and ecs-t-*.{region_of(fs)} as patterns"
            ),
        ),
    ),
)

# No way out explains more than any single failure above TCP.
WAY_OUT: tuple[Rule, ...] = (
    Rule(
        "egress.no-route",
        _no_route,
        lambda fs: f"this host has no route to {count(fs, 'endpoint')}: {addresses(fs)}",
        Remedy(
            "Add a default route in the network configuration (netplan, NetworkManager, systemd-networkd), or set the site's "
            "proxy: `sudo anywhere proxy apply --url http://PROXY:PORT`.",
            ask="Ask the network team for this subnet's gateway and add it: sudo ip route add default via GATEWAY",
            look=(("ip", "route", "show"),),
        ),
    ),
    Rule(
        "egress.blocked",
        _blocked,
        lambda fs: (
            f"No endpoint is reachable: all {count(fs, 'endpoint')} fail to connect ({_how(fs)}), {_why_direct(fs)}"
        ),
        lambda fs: _include(fs) if _excluded(fs) else to_let_out(fs, everything=True),
    ),
    Rule(
        "egress.blocked",
        _portal,
        "No endpoint is reachable: a captive portal or block page answers instead",
        lambda fs: Remedy(
            "Sign this host in at the portal, or allow TCP 443 to these names in the device that answers.",
            ask=ask_to_allow(fs),
            look=(("curl", "-skL", "--max-time", "5", f"https://{first_host(fs) or 'HOST'}/"),),
        ),
    ),
)

# Connections that stall or are cut above TCP; the most conclusive second look first.
ABOVE_TCP: tuple[Rule, ...] = (
    Rule(
        "egress.path-mtu",
        _path_mtu,
        lambda fs: f"Large packets are lost on the path to {names(fs)}: TCP connects, TLS stalls, small segments pass",
        lambda fs: Remedy(
            "Allow ICMP 'fragmentation needed' and ICMPv6 'packet too big', or clamp the MSS on the tunnel or firewall. Until "
            "then lower the MTU of this host's interface: `sudo ip link set dev INTERFACE mtu 1280`.",
            ask="Ask the network team to allow ICMP type 3 code 4 (and ICMPv6 type 2) to this host, or to clamp the MSS.",
            look=(("tracepath", "-n", first_host(fs) or "HOST"),),
        ),
    ),
    Rule(
        "egress.sni-filtered",
        _sni,
        lambda fs: (
            f"A filter blocks the server name (SNI): TLS to {names(fs)} fails, the same address answers another name"
        ),
        lambda fs: Remedy(
            "Allow these names in the filter (server name indication).",
            ask=ask_for_list(fs, "Ask the network team to allow these server names (SNI) in the TLS filter"),
        ),
    ),
    Rule(
        "egress.silent",
        _silent,
        lambda fs: (
            f"TCP connects to {names(fs)}, then nothing answers: a device accepts connections in AWS's place or drops the rest"
        ),
        lambda fs: Remedy(
            "Find the transparent proxy, the load balancer without a backend, or the asymmetric route through a stateful "
            "firewall on the path to these names.",
            ask=f"Ask the network team which device accepts TCP 443 to {addresses(fs)} for this host, and to let it answer.",
            look=(curl(fs),),
        ),
    ),
    *proxy.INSIDE,
    Rule(
        "egress.blocked",
        _all_cut,
        lambda fs: f"No endpoint is reachable: all {count(fs, 'endpoint')} are cut off or answered by another device",
        to_let_out,
    ),
    Rule(
        "egress.endpoint-blocked",
        _endpoint_blocked,
        lambda fs: (
            f"{_which(fs)} cannot be reached, others can: {names(fs)} "
            f"({_how(fs)}{', NO_PROXY keeps them from the proxy that is set' if _excluded(fs) else ''})"
        ),
        lambda fs: _include(fs) if _excluded(fs) else to_let_out(fs),
    ),
)
