"""The nameservers that systemd-resolved has for each link, and the domains that it routes there.

Asked of resolvectl, and only where its stub fails for a name. Sources: systemd-resolved.service(8), "Protocols and Routing";
resolvectl(1).
"""

from __future__ import annotations

import re

from anywhere.errors import NotRecorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

DNS, DOMAIN = ("resolvectl", "dns"), ("resolvectl", "domain")
_LINK = re.compile(r"^Link \d+ \((?P<name>\S+)\):(?P<rest>.*)$")


@frozen
class Link:
    """A link with nameservers of its own. `domains` are as resolvectl shows them: `~name` routes and does not complete."""

    name: str
    servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


@frozen
class Route:
    """The link that a name is sent to, and the domain that decides so."""

    link: Link
    domain: str


def links(host: Host) -> tuple[Link, ...]:
    """The links that have nameservers; empty where resolvectl is not there or not allowed."""
    try:
        servers, domains = (_rows(host.run(argv, timeout=3).stdout) for argv in (DNS, DOMAIN))
    except NotRecorded:
        return ()
    return tuple(Link(name, words, domains.get(name, ())) for name, words in servers.items() if words)


def _rows(text: str) -> dict[str, tuple[str, ...]]:
    """
    ```
    Global:
    Link 2 (eth0): 10.0.0.2
    Link 5 (tun0): 10.8.0.1 10.8.0.2
    ```
    """
    found = (_LINK.match(line) for line in text.splitlines())
    return {match["name"]: tuple(match["rest"].split()) for match in found if match}


def route_of(found: tuple[Link, ...], name: str) -> Route | None:
    """The link whose domain fits a name best, as systemd-resolved chooses; None where no domain does."""
    fitting = [Route(link, domain) for link in found for domain in link.domains if _fits(domain, name)]
    return max(fitting, key=lambda route: len(route.domain.strip("~.")), default=None)


def _fits(domain: str, name: str) -> bool:
    plain = domain.removeprefix("~").strip(".").lower()
    return plain == "" or name.lower() == plain or name.lower().endswith(f".{plain}")
