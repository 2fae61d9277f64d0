"""The host's own routes: several default routes, routing rules, a VPN's table, a gateway that is dead."""

from __future__ import annotations

import ipaddress

from tests.region.faults import fault, variation
from tests.region.world import World

CODE = "egress.wrong-route"


def card(world: World, name: str, number: int) -> None:
    """A second card, on a network where nobody forwards; its gateway is there."""
    world.host.network += [
        f"link add {name} type veth peer name {name}-far",
        f"addr add 10.{number}.0.5/24 dev {name}",
        f"link set {name} up",
        f"link set {name}-far up",
        f"neigh add 10.{number}.0.1 lladdr 02:00:00:00:00:{number:02x} dev {name}",
    ]


@fault("storage-card-first", "the storage network's default route has no metric and wins", CODE)
def storage_card_first(world: World) -> None:
    card(world, "ens224", 71)
    world.host.network += [
        f"route add default via {world.lan[1]} dev eth0 metric 100",
        f"route del default via {world.lan[1]} metric 0",
        "route add default via 10.71.0.1 dev ens224",
    ]


@fault("vpn-table-dead", "a routing rule gives everything to a VPN's table, and the VPN is down", CODE)
def vpn_table_dead(world: World) -> None:
    card(world, "wg0", 72)
    world.host.network += ["route add default dev wg0 table 51820", "rule add not fwmark 0xca6c lookup 51820 pref 5000"]


@fault("source-rule-wrong", "a routing rule sends what has the host's address by the management card", CODE)
def source_rule_wrong(world: World) -> None:
    card(world, "mgmt", 73)
    world.host.network += [
        "route add default via 10.73.0.1 dev mgmt table 120",
        f"rule add to {world.options.public} lookup 120 pref 900",
    ]


@fault("gateway-dead-other-alive", "two gateways on one network, and the preferred one is dead", CODE)
def gateway_dead(world: World) -> None:
    world.host.network += [
        f"route add default via {world.lan[1]} dev eth0 metric 300",
        f"route del default via {world.lan[1]} metric 0",
        f"route add default via {world.lan[254]} dev eth0 metric 100",
    ]


@fault("specific-route-wrong", "a route left over for AWS's addresses leads to a card where nobody forwards", CODE)
def specific_route(world: World) -> None:
    card(world, "eth1", 74)
    world.host.network.append(f"route add {world.options.public} via 10.74.0.1 dev eth1")


@fault("own-address-of-ecs", "a test left the address of ecs on a card of this host", CODE)
def own_address(world: World) -> None:
    first = world.addresses("ecs")[0]
    world.host.network += ["link add test0 type bridge", "link set test0 up", f"addr add {first}/32 dev test0"]


@variation("two-defaults-right", "two default routes, and the metrics the right way round")
def two_defaults(world: World) -> None:
    card(world, "ens224", 71)
    world.host.network.append("route add default via 10.71.0.1 dev ens224 metric 500")


@variation("vpn-split", "a VPN's table for its own network alone")
def vpn_split(world: World) -> None:
    card(world, "wg0", 72)
    world.host.network += ["route add 10.200.0.0/16 dev wg0 table 51820", "rule add lookup 51820 pref 5000"]


@variation("rule-to-the-same", "a routing rule sends AWS's addresses by a table with the same gateway")
def rule_same(world: World) -> None:
    world.host.network += [
        f"route add default via {world.lan[1]} dev eth0 table 300",
        f"rule add to {world.options.public} lookup 300 pref 800",
    ]


@fault("route-prohibit-one", "a route prohibits the address of ssm alone", "egress.no-route")
def route_prohibit(world: World) -> None:
    name = next(name for name in world.names if name.startswith("ssm."))
    world.host.network.append(f"route add prohibit {world.names[name].public}/32")


@variation("route-blackhole-own", "black hole routes for the rest of a private network, as routing daemons set them")
def route_blackhole_own(world: World) -> None:
    world.host.network += ["route add blackhole 10.128.0.0/9 metric 254", "route add unreachable 192.0.2.0/24"]


@fault("card-network-wide", "the network of a bridge for virtual machines covers AWS's addresses", CODE)
def card_network(world: World) -> None:
    world.host.network += ["link add virbr0 type bridge", f"addr add {_first(world)} dev virbr0", "link set virbr0 up"]


def _first(world: World) -> str:
    network = ipaddress.ip_network(world.options.public)
    return f"{network[1]}/{network.prefixlen}"


@variation("uplink-is-bridge", "the uplink is a member of br-lan, whose network holds the nameserver")
def uplink_bridge(world: World) -> None:
    site = ipaddress.ip_network(world.options.site)
    world.host.network += [
        "link add br-lan type bridge",
        "link set br-lan up",
        "addr flush dev eth0",
        "link set eth0 master br-lan",
        f"addr add {world.lan[10]}/{site.prefixlen} dev br-lan",
        f"route add default via {world.lan[1]} dev br-lan",
        f"route add {world.services} via {world.lan[1]} dev br-lan",
    ]
