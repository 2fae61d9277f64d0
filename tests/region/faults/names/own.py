"""Resolvers on the host itself: off and still named, strict, routing or hiding what whom they ask knows."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import PORTAL, change_all
from tests.region.host import Daemon, Unit
from tests.region.world import NameServer, World

AWS = ["*.amazonaws.com", "*.api.aws", "*.ecr.aws"]
STUB, HIDING = "127.0.0.53", "10.47.2.54"


def resolved(world: World, settings: str, *, runs: bool = True, **stub: list[str]) -> None:
    """systemd-resolved with these settings; `stub` changes what its stub answers."""
    upstream = "".join(f"nameserver {one.address}\n" for one in world.nameservers)
    world.host.resolv_conf = ""
    world.host.files |= {
        "/run/systemd/resolve/resolv.conf": upstream,
        "/run/systemd/resolve/stub-resolv.conf": f"nameserver {STUB}\noptions edns0 trust-ad\n",
        "/etc/systemd/resolved.conf": settings,
    }
    world.host.links["/etc/resolv.conf"] = "../run/systemd/resolve/stub-resolv.conf"
    program = "/lib/systemd/systemd-resolved"
    world.host.units["systemd-resolved.service"] = Unit(f"[Service]\nExecStart={program}\n", active=runs, main=program)
    if runs:
        world.host.daemons.append(Daemon(program))
        world.nameservers.append(NameServer(STUB, where="host", **stub))


def local(world: World, path: str, text: str, **answers: list[str]) -> None:
    """A forwarder on 127.0.0.1 with this settings file."""
    upstream = world.nameservers[0].address
    world.host.resolv_conf = "nameserver 127.0.0.1\n"
    world.host.files[path] = text.replace("UPSTREAM", upstream)
    world.host.files["/etc/docker/daemon.json"] = f'{{"dns": ["{upstream}"]}}\n'
    world.nameservers.append(NameServer("127.0.0.1", where="host", **answers))


DNSMASQ, UNBOUND = "/etc/dnsmasq.conf", "/etc/unbound/unbound.conf"


@fault("stub-off", "systemd-resolved's stub is switched off, and resolv.conf names it", "dns.nameserver-down")
def stub_off(world: World) -> None:
    resolved(world, "[Resolve]\nDNSStubListener=no\n")
    world.nameservers.pop()


@fault("resolved-stopped", "resolv.conf names the stub of systemd-resolved, which does not run", "dns.nameserver-down")
def resolved_stopped(world: World) -> None:
    resolved(world, "[Resolve]\n", runs=False)


def followed(world: World) -> None:
    """The site's own nameserver is the second one of resolv.conf."""
    world.host.resolv_conf += f"nameserver {world.nameservers[0].address}\n"


@fault("own-resolver-off-one-well", "the forwarder on this host does not run, and the next nameserver answers",
       "dns.nameserver-degraded")  # fmt: skip
def own_resolver_off_one_well(world: World) -> None:
    local(world, UNBOUND, 'server:\n  interface: 127.0.0.1\nforward-zone:\n  name: "."\n  forward-addr: UPSTREAM\n')
    world.nameservers.pop()
    followed(world)


@fault("own-resolver-fails-one-well", "the forwarder on this host fails for AWS's names, and the next nameserver answers",
       "dns.nameserver-degraded")  # fmt: skip
def own_resolver_fails_one_well(world: World) -> None:
    local(world, DNSMASQ, "server=UPSTREAM\ndnssec\n", failing=["*"])
    followed(world)


@fault("own-resolver-off-one-hides", "the forwarder on this host does not run, and the next nameserver hides AWS's names",
       "dns.nameserver-down")  # fmt: skip
def own_resolver_off_one_hides(world: World) -> None:
    own_resolver_off_one_well(world)
    world.host.resolv_conf = f"nameserver 127.0.0.1\nnameserver {HIDING}\n"
    world.nameservers.append(NameServer(HIDING, hidden=AWS))


@fault("dnssec-insisted", "systemd-resolved insists on DNSSEC, which the site does not hand on", "dns.server-failing")
def dnssec_insisted(world: World) -> None:
    resolved(world, "[Resolve]\n#DNSSEC=no\nDNSSEC=true\n", failing=AWS)


@fault("dns-over-tls-insisted", "systemd-resolved insists on TLS to the site's nameserver", "dns.server-failing")
def dot_insisted(world: World) -> None:
    resolved(world, "[Resolve]\nDNSOverTLS=yes\n", failing=["*"])


@fault("link-takes-domain", "systemd-resolved sends AWS's names to the nameserver of a VPN's link", "dns.names-hidden")
def link_takes_domain(world: World) -> None:
    resolved(world, "[Resolve]\nDomains=~amazonaws.com ~api.aws\n", hidden=AWS)


def with_links(world: World, domains: str, **stub: list[str]) -> None:
    """A VPN's link beside the uplink, each with a nameserver of its own; `domains` are routed to the VPN."""
    resolved(world, "[Resolve]\n", **stub)
    uplink = world.nameservers[0].address
    world.host.files["/run/systemd/resolve/resolv.conf"] = f"nameserver 10.8.0.1\nnameserver {uplink}\n"
    world.host.programs["/usr/bin/resolvectl"] = (
        "#!/bin/sh\necho Global:\ncase $1 in\n"
        f"dns) echo 'Link 2 (eth0): {uplink}'; echo 'Link 5 (tun0): 10.8.0.1';;\n"
        f"domain) echo 'Link 2 (eth0): dc1.example.com'; echo 'Link 5 (tun0): {domains}';;\nesac\n"
    )


@fault("link-takes-all", "a VPN's link takes every name, and its nameserver knows none of AWS's", "dns.names-hidden")
def link_takes_all(world: World) -> None:
    with_links(world, "~.", hidden=AWS)


@fault("link-server-gone", "a VPN's link takes AWS's names, and its nameserver is gone", "dns.server-failing")
def link_server_gone(world: World) -> None:
    with_links(world, "corp.example.com ~amazonaws.com ~api.aws", failing=AWS)


@variation("links-split", "a VPN's link has a nameserver of its own for the company's names alone")
def links_split(world: World) -> None:
    with_links(world, "~corp.example.com ~10.in-addr.arpa")


@fault("dnsmasq-rebind", "dnsmasq drops the private answers of PrivateLink", "dns.names-hidden")
def dnsmasq_rebind(world: World) -> None:
    change_all(world, private=["*"])
    local(world, DNSMASQ, "# site\nno-resolv\nserver=UPSTREAM\nstop-dns-rebind\n", empty=AWS)


@fault("dnsmasq-elsewhere", "dnsmasq sends AWS's names to a nameserver that fails", "dns.server-failing")
def dnsmasq_elsewhere(world: World) -> None:
    local(world, DNSMASQ, "no-resolv\nserver=UPSTREAM\nserver=/amazonaws.com/10.9.9.9\n", failing=AWS)


@fault("dnsmasq-local-zone", "dnsmasq takes AWS's domain for its own", "dns.names-hidden")
def dnsmasq_local(world: World) -> None:
    local(world, "/etc/dnsmasq.d/site.conf", "local=/amazonaws.com/\n", hidden=AWS)
    world.host.files[DNSMASQ] = f"conf-dir=/etc/dnsmasq.d\nno-resolv\nserver={world.nameservers[0].address}#53\n"


@fault("unbound-private-address", "unbound drops the private answers of PrivateLink", "dns.names-hidden")
def unbound_private(world: World) -> None:
    change_all(world, private=["*"])
    text = 'server:\n  private-address: 10.0.0.0/8\nforward-zone:\n  name: "."\n  forward-addr: UPSTREAM\n'
    local(world, UNBOUND, text, empty=AWS)


@fault("unbound-validates", "unbound insists on signatures that its forwarder strips", "dns.server-failing")
def unbound_validates(world: World) -> None:
    text = 'server:\n  module-config: "validator iterator"\nforward-zone:\n  name: "."\n  forward-addr: UPSTREAM@53\n'
    local(world, UNBOUND, text, failing=AWS)


@fault("search-list-first", "ndots puts the search domain first, where a wildcard answers", "dns.answers-forged")
def search_list_first(world: World) -> None:
    change_all(world, forged={f"*.{world.host.search}": [world.service(PORTAL)]})
    servers = "".join(f"nameserver {one.address}\n" for one in world.nameservers)
    world.host.resolv_conf = f"search {world.host.search}\noptions ndots:15\n{servers}"


@variation("dnsmasq-well", "dnsmasq forwards, with rebinding protection that public answers pass")
def dnsmasq_well(world: World) -> None:
    local(world, DNSMASQ, "no-resolv\nserver=UPSTREAM\nstop-dns-rebind\nserver=/dc1.example.com/10.9.9.9\n")


@variation("unbound-well", "unbound validates and forwards")
def unbound_well(world: World) -> None:
    text = 'server:\n  module-config: "validator iterator"\nforward-zone:\n  name: "."\n  forward-addr: UPSTREAM\n'
    local(world, UNBOUND, text)


@variation("resolved-strict-and-well", "systemd-resolved insists on DNSSEC, and the site hands signatures on")
def resolved_strict(world: World) -> None:
    resolved(world, "[Resolve]\nDNSSEC=yes\nDomains=~dc1.example.com\n")


@variation("ndots-without-wildcard", "ndots puts the search domain first, which knows nothing")
def ndots_without_wildcard(world: World) -> None:
    servers = "".join(f"nameserver {one.address}\n" for one in world.nameservers)
    world.host.resolv_conf = f"search {world.host.search}\noptions ndots:5\n{servers}"
