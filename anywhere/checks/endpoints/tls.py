"""Who answers TLS: the CA store of the host, and devices that inspect what passes."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.catalogue.issuers import product
from anywhere.catalogue.suffixes import AWS_SUFFIXES
from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.remedies import build_store
from anywhere.checks.endpoints.visit import is_expired, opened_for, surveys
from anywhere.evidence import Look
from anywhere.facts.network.visit import Visit, is_foreign
from anywhere.facts.system.castore import ca_store
from anywhere.hosts.base import Host, Probe
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings


@check("endpoints.trust-store")
def trust_store(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = trust_store.id
    store = ca_store(host)
    if store.certificates is None:
        yield unknown(id, "CA store", "the certificates could not be counted")
        return
    if store.certificates:
        yield passed(id, store.bundle or "/etc/ssl/certs", f"holds {store.certificates} certificates")
        return
    summary = "no CA store where the agents look (/etc/ssl/certs, /etc/pki/tls/certs, ...)"
    yield trouble(id, Status.FAIL, "CA store", summary, cause="tls.trust-store-missing", remedy=build_store(host))


@check("endpoints.interception")
def interception(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = interception.id
    for seen in surveys(host, settings):
        opened = [visit for visit in seen.visits if _opened(visit)]
        whole = [visit for visit in seen.visits if visit.ok]
        by_issuer: dict[str, list[Visit]] = {}
        for visit in opened:
            by_issuer.setdefault(_issuer(visit), []).append(visit)
        for issuer, visits in by_issuer.items():
            yield _inspected(issuer, visits, settings, seen.region)
        if not whole and not opened:
            yield skipped(id, seen.region, "no endpoint answers", because="endpoints.reach")
        elif not opened:
            yield passed(id, seen.region, "every certificate comes from a CA that AWS uses")


def _opened(visit: Visit) -> bool:
    probe = _trusted(visit)
    aws = visit.endpoint.host.endswith(AWS_SUFFIXES)
    return aws and probe is not None and is_foreign(probe) and not opened_for(visit)


def _trusted(visit: Visit) -> Probe | None:
    """What the host trusts of an endpoint; where only this host's own clock speaks against its certificate, that too."""
    if visit.ok:
        return visit.best
    look = visit.look(Look.ANY_DATE)
    return look if look is not None and look.ok and not is_expired(look) else None


def _issuer(visit: Visit) -> str:
    probe = _trusted(visit)
    tls = probe.tls if probe else None
    return (tls.issuer or tls.issuer_organization) if tls else ""


def _inspected(issuer: str, visits: list[Visit], settings: Settings, region: str) -> Finding:
    id = interception.id
    tls = next(probe.tls for probe in map(_trusted, visits) if probe and probe.tls)
    evidence = {
        "issuer": issuer,
        "organization": tls.issuer_organization,
        "endpoints": [v.endpoint.host for v in visits],
    }
    known = product(f"{issuer} {tls.issuer_organization}", {"chain": list(tls.chain)})
    what = "1 endpoint" if len(visits) == 1 else f"{len(visits)} endpoints"
    summary = f"TLS to {what} is intercepted by {issuer}, a CA that this host trusts" + (f" ({known})" if known else "")
    words = (issuer.lower(), tls.issuer_organization.lower(), *(part.lower() for part in tls.chain))
    if any(name.lower() in word for name in settings.accepted_issuers for word in words if name):
        return passed(id, issuer, f"{summary}: accepted (--accept-issuer)", **evidence, accepted=True)
    remedy = Remedy(
        "Exempt the agents' names from TLS inspection, which cuts their long-lived channels. If inspection is intended, accept "
        "the CA by its name.",
        (("anywhere", "check", "--region", region, "--accept-issuer", issuer),),
        ask="Ask the proxy or firewall team to exempt the agents' names from TLS inspection.",
    )
    return trouble(id, Status.WARN, issuer, summary, cause="tls.intercepted-trusted", remedy=remedy, evidence=evidence)
