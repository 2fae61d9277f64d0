"""What lies below this host's own routes: IPsec policies, the size of a card's packets, neighbours set by hand, shaping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from anywhere.checks.base import Check, check, passed, trouble
from anywhere.checks.endpoints.visit import is_lossy, surveys
from anywhere.checks.network.host_firewall import UNANSWERED, unanswered
from anywhere.checks.network.own_routes import own_routes
from anywhere.checks.remedies import remedy
from anywhere.evidence import Own
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.ipsec import POLICIES, STATES, Policy, keyed_peers, policies, stopping
from anywhere.facts.network.go_names import plain_servers
from anywhere.facts.network.kernel_routes import Hop, hop
from anywhere.facts.network.routes import route_to, routes
from anywhere.facts.network.survey import Survey
from anywhere.facts.ways.own_card import Shaper, answers_here, fixed_neighbour, is_under, shapers
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Stage, Status
from anywhere.settings import Settings
from anywhere.wording import count, some

ID = "network.own-link"
FILTERED, NOWHERE, SMALL, SLOW = "egress.host-firewall", "egress.wrong-route", "egress.path-mtu", "egress.slow"
LEAST_MTU = 576  # bytes: what every IPv4 host must be able to take (RFC 791)
USUAL_MTU = 1500
MOST_AIMS = 24
LOST = {
    *UNANSWERED,
    Reason.NAMESERVER_TIMEOUT,
    Reason.SERVER_FAILURE,
    Reason.TLS_TIMEOUT,
    Reason.TLS_RESET,
    Reason.HTTP_TIMEOUT,
}
SLOW_STEP = 1.0  # seconds for a handshake


@check(ID)
def own_link(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    # Before the surveys: what is shaped may use up all the time.
    held = shapers(host)
    seen = tuple(surveys(host, settings))
    aims = list(
        dict.fromkeys(aim for one in seen for aim in (*unanswered(one), *_stalled(one)) if ":" not in aim.address)
    )
    failing = any(map(_fails, seen))
    if not aims and not (held and (failing or any(map(_is_slow, seen)))):
        yield passed(ID, "card", "everything that was asked gave an answer")
        return
    hops = {aim: taken for aim in aims[:MOST_AIMS] if (taken := hop(host, aim.address))}
    found = [*_policies(host, hops), *_sizes(host, hops)]
    found = found or [*_neighbours(host, settings, hops, seen)]
    status = Status.FAIL if failing else Status.WARN
    found = found or [
        _held_back(host, one, aims, status) for one in held if _is_felt(one, seen) and _is_on_the_way(host, one, seen)
    ]
    yield from found
    if not found:
        yield passed(ID, "card", f"nothing below the routes is known to stop {count(hops, 'address', 'addresses')}")


def _stalled(seen: Survey) -> Iterator[Aim]:
    """What took a connection and was silent then."""
    for visit in (*seen.visits, *seen.extra):
        for probe in visit.probes:
            if probe.stalled and not probe.late and probe.address and visit.dialled_port:
                yield Aim(probe.address, visit.dialled_port, "tcp")


def _fails(seen: Survey) -> bool:
    """Whether an endpoint fails in a way that late or lost packets explain; that a name does not exist is none."""
    reasons = {probe.reason for visit in seen.visits if not visit.ok for probe in visit.probes}
    reasons |= {visit.lookup.reason for visit in seen.visits if visit.lookup and not visit.probes}
    return bool(reasons & LOST)


def _is_slow(seen: Survey) -> bool:
    times = sorted(probe.tls_seconds for probe in seen.probes if probe.ok)
    slow = bool(times) and times[len(times) // 2] > SLOW_STEP
    return slow or is_lossy(seen) or bool(plain_servers([one.lookup for one in seen.visits if one.lookup]))


def _own(aims: Iterable[Aim]) -> Own:
    return {"explains": [aim.address for aim in aims], "names": []}


def _shown(aims: Iterable[Aim]) -> str:
    return some([aim.address for aim in aims])


# --- IPsec ---------------------------------------------------------------------------------------------------------


def _policies(host: Host, hops: Mapping[Aim, Hop]) -> Iterator[Finding]:
    found = policies(host)
    keyed = keyed_peers(host) if found else frozenset()
    by_policy: dict[Policy, list[Aim]] = {}
    for aim, taken in hops.items():
        sources = [taken.source] if taken.source else _addresses(host)
        if policy := stopping(found, keyed, sources, aim, taken.device):
            by_policy.setdefault(policy, []).append(aim)
    for policy, stopped in by_policy.items():
        yield _stopped_by(host, policy, stopped)


def _addresses(host: Host) -> list[str]:
    return [one.partition("/")[0] for card in host.inventory().interfaces for one in card.addresses]


def _stopped_by(host: Host, policy: Policy, stopped: Sequence[Aim]) -> Finding:
    what = "the answers of" if policy.direction == "in" else "what it sends to"
    if policy.blocks:
        why = f"drops {what} {_shown(stopped)}"
    elif policy.direction == "in":
        why = f"accepts {what} {_shown(stopped)} only when encrypted, and sends there in plain"
    else:
        why = f"encrypts {what} {_shown(stopped)}, and no key is agreed with {', '.join(policy.peers)}"
    text = (
        "Take the policy away, here and in what sets it (strongSwan, Libreswan, a script), or exempt these addresses in it."
        if policy.blocks
        else "Bring the IPsec connection up (`swanctl --initiate`, `ipsec auto --up`); if it is no longer used, take the "
        "policy away, here and in what sets it, or exempt these addresses in it."
    )
    return trouble(
        ID,
        Status.FAIL,
        "IPsec policy",
        f"this host's own IPsec policy {why}: {policy.text}",
        cause=FILTERED,
        remedy=remedy(
            host,
            text,
            ("ip", "xfrm", "policy", "delete", *policy.selector),
            look=(POLICIES, STATES),
        ),
        evidence=_own(stopped),
    )


# --- The card's packets --------------------------------------------------------------------------------------------


def _sizes(host: Host, hops: Mapping[Aim, Hop]) -> Iterator[Finding]:
    cards = {card.name: card.mtu for card in host.inventory().interfaces}
    by_card: dict[str, list[Aim]] = {}
    for aim, taken in hops.items():
        if 0 < cards.get(taken.device, 0) < LEAST_MTU:
            by_card.setdefault(taken.device, []).append(aim)
    for card, stopped in by_card.items():
        yield trouble(
            ID,
            Status.FAIL,
            card,
            f"MTU of this host's card {card} is {cards[card]} bytes (IPv4 needs {LEAST_MTU}): answers of {_shown(stopped)} "
            "do not fit",
            cause=SMALL,
            remedy=remedy(
                host,
                "Set the MTU of the card, here and where it is kept (netplan `mtu`, NetworkManager `802-3-ethernet.mtu`, "
                "systemd-networkd MTUBytes=, DHCP option 26).",
                ("ip", "link", "set", "dev", card, "mtu", str(USUAL_MTU)),
                look=(("ip", "-d", "link", "show", "dev", card),),
            ),
            evidence=_own(stopped),
        )


# --- Neighbours ----------------------------------------------------------------------------------------------------


def _neighbours(host: Host, settings: Settings, hops: Mapping[Aim, Hop], seen: Sequence[Survey]) -> Iterator[Finding]:
    """Next hops with a link address set by hand, by which nothing at all answers, not even the next hop itself. What another
    route of this host would reach is left to the check of the routes."""
    by_next: dict[tuple[str, str], list[Aim]] = {}
    told = {
        address
        for finding in own_routes.judge(host, settings)
        for address in cast(Own, finding.evidence).get("explains", ())
    }
    for aim, taken in hops.items():
        if taken.device and not taken.error and aim.address not in told:
            by_next.setdefault((taken.device, taken.gateway or aim.address), []).append(aim)
    for (device, address), stopped in by_next.items():
        link = fixed_neighbour(host, device, address)
        if link and not _carries(host, device, address, seen) and answers_here(host, device, address) is False:
            yield _misled(host, device, address, link, stopped)


def _carries(host: Host, device: str, address: str, seen: Sequence[Survey]) -> bool:
    """Whether anything answered by this next hop."""
    alive = {
        a.source for one in seen for v in one.visits if v.lookup for a in v.lookup.servers if a.source and not a.reason
    }
    alive |= {
        probe.address for one in seen for probe in one.probes if probe.stage is not Stage.CONNECT and probe.address
    }
    for one in sorted(alive)[:MOST_AIMS]:
        taken = None if ":" in one else hop(host, one)
        if taken and (taken.device, taken.gateway or one) == (device, address):
            return True
    return False


def _misled(host: Host, device: str, address: str, link: str, stopped: Sequence[Aim]) -> Finding:
    behind = "" if [aim.address for aim in stopped] == [address] else f" nor {_shown(stopped)} behind it"
    return trouble(
        ID,
        Status.FAIL,
        address,
        f"the ARP entry of this host for {address} is set by hand ({link}, permanent), and "
        + (f"neither {address}{behind} answers" if behind else f"{address} does not answer"),
        cause=NOWHERE,
        remedy=remedy(
            host,
            f"Take the entry away, here and in what sets it (/etc/ethers, a network script), so that the kernel asks for the "
            f"link address of {address}; or correct it by what the card of {address} has.",
            ("ip", "neigh", "del", address, "dev", device),
            look=(("ip", "neigh", "show", "dev", device),),
        ),
        evidence=_own(stopped),
    )


# --- Shaping -------------------------------------------------------------------------------------------------------


def _is_on_the_way(host: Host, shaper: Shaper, seen: Sequence[Survey]) -> bool:
    """Whether packets to what is asked pass the card, by the main table."""
    addresses = [a.source for one in seen for v in one.visits if v.lookup for a in v.lookup.servers if a.source]
    addresses += [probe.address for one in seen for probe in one.probes if probe.address]
    taken = [route_to(one, routes(host)) for one in dict.fromkeys(addresses)]
    return is_under(host, shaper, {one.interface for one in taken if one})


def _is_felt(shaper: Shaper, seen: Sequence[Survey]) -> bool:
    """Whether what gets through shows that packets are late or lost: where nothing gets through, or all else is quick,
    something else may drop what gave no answer."""
    return shaper.silences or any(map(_is_slow, seen)) or any(map(_stops_midway, seen))


def _stops_midway(seen: Survey) -> bool:
    """Whether a connection stalled after it began, or a nameserver answers some questions and not others."""
    if any(one.stalled and one.stage is not Stage.CONNECT and one.reason not in UNANSWERED for one in seen.probes):
        return True
    answers = [answer for one in seen.visits if one.lookup for answer in one.lookup.servers]
    silent = {one.source for one in answers if one.reason is Reason.NAMESERVER_TIMEOUT and not one.late}
    return any(one.source in silent and not one.reason for one in answers)


def _held_back(host: Host, shaper: Shaper, aims: Sequence[Aim], status: Status) -> Finding:
    return trouble(
        ID,
        status,
        shaper.device,
        f"this host's own traffic shaping {shaper.does} on {shaper.device}: {shaper.text}",
        cause=SLOW,
        remedy=remedy(
            host,
            "Take the shaping away, here and in what sets it (wondershaper, tcconfig, a test of a slow network, a script), or "
            "give it a wider limit.",
            ("tc", "qdisc", "del", "dev", shaper.device, *shaper.place),
            look=(("tc", "-s", "qdisc", "show"), ("tc", "-s", "class", "show", "dev", shaper.device)),
        ),
        evidence={**_own(aims), "shapes": True},
    )


CHECKS: tuple[Check, ...] = (own_link,)
