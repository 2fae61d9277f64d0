"""Whom to ask when endpoints are blocked: by what blocks them (firewall, private network, a device that answers itself)."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.diagnosis.evidence import Seen, is_page, issuer
from anywhere.diagnosis.requests import ask_to_allow
from anywhere.diagnosis.subjects import addresses, details, first_host, names
from anywhere.evidence import Other
from anywhere.model import Finding, Remedy


def are_internal(findings: Sequence[Finding]) -> bool:
    """Whether all failed addresses are private ones."""
    return all(Seen(finding).is_internal for finding in findings)


def to_let_out(findings: Sequence[Finding], *, everything: bool = False) -> Remedy:
    """The fix and the request to the team that can act. `everything` is whether no endpoint is reachable: then the site may
    require a proxy."""
    if are_internal(findings):
        return _private(findings)
    if all(map(is_page, findings)):
        return _answered(findings)
    if everything and (other := other_proxy(findings)):
        return _as_others(findings, other)
    return Remedy(
        "Allow TCP 443 from this host to these names in the firewall. If the site has a proxy, set it instead: "
        "`sudo anywhere proxy apply --url http://PROXY:PORT`.",
        ask=ask_to_allow(findings),
        look=(curl(findings),),
    )


def other_proxy(findings: Sequence[Finding]) -> Other | None:
    """The proxy that other programs of this host have, where all these endpoints are without one."""
    found = [Seen(finding).other_proxy for finding in findings]
    return found[0] if found and all(found) else None


def _as_others(findings: Sequence[Finding], other: Other) -> Remedy:
    own = ("--credentials-file", "-") if other["has_user"] else ()
    asks = ", which reads one line user:password from standard input" if own else ""
    return Remedy(
        f"{other['place']} gives other programs of this host the proxy {other['url']}, which docker and the agents do not "
        f"read. If it is the site's way out, the command sets it for them{asks}; for what this shell starts, `export "
        f"HTTPS_PROXY={other['url']}`. Otherwise allow TCP 443 from this host to these names in the firewall.",
        set_proxy(other["url"], *own, "--restart"),
        ask=ask_to_allow(findings),
        look=(curl(findings, "-x", other["url"]),),
    )


def _private(findings: Sequence[Finding]) -> Remedy:
    """Neither an internet firewall nor a proxy is the way to a private address.

    Source: Amazon ECS interface VPC endpoints (developer guide, vpc-endpoints.html), "Considerations": the endpoint's
    security group has to allow port 443.
    """
    where = addresses(findings)
    return Remedy(
        f"These names resolve to addresses of a private network ({where}), as PrivateLink endpoints have them. Restore the "
        "route to that network (VPN, Direct Connect), and allow TCP 443 from this host in the security group of the VPC "
        "endpoints and in the firewalls between. If there is no such network, have the names resolve to AWS's public "
        "addresses (DNS filter, tunnel client, private zone).",
        ask=f"Ask the network team whether the VPN or Direct Connect carries TCP 443 from this host to {where}, and the cloud "
        "team to allow this host in the security group of the VPC endpoints.",
        look=(curl(findings),),
    )


def _answered(findings: Sequence[Finding]) -> Remedy:
    """TCP connects already: the device that answers has to forward the requests."""
    said = "; ".join(details(findings)[:1])
    shown = next((name for finding in findings if (name := issuer(finding))), "")
    by = f" (its certificate is issued by {shown})" if shown else ""
    return Remedy(
        f"A device on the path{by} answers these requests itself{f': {said}' if said else ''}. TCP 443 is open: exempt these "
        "names in that device (web filter, inspecting gateway, load balancer).",
        ask=f"Ask the team that runs the web filter or gateway to pass requests to {names(findings)} on to AWS.",
        look=(curl(findings),),
    )


def curl(findings: Sequence[Finding], *more: str) -> tuple[str, ...]:
    """The curl command that shows the fault."""
    return ("curl", "-sv", "--max-time", "5", *more, "-o", "/dev/null", f"https://{first_host(findings) or 'HOST'}/")
