"""What a visit to an endpoint shows: how far the component came, why it failed, and the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from anywhere.errors import ParseError
from anywhere.evidence import Address, Look, Reach, Tls
from anywhere.facts.network.go_names import WITHOUT_EDNS, WITHOUT_TCP
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.routes import Route, is_bogus, is_internal, is_ipv6, route_to
from anywhere.facts.network.survey import Survey, survey
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Answer, Host, Probe, ProbeSpec
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.hosts.probe.reasons import bare_user, channel_refuses
from anywhere.model import Reason, Stage
from anywhere.redact import redact_proxy
from anywhere.settings import Settings

WORDS = {
    Reason.NO_NAMESERVER: "no nameserver is named",
    Reason.NAMESERVER_TIMEOUT: "no nameserver answers",
    Reason.SERVER_FAILURE: "the nameserver fails",
    Reason.NAME_UNKNOWN: "the name is unknown",
    Reason.BOGUS_ANSWER: "the name has an address that cannot be AWS's",
    Reason.TIMEOUT: "connection timed out",
    Reason.REFUSED: "connection refused",
    Reason.UNREACHABLE: "no route to host",
    Reason.NOT_PERMITTED: "this vantage point may not connect",
    Reason.PROXY_UNREACHABLE: "the proxy is not reached",
    Reason.PROXY_AUTH_REQUIRED: "the proxy asks for a user and password",
    Reason.PROXY_DENIED: "the proxy denies it",
    Reason.PROXY_ERROR: "the proxy does not open it",
    Reason.NOT_TLS: "what answers does not speak TLS",
    Reason.TLS_TIMEOUT: "TCP connects, the TLS handshake gets no answer",
    Reason.TLS_RESET: "the TLS handshake is cut off",
    Reason.TLS_VERSION: "no common TLS version or cipher suite",
    Reason.CERT_UNTRUSTED: "the certificate is not trusted",
    Reason.CERT_NAME: "the certificate is for another name",
    Reason.CERT_EXPIRED: "the certificate has expired",
    Reason.CERT_NOT_YET_VALID: "the certificate is not valid yet",
    Reason.HTTP_TIMEOUT: "TLS handshake succeeded, no HTTP response",
    Reason.HTTP_ERROR: "the request fails",
    Reason.UPGRADE_REFUSED: "the WebSocket upgrade is refused",
    Reason.CAPTIVE_PORTAL: "a web page answers in the place of AWS",
}


def beyond(words: str, detail: str) -> str:
    """The part of a detail that adds to the words of its reason; empty where it only repeats them."""
    more = detail.removeprefix("timed out: ")
    return more if set(_WORD.findall(more.lower())) - set(_WORD.findall(words.lower())) else ""


_WORD = re.compile(r"\w+")
LATE = "not checked: time budget used up (raise --budget)"


def surveys(host: Host, settings: Settings) -> Iterator[Survey]:
    """One survey a region."""
    return (survey(host, settings, region) for region in settings.regions)


def unreal(seen: Survey) -> set[str]:
    """The addresses that a name which does not exist resolves to: forged by a nameserver, or from a wildcard of a search
    domain, which an unknown shard gets too when the denying nameserver answers late."""
    answers = (*seen.random.servers, seen.random.system) if seen.random else ()
    return {address for answer in answers for address in answer.addresses}


def exists(visit: Visit, siblings: Iterable[Visit], invented: set[str]) -> bool:
    """Whether a guessed shard exists: its name resolves, or the proxy connected to it or refused it by policy."""
    if visit.ok:
        return True  # however the name was resolved, the server has its certificate
    if not visit.proxy:
        assert visit.lookup is not None
        if invented and set(visit.lookup.addresses) <= invented:
            return False  # one address for all names, which serves nothing
        return visit.lookup.known or _is_refused(visit.lookup.servers)
    best = visit.best
    if best is None or best.stage is not Stage.PROXY or best.reason is not Reason.PROXY_DENIED:
        return best is not None and best.stage is not Stage.PROXY
    # A refusal by name says nothing of the number: where the site's own nameserver knows any, it decides.
    if any(sibling.lookup is not None and sibling.lookup.known for sibling in siblings):
        return visit.lookup is not None and visit.lookup.known
    return True


def _is_refused(answers: Iterable[Answer]) -> bool:
    """Whether a nameserver answers REFUSED, and no other denies the name."""
    answered = [answer for answer in answers if answer.reason]
    unknown = any(answer.reason is Reason.NAME_UNKNOWN for answer in answered)
    return not unknown and any("REFUSED" in answer.detail for answer in answered)


def is_late(visit: Visit) -> bool:
    """Whether the time was used up before this endpoint could be resolved or probed: nothing is known about it."""
    if visit.ok:
        return False
    if visit.probes:
        return all(probe.late for probe in visit.probes)
    lookup = visit.proxy_lookup if visit.proxy else visit.lookup
    return lookup is not None and lookup.late


# Shares of packets lost: from SOME on a stall may be chance, from MUCH on the path itself is slow.
SOME, MUCH = 0.12, 0.245


def is_lossy(seen: Survey, share: float = SOME) -> bool:
    """Whether so many packets are lost that a timeout proves nothing."""
    return seen.loss >= share


def opened_for(visit: Visit) -> bool:
    """Whether TLS is intercepted by a CA that the host trusts and this component's own store does not."""
    look = visit.look(Look.COMPONENT_TRUST)
    return look is not None and not look.ok


def depends_on_build(visit: Visit) -> str:
    """What some builds of the agents accept here and others refuse; empty where all behave the same."""
    older = visit.look(Look.OLDER_GO)
    if not visit.ok and older is not None and older.ok:
        return "only RSA key exchange is offered, which builds with Go's defaults from 1.22 on no longer do"
    best = visit.best
    if visit.ok and best is not None and best.differs:
        return f"the certificate has a {best.differs[0]}, which builds with Go's defaults from 1.23 on refuse"
    return ""


def where(visit: Visit) -> tuple[Stage, Reason, str]:
    """How far the component comes, and why it fails there."""
    if not visit.probes:
        if visit.proxy:
            reason = visit.proxy_lookup.reason if visit.proxy_lookup else None
            detail = f"its name does not resolve: {reason or 'no address'}"
            return Stage.PROXY, Reason.PROXY_UNREACHABLE, detail
        assert visit.lookup is not None
        return Stage.RESOLVE, visit.lookup.reason or Reason.NAME_UNKNOWN, ""
    addresses = visit.lookup.addresses if visit.lookup and not visit.proxy else ()
    if addresses and all(map(is_bogus, addresses)):
        return Stage.RESOLVE, Reason.BOGUS_ANSWER, ", ".join(addresses)
    failed = failed_probes(visit) or [probe for probe in visit.probes if not probe.ok] or list(visit.probes)
    best = max(failed, key=lambda probe: list(Stage).index(probe.stage))
    return best.stage, best.reason or Reason.HTTP_ERROR, best.detail


def failed_probes(visit: Visit) -> list[Probe]:
    """The failures that matter: of an IP family with a success in this visit, or of any where none succeeds."""
    failed = [probe for probe in visit.probes if not probe.ok and not probe.late]
    working = {is_ipv6(probe.address) for probe in visit.probes if probe.ok}
    same = [probe for probe in failed if is_ipv6(probe.address) in working]
    return same or ([] if working else _native(failed))


def _native(failed: list[Probe]) -> list[Probe]:
    """Where no family works, failures without a route do not matter beside those with one."""
    routed = [probe for probe in failed if probe.reason is not Reason.UNREACHABLE]
    return routed or failed


def is_partial(visit: Visit) -> bool:
    """Whether some of its addresses fail that count, beside others that may work."""
    return bool(failed_probes(visit))


def through(visit: Visit) -> str:
    """The end of a sentence that names the proxy in use; empty without one."""
    return f" (through {redact_proxy(visit.proxy)})" if visit.proxy else ""


def describe(visit: Visit, table: Sequence[Route]) -> Reach:
    """The evidence of a visit: component, proxy, the result of each address, and of the second looks."""
    best = visit.best
    evidence: Reach = {
        "component": visit.vantage.component,
        "view": visit.vantage.source,
        "service": visit.endpoint.service,
        "shard": visit.endpoint.shard,
        "proxy": redact_proxy(visit.proxy),
        "excluded": visit.vantage.is_excluded(visit.endpoint.host),
        "addresses": [_address(probe, table) for probe in visit.probes],
    }
    if visit.proxy_lookup is not None and not visit.probes:
        evidence["proxy_unresolved"] = str(visit.proxy_lookup.reason or Reason.NAME_UNKNOWN)
    if visit.lookup is not None and not visit.proxy:
        evidence["resolved"] = list(visit.lookup.addresses)
        evidence["timings"] = {"resolve": (visit.lookup.own or visit.lookup.system).seconds}
        evidence["known_to"] = _known_to(visit.lookup)
        evidence["truncated"] = needs_tcp(visit.lookup)
        if visit.lookup.own is not None and visit.lookup.own.detail == WITHOUT_EDNS:
            evidence["without_edns"] = True
    if visit.private:
        evidence["private"] = list(visit.private)
    if visit.proxy and (why := library_refuses(visit)):
        evidence["library_refuses"] = why
    if best is not None and best.tls is not None:
        evidence["tls"] = _tls(best)
    if best is not None and best.http is not None:
        evidence["http"] = {"status": best.http.status, "headers": dict(best.http.headers)}
    if visit.second:
        evidence["second_look"] = {str(name): _outcome(probe) for name, probe in visit.second}
        if notes := {str(name): probe.detail for name, probe in visit.second if probe.ok and probe.detail}:
            evidence["second_look_notes"] = notes
        shown = visit.look(Look.ANY_TRUST)
        if shown is not None and shown.tls is not None:
            evidence["tls"] = _tls(shown)
            evidence["really_expired"] = is_expired(shown)
    return evidence


def needs_tcp(lookup: Lookup) -> bool:
    """Whether a nameserver truncated its answer, or none was asked over UDP."""
    unasked = lookup.own is not None and lookup.own.detail == WITHOUT_TCP
    return unasked or any(answer.truncated for answer in lookup.servers)


def library_refuses(visit: Visit) -> str:
    """Why the WebSocket library of the agents cannot use the proxy that their API calls may use; empty when it can."""
    if visit.endpoint.scheme != "wss":
        return ""
    try:
        proxy = ProxyUrl.parse(visit.proxy)
    except ParseError:
        return ""
    spec = ProbeSpec(visit.endpoint.host, scheme="wss", client=visit.endpoint.component)
    if bare_user(spec, proxy) and proxy.userinfo:
        return "the agents' WebSocket library sends no user without a password: write user:password@"
    return channel_refuses(spec, proxy)


def _known_to(lookup: Lookup) -> list[str]:
    """The nameservers that know a name which this host gets no address for."""
    if lookup.reason is not Reason.NAME_UNKNOWN:
        return []
    return [answer.source for answer in lookup.servers if answer.addresses]


def _address(probe: Probe, table: Sequence[Route]) -> Address:
    entry: Address = {"address": probe.address, "stage": str(probe.stage)}
    if probe.reason:
        entry["reason"], entry["detail"] = str(probe.reason), probe.detail
        if probe.stage is Stage.CONNECT:
            route = route_to(probe.address, table)
            entry["route"] = bool(route and not route.reject)
            entry["internal"] = is_internal(probe.address)
    entry["timings"] = {"connect": probe.connect_seconds, "tls": probe.tls_seconds, "http": probe.http_seconds}
    return entry


def _tls(probe: Probe) -> Tls:
    tls = probe.tls
    assert tls is not None
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "issuer": tls.issuer,
        "issuer_organization": tls.issuer_organization,
        "subject": tls.subject,
        "not_before": tls.not_before,
        "not_after": tls.not_after,
        "chain": list(tls.chain),
    }


def is_expired(probe: Probe) -> bool:
    """Whether the certificate is outside its dates by the far end's own clock too; False where that is not known."""
    if probe.tls is None or probe.http is None or not probe.http.date:
        return False
    return not probe.tls.not_before <= probe.http.date <= probe.tls.not_after


def _outcome(probe: Probe) -> str:
    if probe.ok:
        return "passes"
    # An alert, a name or a date complaint are answers: only silence and a reset are none.
    answered = probe.stage is Stage.HTTP or probe.reason in (
        Reason.CERT_NAME,
        Reason.CERT_EXPIRED,
        Reason.CERT_NOT_YET_VALID,
        Reason.CERT_UNTRUSTED,
        Reason.TLS_VERSION,
    )
    return f"{'answers: ' if answered else ''}{probe.stage}: {probe.reason}"
