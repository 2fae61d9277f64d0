"""Which link's nameserver systemd-resolved asks for a name."""

from __future__ import annotations

import pytest

from anywhere.facts.network.resolved_links import DNS, DOMAIN, links, route_of
from tests.support.fakehost import FakeHost

SERVERS = "Global:\nLink 2 (eth0): 10.0.0.2\nLink 3 (docker0):\nLink 5 (tun0): 10.8.0.1 fd00::1\n"
NAME = "ssm.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("domains", "link", "domain"),
    [
        ("Link 2 (eth0): dc1.example.com\nLink 5 (tun0): ~.\n", "tun0", "~."),
        ("Link 2 (eth0): amazonaws.com\nLink 5 (tun0): ~.\n", "eth0", "amazonaws.com"),
        (
            "Link 2 (eth0): ~amazonaws.com\nLink 5 (tun0): ~us-east-1.amazonaws.com ~corp\n",
            "tun0",
            "~us-east-1.amazonaws.com",
        ),
        ("Link 2 (eth0): ~zonaws.com\nLink 5 (tun0): ~corp.example.com\n", "", ""),
        ("Failed to connect to bus\n", "", ""),
    ],
    ids=["all to the VPN", "the longer domain", "the longest", "none", "no answer"],
)
def test_the_longest_domain_decides(domains: str, link: str, domain: str) -> None:
    found = links(FakeHost(commands={DNS: SERVERS, DOMAIN: domains}))
    assert [one.name for one in found] == ["eth0", "tun0"]
    route = route_of(found, NAME)
    assert (route.link.name, route.domain) == (link, domain) if route else not link


def test_without_resolvectl_no_link_is_blamed() -> None:
    assert links(FakeHost()) == ()
