"""How rules read the evidence of findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from anywhere.diagnosis.engine import Case, Claim
from anywhere.evidence import (
    Address,
    Agreement,
    Bare,
    Forgery,
    HostFirewall,
    Look,
    Nameserver,
    Other,
    Overlap,
    Own,
    PrivateAnswers,
    Proxies,
    Reach,
    Tls,
    Way,
)
from anywhere.model import Finding, Reason, Stage, Status

REACH, WEBSOCKET, NAMESERVERS = "endpoints.reach", "endpoints.websocket", "network.nameservers"
CONNECT_REASONS = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE)
CUT_REASONS = (Reason.TLS_RESET, Reason.HTTP_ERROR, Reason.CAPTIVE_PORTAL)  # connected, then ended or answered


class Seen:
    """The evidence of a finding about an endpoint. A missing key reads as empty. Rules never read a key themselves."""

    def __init__(self, finding: Finding) -> None:
        self._of = cast(Reach, finding.evidence)

    @property
    def component(self) -> str:
        """The component that connects."""
        return self._of.get("component") or ""

    @property
    def service(self) -> str:
        """The name of the service in the catalogue."""
        return self._of.get("service") or ""

    @property
    def is_own(self) -> bool:
        """Whether the endpoint belongs to the site, not to AWS."""
        return self.service == "own"

    @property
    def proxy(self) -> str:
        """The URL of the proxy in use; empty for a direct connection."""
        return self._of.get("proxy") or ""

    @property
    def library_refuses(self) -> str:
        """Why the agents' WebSocket library cannot use the proxy; empty where it can."""
        return self._of.get("library_refuses") or ""

    @property
    def without_edns(self) -> bool:
        """Whether the name resolves only for programs that query without EDNS."""
        return self._of.get("without_edns") or False

    @property
    def proxy_unresolved(self) -> str:
        """Why the name of the proxy does not resolve; empty where it does."""
        return self._of.get("proxy_unresolved") or ""

    @property
    def excluded(self) -> bool:
        """Whether NO_PROXY excludes the endpoint from the proxy that is set."""
        return self._of.get("excluded") or False

    @property
    def shard(self) -> int:
        """The number N of `ecs-a-N` or `ecs-t-N`; 0 for other hosts."""
        return self._of.get("shard") or 0

    @property
    def shards(self) -> bool:
        """Whether the finding is about all hosts of a pattern such as `ecs-a-*`."""
        return self._of.get("shards") or False

    @property
    def addresses(self) -> list[Address]:
        """The result of each address."""
        return self._of.get("addresses") or []

    @property
    def failed(self) -> list[str]:
        """The addresses that could not be used."""
        return [entry.get("address", "") for entry in self.addresses if entry.get("reason")]

    @property
    def resolved(self) -> list[str]:
        """The addresses of the name."""
        return self._of.get("resolved") or []

    @property
    def is_internal(self) -> bool:
        """Whether all addresses that failed are private ones, which the internet does not route."""
        failed = [entry for entry in self.addresses if entry.get("reason")]
        return bool(failed) and all(entry.get("internal") for entry in failed)

    @property
    def other_proxy(self) -> Other | None:
        """The proxy that other programs of this host use, where this component has none."""
        return self._of.get("other_proxy")

    @property
    def known_to(self) -> list[str]:
        """The nameservers that resolve a name which this host itself does not."""
        return self._of.get("known_to") or []

    @property
    def truncated(self) -> bool:
        """Whether a nameserver truncated its answer."""
        return self._of.get("truncated") or False

    @property
    def tls(self) -> Tls:
        """The certificate that was presented."""
        empty: Tls = {}
        return self._of.get("tls") or empty

    @property
    def chain(self) -> list[str]:
        """The names of the certificates that were presented."""
        return self.tls.get("chain") or []

    @property
    def http_status(self) -> int:
        """The HTTP status; 0 without a response."""
        http = self._of.get("http")
        return http.get("status", 0) if http else 0

    @property
    def really_expired(self) -> bool:
        """Whether the certificate is outside its dates by the server's clock too."""
        return self._of.get("really_expired") or False

    @property
    def own_store(self) -> bool:
        """Whether the host trusts the chain and the component's own store does not."""
        return self._of.get("own_store") or False

    @property
    def by_chance(self) -> bool:
        """Whether lost packets explain the failure."""
        return self._of.get("by_chance") or False

    @property
    def partial(self) -> bool:
        """Whether other addresses of the same name work."""
        return self._of.get("partial") or False


def without_edns(finding: Finding) -> bool:
    """Whether a nameserver answers only queries without EDNS."""
    return cast(Nameserver, finding.evidence).get("without_edns") or False


def half(finding: Finding) -> bool:
    """Whether a nameserver fails only for one kind of query (A, AAAA, EDNS)."""
    return cast(Nameserver, finding.evidence).get("half") or False


def patience(finding: Finding) -> int:
    """The total seconds of a query where the options of resolv.conf shorten them, else 0."""
    return cast(Nameserver, finding.evidence).get("patience") or 0


def made_up(finding: Finding) -> set[str]:
    """The addresses that names resolve to which do not exist."""
    return set(cast(Forgery, finding.evidence).get("addresses") or ())


def disputed(findings: Iterable[Finding]) -> list[str]:
    """The names that nameservers disagree about."""
    return [name for f in findings for name in cast(Agreement, f.evidence).get("names") or ()]


def taken_by(finding: Finding) -> str:
    """The component that does not connect in the declared way."""
    return cast(Way, finding.evidence).get("component", "")


def declared(finding: Finding) -> str:
    """The kind of address that the name should have; empty where a proxy setting has to change instead."""
    way = cast(Way, finding.evidence)
    return "" if way.get("proxy") else way.get("expected", "")


def answered_by(findings: Iterable[Finding]) -> list[str]:
    """The nameservers or files that gave the unexpected addresses."""
    return list(dict.fromkeys(one for f in findings for one in cast(Way, f.evidence).get("answered_by", [])))


def private_names(findings: Iterable[Finding]) -> list[str]:
    """The names with private addresses that are sent through a proxy, from `network.private-answers`."""
    found = [name for f in findings for name in cast(PrivateAnswers, f.evidence).get("through_proxy") or ()]
    return list(dict.fromkeys(found))


def public_names(findings: Iterable[Finding]) -> list[str]:
    """The core names with public addresses, where others have private ones."""
    return [name for f in findings for name in cast(PrivateAnswers, f.evidence).get("public") or ()]


def covers(finding: Finding) -> dict[str, str]:
    """The addresses that a docker network covers, and what this host needs each for."""
    return dict(cast(Overlap, finding.evidence).get("covers") or {})


def stopped_here(finding: Finding) -> list[str]:
    """The addresses whose packets the host's own packet filter stops."""
    return list(cast(HostFirewall, finding.evidence).get("stopped") or ())


def rule_of(finding: Finding) -> str:
    """The packet filter rule that a finding is about; empty for other findings."""
    return str(finding.evidence.get("rule") or "")


def explained_here(finding: Finding) -> tuple[list[str], list[str]]:
    """The addresses and names that fail because of the host's own routes, resolver or ports."""
    own = cast(Own, finding.evidence)
    return list(own.get("explains") or ()), list(own.get("names") or ())


def shapes(finding: Finding) -> bool:
    """Whether this host's own traffic shaping is what holds packets back or loses them."""
    return bool(cast(Own, finding.evidence).get("shapes"))


LATE_OR_LOST = (
    Reason.TIMEOUT,
    Reason.NAMESERVER_TIMEOUT,
    Reason.SERVER_FAILURE,
    Reason.PROXY_UNREACHABLE,
    Reason.TLS_TIMEOUT,
    Reason.TLS_RESET,
    Reason.HTTP_TIMEOUT,
)


def is_late(finding: Finding) -> bool:
    """Whether packets that are held back, lost or damaged on the way can be what a finding tells of."""
    return finding.reason in LATE_OR_LOST


def dead_proxies(finding: Finding) -> list[str]:
    """The proxies that do not work while another component's does."""
    return list(cast(Proxies, finding.evidence).get("dead") or ())


def reached(case: Case, *stages: Stage) -> Iterator[tuple[int, Finding]]:
    """The unexplained endpoint findings that stopped at one of these stages."""
    return ((i, f) for i, f in case.trouble(REACH) if f.stage in stages)


def stopped_at(stage: Stage, *reasons: Reason) -> Claim:
    """Claims the endpoint findings that stopped at this stage for one of these reasons."""
    return lambda case: (i for i, f in reached(case, stage) if f.reason in reasons)


def direct(case: Case) -> list[Finding]:
    """The findings about AWS endpoints that are reached without a proxy, errors left out."""
    return [f for f in _of_aws(case) if not Seen(f).proxy]


def proxied(case: Case) -> list[Finding]:
    """The findings about AWS endpoints that are reached through a proxy, errors left out."""
    return [f for f in _of_aws(case) if Seen(f).proxy]


def _of_aws(case: Case) -> list[Finding]:
    """The site's own servers are left out: they prove nothing about the path to AWS."""
    return [f for f in case.of(REACH) if f.status is not Status.ERROR and not Seen(f).is_own]


def look(finding: Finding, name: Look) -> str:
    """The result of a second look; empty where it was not taken."""
    looks = cast(Reach, finding.evidence).get("second_look")
    return looks.get(name, "") if looks else ""


def answers(outcome: str) -> bool:
    """Whether a second look got any answer."""
    return outcome.startswith(("passes", "answers"))


def is_page(finding: Finding) -> bool:
    """Whether a device on the path answered the request itself: a web page, a redirect, its own error."""
    answered = bool(Seen(finding).http_status)
    return finding.reason is Reason.CAPTIVE_PORTAL or (finding.reason is Reason.HTTP_ERROR and answered)


def issuer(finding: Finding) -> str:
    """The organization that issued the presented certificate."""
    tls = Seen(finding).tls
    return tls.get("issuer_organization") or tls.get("issuer") or ""


def quoted_line(finding: Finding) -> str:
    """The line of the agent's log that the finding quotes."""
    return str(finding.evidence.get("line") or "")


def blames_the_way(finding: Finding) -> bool:
    """Whether the agent's log line blames the network path to AWS."""
    return finding.evidence.get("network") is True


def is_expired(finding: Finding) -> bool:
    """Whether the credentials on this host have expired."""
    return bool(finding.evidence.get("expired"))


def proxy_of_whom(finding: Finding) -> str:
    """The component whose proxy another lacks; `installer` is the shell."""
    return cast(Bare, finding.evidence).get("model") or ""


def lacks_limits(finding: Finding) -> bool:
    """Whether the agent runs without task limits because control groups are missing, not because of docker's version."""
    return finding.evidence.get("symptom") == "task-limits" and "ocker version" not in str(
        finding.evidence.get("line", "")
    )
