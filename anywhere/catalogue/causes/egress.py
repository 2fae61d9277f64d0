"""The texts of the causes in the way out."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_ENDPOINTS = "AWS: ECS clusters for the external launch type; VPC endpoints page"

EGRESS_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "egress.blocked",
        "fail",
        "No endpoint is reachable",
        "Every endpoint times out, is refused, or is answered by another, and no proxy is set.",
        "All addresses of all endpoints are tried at once.",
        "Allow TCP 443 to the endpoints in the firewall (`anywhere endpoints` writes the list), or set the proxy.",
        _ENDPOINTS,
    ),
    CauseText(
        "egress.endpoint-blocked",
        "fail or warn",
        "Some endpoints are blocked",
        "Others pass: a rule for these names or addresses is missing.",
        "All addresses of all endpoints are tried at once; some of an endpoint's addresses being blocked is a warning.",
        "Allow TCP 443 to these names in the firewall.",
        _ENDPOINTS,
    ),
    CauseText(
        "egress.no-route",
        "fail",
        "This host has no route to AWS",
        "No route of the host leads to the endpoints' addresses, or the one that does refuses.",
        "The kernel says unreachable, and the routing table has no usable route for the address.",
        "Give the host a default route, or set the site's proxy.",
        "ip-route(8)",
    ),
    CauseText(
        "egress.wrong-route",
        "fail",
        "This host's own route leads nowhere, while another of its own would do",
        "Several default routes, a routing rule, a VPN's table or a dead gateway: the kernel picks a way on which nothing "
        "answers, although another card or gateway of this host reaches AWS. The firewall team can do nothing about it.",
        "`ip route get` says which way is taken. For what gave no answer, a connection is opened by each other card that has a "
        "route there; of two gateways on one card the ARP table says which is dead. An ARP entry set by hand counts where "
        "neither its neighbour nor anything behind it answers. Nothing is changed.",
        "Prefer the route that works, and keep it so in the network configuration. The finding names both.",
        "ip-route(8), ip-rule(8), socket(7) SO_BINDTODEVICE",
    ),
    CauseText(
        "egress.path-mtu",
        "fail",
        "Large packets are lost (path MTU black hole)",
        "A hop drops packets that are too large and the ICMP message that says so is filtered: TCP connects, TLS stalls.",
        "A stalled handshake is tried again with small segments and then passes; requests are made larger than one "
        "packet so that both directions are tried. An MTU of this host's own card below 576 bytes is named.",
        "Let ICMP type 3 code 4 and ICMPv6 type 2 through, or clamp the segment size at the tunnel.",
        "RFC 2923 section 2.1; RFC 4821",
    ),
    CauseText(
        "egress.silent",
        "fail",
        "TCP connects and nothing ever answers",
        "Something accepts connections in AWS's place, or drops everything that follows the handshake.",
        "Neither small segments nor another server name get an answer.",
        "Look for a transparent proxy, a load balancer without a backend, asymmetric routing through a stateful firewall.",
        "RFC 2979",
    ),
    CauseText(
        "egress.sni-filtered",
        "fail",
        "A filter blocks the server name (SNI)",
        "TCP passes, TLS is reset or stalls, and only with the AWS name in the ClientHello.",
        "The same address is greeted once more with a neutral name, which is answered.",
        "Allow the names in the filter's list for server name indication.",
        "RFC 6066 section 3",
    ),
    CauseText(
        "egress.large-hello",
        "warn",
        "A large ClientHello does not pass",
        "A box that wants the server name in one segment drops or resets a greeting of two. Agents that are built with Go's "
        "defaults from 1.24 on send one, with a post-quantum key share; older builds do not.",
        "One endpoint of each way out is greeted with 1.5 kB after a small greeting was answered.",
        "Have the device reassemble the greeting or pass the names unread; GODEBUG=tlsmlkem=0 keeps an agent's greeting small.",
        "Go crypto/tls defaults.go (GODEBUG tlsmlkem); https://tldr.fail",
    ),
    CauseText(
        "egress.slow",
        "fail or warn",
        "The path to AWS is slow",
        "The median connect or handshake takes more than a second, or the median answer more than four: registrations and "
        "heartbeats come near their limits.",
        "Medians over all endpoints that answer. A fail where this host's own traffic shaping (tc) makes endpoints fail.",
        "Look for packet loss, a saturated link, an overloaded proxy or inspecting device.",
        "amazon-ecs-agent: connect and handshake time out after 30 s",
    ),
    CauseText(
        "egress.ipv6-broken",
        "warn",
        "IPv6 is there and does not work",
        "The host has a global IPv6 address, endpoints have AAAA records, IPv6 fails and IPv4 works: each first "
        "attempt is lost.",
        "Both families are probed for every endpoint.",
        "Let IPv6 out, or take the addresses off.",
        "RFC 8305",
    ),
    CauseText(
        "egress.host-firewall",
        "fail",
        "The host's own packet filter drops or redirects the agents' packets",
        "A rule of this host stops what goes out to a nameserver, the proxy or an endpoint, or the answer on its way in; or "
        "it sends the packet to another place (a transparent proxy, a DNS filter) that does not answer; or an IPsec policy "
        "blocks it, or encrypts it without a key. Nothing else on the path causes it.",
        "For each address without an answer: OUTPUT for the packet, nat's rules and marks among them, and INPUT for its "
        "answer, in iptables (legacy and nft) and in tables of nftables itself, those of cards and bridges too; then the IPsec "
        "policies and keys (`ip xfrm`).",
        "Change the rule that the finding quotes where it is managed.",
        "netfilter: https://wiki.nftables.org/wiki-nftables/index.php/Netfilter_hooks",
    ),
    CauseText(
        "network.way-unexpected",
        "fail",
        "An endpoint is reached another way than declared",
        "The run declares how the endpoints are reached (--expect private, public, proxy or direct), and a component "
        "goes another: past PrivateLink, past the proxy, or to it.",
        "The proxy that each component would use, or the addresses of the name here; without --expect nothing is guessed.",
        "Change what the finding names: the proxy's variable, the NO_PROXY entry, the hosts file's line or the nameserver.",
        "golang.org/x/net/http/httpproxy; AWS: interface VPC endpoints (private DNS)",
    ),
)
