"""The way of bridge containers beyond the filter: bridge, routes, marks, source address, answers, sizes; and what looks
like a fault there and is none."""

from __future__ import annotations

import json
from typing import Any

from tests.region.faults import fault, variation
from tests.region.host import Daemon, Unit
from tests.region.software import FILTER, NAT, SOCKET, docker_of, register, remove_rules
from tests.region.world import World

CODE = "containers.no-egress"
DAEMON_JSON = "/etc/docker/daemon.json"
MANAGEMENT = (
    "link add eth1 type veth peer name mgmt0",
    "addr add 10.99.0.5/24 dev eth1",
    "link set eth1 up",
    "link set mgmt0 up",
    "neigh add 10.99.0.1 lladdr 02:00:00:00:00:63 dev eth1",
)
MASQUERADE = next(rule for rule in NAT if "MASQUERADE" in rule)


def table(world: World, name: str) -> list[str]:
    """One table of the host's rules."""
    return world.host.iptables["iptables-nft"].setdefault(name, [])


def settings(world: World, **values: Any) -> None:
    """daemon.json."""
    world.host.files[DAEMON_JSON] = json.dumps({key.replace("_", "-"): value for key, value in values.items()}) + "\n"


def uplink(world: World, size: int) -> None:
    """The host's card and the link behind it carry no more than this, and no ICMP message says so."""
    world.host.network.append(f"link set eth0 mtu {size}")
    world.router.mtu = size
    world.router.output.append("icmp type destination-unreachable drop")


@fault("bridge-larger-than-uplink", "the uplink carries 1420 bytes, the bridge 1500", CODE)
def bridge_larger(world: World) -> None:
    register(world)
    uplink(world, 1420)


@fault("bridge-larger-proven", "the same, and a namespace on the bridge shows it", CODE, arguments=("--prove",))
def bridge_larger_proven(world: World) -> None:
    bridge_larger(world)


@fault("bridge-down", "somebody switched the bridge off", CODE)
def bridge_down(world: World) -> None:
    register(world)
    world.host.network.append("link set docker0 down")


@fault("bridge-gone", "docker runs, and somebody deleted its bridge", CODE)
def bridge_gone(world: World) -> None:
    register(world)
    world.host.network.append("link del docker0")


@fault("bridge-other-address", "a network manager gave the bridge another address than docker did", CODE)
def bridge_other_address(world: World) -> None:
    register(world)
    world.host.network += ["addr del 172.17.0.1/16 dev docker0", "addr add 172.17.0.77/16 dev docker0"]
    world.host.files["/etc/NetworkManager/NetworkManager.conf"] = "[main]\nplugins=keyfile\n"


@fault("forwarding-off-for-new-cards", "forwarding is on for all, and off for cards that came later", CODE)
def forwarding_off_for_cards(world: World) -> None:
    register(world)
    world.host.files["/etc/sysctl.d/99-cards.conf"] = "net.ipv4.conf.default.forwarding = 0\n"
    world.host.sysctls["net/ipv4/conf/default/forwarding"] = "0"


@fault("containers-rule-prohibits", "a routing rule prohibits what comes from docker's network", CODE)
def rule_prohibits(world: World) -> None:
    register(world)
    world.host.network.append("rule add from 172.16.0.0/13 prohibit")


@fault("containers-marked-away", "containers' packets are marked, and marked ones have no route", CODE)
def marked_away(world: World) -> None:
    register(world)
    table(world, "mangle").append("-A PREROUTING -i docker0 -j MARK --set-xmark 0x2a/0xffffffff")
    world.host.network += ["route add unreachable default table 142", "rule add fwmark 0x2a lookup 142"]


@fault("containers-answers-refused", "marked packets leave by another card, whose filter refuses the answers", CODE)
def answers_refused(world: World) -> None:
    register(world)
    table(world, "mangle").append("-A PREROUTING -i docker0 -j MARK --set-xmark 0x7/0xffffffff")
    world.host.sysctls["net/ipv4/conf/default/rp_filter"] = "1"
    world.host.network += [
        *MANAGEMENT,
        "route add default via 10.99.0.1 dev eth1 table 107",
        "rule add fwmark 7 lookup 107",
    ]


@fault("containers-answers-elsewhere", "a VPN's rule takes private networks, docker's among them", CODE)
def answers_elsewhere(world: World) -> None:
    register(world)
    world.host.network += [
        *MANAGEMENT,
        "route add default via 10.99.0.1 dev eth1 table 108",
        "rule add to 172.16.0.0/13 lookup 108",
    ]


@fault("snat-to-gone-address", "a rule by hand gives containers a source that this host no longer has", CODE)
def snat_gone(world: World) -> None:
    register(world)
    table(world, "nat").insert(0, f"-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j SNAT --to-source {world.lan[99]}")


@fault("masquerade-other-address", "two addresses on the uplink, and the firewall passes only the route's source", CODE)
def masquerade_other(world: World) -> None:
    register(world)
    first, second, gateway = world.lan[10], world.lan[11], world.lan[1]
    world.host.network += [
        f"addr add {second}/24 dev eth0",
        f"route replace default via {gateway} src {second}",
        f"route replace {world.services} via {gateway} src {second}",
    ]
    world.router.block(f"ip saddr {first}")


@fault("raw-drops-containers", "a rule of the raw table drops what containers ask nameservers", CODE)
def raw_drops(world: World) -> None:
    register(world)
    table(world, "raw").append("-A PREROUTING -i docker0 -p udp -m udp --dport 53 -j DROP")


@fault("untracked-legacy", "a rule of iptables-legacy takes all packets out of connection tracking", CODE)
def untracked_legacy(world: World) -> None:
    register(world)
    world.host.iptables.setdefault("iptables-legacy", {})["raw"] = ["-A PREROUTING -j NOTRACK"]


@fault("nft-forward-drops", "a table of nftables lets only ssh be forwarded", CODE)
def nft_forward(world: World) -> None:
    register(world)
    world.host.nft = (
        "table inet site { chain forward { type filter hook forward priority 10; policy drop;\n"
        "tcp dport 22 accept\nct state established accept\n}\n}\n"
    )


@fault("ingress-drops-proven", "frames are dropped on the bridge itself, which no rule table shows", CODE,
       arguments=("--prove",))  # fmt: skip
def bridge_drops(world: World) -> None:
    register(world)
    world.host.nft = (
        "table netdev site { chain in { type filter hook ingress device docker0 priority 0; policy accept;\n"
        "udp dport 53 drop\ntcp dport 443 drop\n}\n}\n"
    )


@variation("bridge-proven", "the containers' way proven from a namespace on the bridge", arguments=("--prove",))
def bridge_proven(world: World) -> None:
    register(world)


@variation("bridge-mtu-set", "the uplink carries 1420 bytes, and docker was given the same")
def bridge_mtu_set(world: World) -> None:
    register(world)
    uplink(world, 1420)
    settings(world, mtu=1420)
    networks = docker_of(world).state["/networks/bridge"]
    assert isinstance(networks, dict)
    networks["Options"]["com.docker.network.driver.mtu"] = "1420"


@variation("bridge-clamped", "the uplink carries 1420 bytes, and a rule fits the segments to it")
def bridge_clamped(world: World) -> None:
    register(world)
    uplink(world, 1420)
    table(world, "mangle").append("-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu")


@variation("bridge-larger-and-told", "the uplink carries 1420 bytes and ICMP tells: proven", arguments=("--prove",))
def bridge_larger_told(world: World) -> None:
    register(world)
    world.host.network.append("link set eth0 mtu 1420")
    world.router.mtu = 1420


@variation("own-pools", "docker has address pools of the site's own")
def own_pools(world: World) -> None:
    register(world)
    settings(world, bip="10.201.0.1/24", default_address_pools=[{"base": "10.201.0.0/16", "size": 24}])
    world.host.network += ["addr del 172.17.0.1/16 dev docker0", "addr add 10.201.0.1/24 dev docker0"]
    text = (
        json.dumps(docker_of(world).state).replace("172.17.0.0/16", "10.201.0.0/24").replace("172.17.0.1", "10.201.0.1")
    )
    docker_of(world).state = json.loads(text)
    for rules in world.host.iptables["iptables-nft"].values():
        rules[:] = [rule.replace("172.17.0.0/16", "10.201.0.0/24") for rule in rules]


@variation("rules-by-hand", "docker keeps no rules, the site's own let containers out")
def rules_by_hand(world: World) -> None:
    register(world)
    settings(world, iptables=False)
    remove_rules(world, *NAT, *FILTER)
    table(world, "nat").append(f"-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j SNAT --to-source {world.lan[10]}")
    table(world, "filter").extend((
        ":FORWARD DROP [0:0]",
        "-A FORWARD -i docker0 -o eth0 -j ACCEPT",
        "-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT",
    ))  # fmt: skip


@variation("masquerade-by-nft", "docker translates nothing, a table of nftables does")
def masquerade_by_nft(world: World) -> None:
    register(world)
    settings(world, ip_masq=False)
    remove_rules(world, MASQUERADE)
    world.host.nft = (
        "table ip site { chain post { type nat hook postrouting priority 100;\n"
        'ip saddr 172.17.0.0/16 oifname != "docker0" masquerade\n}\n}\n'
    )


@variation("two-addresses", "two addresses on the uplink, and both are let out")
def two_addresses(world: World) -> None:
    register(world)
    second, gateway = world.lan[11], world.lan[1]
    world.host.network += [f"addr add {second}/24 dev eth0", f"route replace default via {gateway} src {second}"]


@variation("two-cards", "a second card with a default route of a worse metric")
def two_cards(world: World) -> None:
    register(world)
    world.host.network += [*MANAGEMENT, "route add default via 10.99.0.1 dev eth1 metric 200"]


@variation("strict-reverse-path", "reverse path filtering is strict on every card")
def strict_reverse_path(world: World) -> None:
    register(world)
    world.host.sysctls |= {"net/ipv4/conf/all/rp_filter": "1", "net/ipv4/conf/default/rp_filter": "1"}
    world.host.network += [*MANAGEMENT, "route add 10.98.0.0/16 via 10.99.0.1 dev eth1"]


@variation("overlay-vpn", "an overlay VPN is up: its own table, marks and chains")
def overlay_vpn(world: World) -> None:
    register(world)
    world.host.network += [
        "link add wg0 type veth peer name wg1",
        "addr add 100.101.102.103/32 dev wg0",
        "link set wg0 mtu 1280 up",
        "link set wg1 up",
        "route add 100.64.0.0/10 dev wg0 table 52",
        "rule add fwmark 0x80000/0xff0000 lookup main pref 5210",
        "rule add fwmark 0x80000/0xff0000 lookup default pref 5230",
        "rule add fwmark 0x80000/0xff0000 type unreachable pref 5250",
        "rule add lookup 52 pref 5270",
    ]
    filters = table(world, "filter")
    filters[:0] = [":ts-forward - [0:0]", "-A FORWARD -j ts-forward"]
    filters += [
        "-A ts-forward -i wg0 -j MARK --set-xmark 0x40000/0xff0000",
        "-A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT",
        "-A ts-forward -s 100.64.0.0/10 -o wg0 -j DROP",
        "-A ts-forward -o wg0 -j ACCEPT",
    ]


@variation("marks-for-others", "routing rules look at marks, which other traffic gets")
def marks_for_others(world: World) -> None:
    register(world)
    table(world, "mangle").append("-A PREROUTING -i eth1 -j MARK --set-xmark 0x1/0xffffffff")
    world.host.network += [*MANAGEMENT, "route add unreachable default table 142", "rule add fwmark 0x1 lookup 142"]


@variation("kube-proxy-rules", "kube-proxy's chains exist beside docker's")
def kube_proxy(world: World) -> None:
    register(world)
    filters, nat = table(world, "filter"), table(world, "nat")
    filters[:0] = [":KUBE-FORWARD - [0:0]", ":KUBE-FIREWALL - [0:0]", "-A FORWARD -j KUBE-FORWARD"]
    filters += [
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
        "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
        "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP",
    ]
    nat[:0] = [":KUBE-POSTROUTING - [0:0]", "-A POSTROUTING -j KUBE-POSTROUTING"]
    nat += [
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
        "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
    ]


FIREWALLD = """table inet firewalld {
  chain filter_FORWARD { type filter hook forward priority 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_FORWARD_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD_ZONES {
    iifname "docker0" goto filter_FWD_docker
    iifname "eth0" goto filter_FWD_public
    goto filter_FWD_public
  }
  chain filter_FWD_docker { accept; }
  chain filter_FWD_public { meta l4proto icmp accept
    reject with icmpx admin-prohibited
  }
  chain nat_POSTROUTING { type nat hook postrouting priority 110; policy accept;
    oifname "eth0" jump nat_POST_public
  }
  chain nat_POST_public { counter; }
}
"""


@variation("firewalld-docker-zone", "firewalld with docker0 in the zone docker, the uplink in public")
def firewalld_docker_zone(world: World) -> None:
    register(world)
    world.host.nft = FIREWALLD


@fault("firewalld-no-docker-zone", "firewalld, and docker0 in a zone that forwards nothing", CODE)
def firewalld_no_zone(world: World) -> None:
    register(world)
    world.host.nft = FIREWALLD.replace('iifname "docker0" goto filter_FWD_docker', "")


@variation("rootless-beside", "a user's rootless docker runs beside the system's")
def rootless_beside(world: World) -> None:
    register(world)
    world.host.folders += ["/run/user/1000/docker", "/home/ops/.local/share/docker"]
    world.host.files["/home/ops/.config/systemd/user/docker.service"] = "[Service]\nExecStart=dockerd-rootless.sh\n"


@variation("podman-beside", "Podman with its own bridge beside docker")
def podman_beside(world: World) -> None:
    register(world)
    world.host.network += ["link add podman0 type bridge", "addr add 10.88.0.1/16 dev podman0", "link set podman0 up"]
    table(world, "nat").append("-A POSTROUTING -s 10.88.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE")


@variation("network-manager", "NetworkManager runs, and leaves docker's cards alone")
def network_manager(world: World) -> None:
    register(world)
    world.host.files |= {
        "/etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=keyfile\n",
        "/run/NetworkManager/no-stub-resolv.conf": "# Generated by NetworkManager\n",
    }
    world.host.units["NetworkManager.service"] = Unit("[Service]\nExecStart=/usr/sbin/NetworkManager --no-daemon\n",
                                                      main="/usr/sbin/NetworkManager")  # fmt: skip
    world.host.daemons.append(Daemon("/usr/sbin/NetworkManager"))


@variation("docker-odd-settings", "userns-remap, live-restore, logs to journald, the containerd image store")
def docker_odd_settings(world: World) -> None:
    daemon = docker_of(world)
    info = daemon.state["/info"]
    assert isinstance(info, dict) and daemon.socket == SOCKET
    info |= {"LiveRestoreEnabled": True, "LoggingDriver": "journald", "DockerRootDir": "/var/lib/docker/165536.165536"}
    world.host.folders.append("/var/lib/docker/165536.165536")
    settings(world, userns_remap="default", live_restore=True, log_driver="journald",
             features={"containerd-snapshotter": True})  # fmt: skip
    register(world)


@variation("bridge-filter-on", "br_netfilter sends bridged frames through the packet filter")
def bridge_filter(world: World) -> None:
    register(world)
    world.host.overmounts["/proc/sys/net/bridge/bridge-nf-call-iptables"] = "1\n"


def _blocks(world: World, elements: str, *rules: str, hook: str = "forward", priority: str = "filter") -> None:
    """A table as a blocker of addresses keeps it: a named set, and a chain that looks at it."""
    register(world)
    held = f"set blocked {{\n type ipv4_addr\n flags interval\n elements = {{ {elements} }}\n }}\n"
    start = f"type filter hook {hook} priority {priority}\n policy accept\n"
    world.host.nft = f"table ip blocker {{\n{held}chain {hook} {{\n{start}" + "\n".join(rules) + "\n}\n}\n"


@fault("block-list-private", "a block list of a security tool holds private networks, docker's among them", CODE)
def block_list_private(world: World) -> None:
    _blocks(world, "192.0.2.7, 172.16.0.0/13, 198.18.0.0-198.19.255.255", "ip saddr @blocked drop")


@fault("bogons-dropped", "a rule against forged senders drops private addresses that come in by any other card", CODE)
def bogons_dropped(world: World) -> None:
    rule = 'iifname != { "lo", "eth0" } ip saddr @blocked drop'
    _blocks(world, "100.64.0.0/10, 172.0.0.0-172.31.255.255", rule, hook="prerouting", priority="raw")


@fault("marks-required", "a network policy of Kubernetes rejects whatever does not carry its mark", CODE)
def marks_required(world: World) -> None:
    register(world)
    table(world, "filter")[:0] = [
        ":KUBE-ROUTER-FORWARD - [0:0]",
        ":KUBE-POD-FW - [0:0]",
        "-A FORWARD -j KUBE-ROUTER-FORWARD",
        "-A KUBE-ROUTER-FORWARD -s 10.244.0.9/32 -j KUBE-POD-FW",
        "-A KUBE-ROUTER-FORWARD -m mark ! --mark 0x20000/0x20000 -j REJECT --reject-with icmp-port-unreachable",
        "-A KUBE-POD-FW -j MARK --set-xmark 0x20000/0x20000",
    ]


@fault("containers-untracked", "a rule takes what comes from the bridge out of connection tracking", CODE)
def containers_untracked(world: World) -> None:
    register(world)
    table(world, "raw").append("-A PREROUTING -i docker0 -j CT --notrack")


@fault("dns-untracked", "rules for a nameserver take all DNS out of connection tracking", CODE)
def dns_untracked(world: World) -> None:
    register(world)
    chain = "type filter hook prerouting priority raw\n policy accept\nudp dport 53 notrack\nudp sport 53 notrack\n"
    world.host.nft = f"table inet speed {{\nchain pre {{\n{chain}}}\n}}\n"


@variation("block-list-public", "a block list holds public networks alone")
def block_list_public(world: World) -> None:
    _blocks(
        world,
        "192.0.2.0/24, 198.18.0.0-198.19.255.255, 203.0.113.250",
        "ip saddr @blocked drop",
        "ip daddr @blocked drop",
    )


@variation("bogons-on-uplink", "private senders are dropped where they come in by the uplink")
def bogons_on_uplink(world: World) -> None:
    _blocks(world, "172.17.0.0/16", 'iifname "eth0" ip saddr @blocked drop', hook="prerouting", priority="raw")


@variation("marks-given", "the rules give containers' packets the mark that a later one asks for")
def marks_given(world: World) -> None:
    register(world)
    table(world, "mangle").append("-A PREROUTING -j MARK --set-xmark 0x20000/0x20000")
    table(world, "filter").insert(0, "-A FORWARD -m mark ! --mark 0x20000/0x20000 -j DROP")


@variation("web-untracked", "a web server's connections to this host are not tracked, nor is the loopback")
def web_untracked(world: World) -> None:
    register(world)
    own = world.lan[2]
    table(world, "raw").append(f"-A PREROUTING -d {own}/32 -p tcp -m tcp --dport 80 -j CT --notrack")
    table(world, "raw").append("-A PREROUTING -i lo -j NOTRACK")
