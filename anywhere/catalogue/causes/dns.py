"""The texts of the causes in name resolution."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_RFC7766 = "RFC 7766, DNS over TCP"
_ENDPOINTS = "AWS: ECS clusters for the external launch type; VPC endpoints page"

DNS_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "dns.no-nameserver",
        "fail",
        "No nameserver is named",
        "/etc/resolv.conf has no usable nameserver line, so no name can be resolved and no agent can start.",
        "The file is read; names that resolve all the same (another NSS module) make it a pass.",
        "Name the site's nameservers in the network configuration that writes resolv.conf.",
        "resolv.conf(5)",
    ),
    CauseText(
        "dns.nameserver-down",
        "fail",
        "No nameserver answers",
        "Every nameserver of resolv.conf is silent or its port 53 is closed, over UDP and TCP.",
        "Each nameserver is asked directly for every endpoint's name, two tries each, beside the system's resolver.",
        "Bring the nameserver back, open UDP and TCP port 53 to it, or name another one.",
        "resolv.conf(5)",
    ),
    CauseText(
        "dns.server-failing",
        "fail",
        "The nameserver answers with an error",
        "SERVFAIL or REFUSED: its forwarders or its DNSSEC validation fail, or it does not serve this client.",
        "The answer code of each nameserver, asked directly; a single name that fails is named alone.",
        "REFUSED: allow this client. SERVFAIL: fix the forwarder for the zone, or the validation.",
        "RFC 1035 section 4.1.1",
    ),
    CauseText(
        "dns.nameserver-degraded",
        "warn",
        "A nameserver of several does not work, or one is very slow",
        "Lookups take seconds or fail at random, depending on which nameserver is asked first.",
        "Each nameserver is asked directly: at least one works and at least one does not, or an answer takes more than three "
        "seconds.",
        "Fix the dead one or remove it from the list.",
        "resolv.conf(5): servers are tried in order, 5 s each",
    ),
    CauseText(
        "dns.names-hidden",
        "fail",
        "Required names are unknown",
        "The nameserver says that these names do not exist, while others resolve: an allow-list, a private zone "
        "that shadows AWS's, or a PrivateLink endpoint that was not made.",
        "Every endpoint's name is looked up; NXDOMAIN and an empty answer count.",
        "Forward the zone to a resolver that knows it, or create the endpoint with private DNS.",
        "amazon-ecs-agent issue 4117; AWS VPC endpoints page",
    ),
    CauseText(
        "dns.shards-hidden",
        "fail",
        "No ecs-a-N or no ecs-t-N resolves",
        "After registration ECS hands the agent one of these numbered names; none of them resolves here, so the "
        "host would register and never connect.",
        "The first twelve numbers of both patterns are looked up at once (`--shards` for more).",
        "Resolve the complete patterns; with PrivateLink create the ecs-agent and ecs-telemetry endpoints.",
        "amazon-ecs-agent issue 931",
    ),
    CauseText(
        "dns.shards-partial",
        "warn",
        "Some ecs-a-N or ecs-t-N are blocked",
        "An allow list names single hosts where a pattern is needed. AWS chooses the number and changes it, so the host works "
        "until the day it gets another.",
        "A number that resolves is dropped, refused, or denied by the proxy while others of its pattern pass. An "
        "unknown number proves nothing and is not counted.",
        "Allow ecs-a-*.REGION and ecs-t-*.REGION as patterns.",
        "amazon-ecs-agent issue 931",
    ),
    CauseText(
        "dns.answers-forged",
        "fail",
        "The nameserver forges answers",
        "Endpoints get addresses that no service can have (0.0.0.0, loopback, multicast), or a name that cannot "
        "exist gets an address: a sinkhole, a wildcard record, or NXDOMAIN rewriting.",
        "A label that nobody publishes is looked up under the region's suffix, and every answer is looked at.",
        "Exempt the AWS names from the filter, or use a nameserver that does not rewrite.",
        "RFC 6303; RFC 4592",
    ),
    CauseText(
        "dns.hosts-file-pin",
        "fail or warn",
        "/etc/hosts overrides an endpoint",
        "The name always gets the pinned address, which AWS may retire any day. A fail when it does not work now.",
        "/etc/hosts is compared with the endpoint catalogue.",
        "Remove the line.",
        "hosts(5)",
    ),
    CauseText(
        "dns.private-mixed",
        "fail or warn",
        "Some names are private, others public",
        "Part of the traffic takes PrivateLink, part the internet: unnoticed where there is an internet route, dead "
        "where there is none.",
        "The answers of the core names are sorted into private (RFC 1918, 100.64.0.0/10, fc00::/7) and public.",
        "Create the missing endpoint services (newer regions need ecs, ecs-agent and ecs-telemetry) and forward "
        "their zones.",
        _ENDPOINTS,
    ),
    CauseText(
        "dns.answers-differ",
        "warn",
        "The nameservers disagree",
        "One answers privately and one publicly, or one does not know a name: which one is asked is a matter of luck.",
        "Each nameserver is asked directly and the answers are compared by kind, not by address.",
        "Give all nameservers the same view.",
        "resolv.conf(5)",
    ),
    CauseText(
        "dns.tcp-blocked",
        "fail or warn",
        "TCP port 53 is blocked",
        "A long answer is cut over UDP and cannot be asked for again over TCP. A fail when a name needs it.",
        "Cut answers are repeated over TCP to the same nameserver.",
        "Open TCP port 53 to the nameserver.",
        _RFC7766,
    ),
    CauseText(
        "dns.container-differs",
        "warn",
        "Containers ask other nameservers, which do not resolve",
        "Docker leaves loopback nameservers out and falls back to public ones when none is left; behind a firewall "
        "those never answer, so tasks in bridge mode cannot resolve.",
        "Docker's rule is applied to resolv.conf and daemon.json, and the resulting nameservers are asked.",
        'Set "dns" in /etc/docker/daemon.json and restart docker.',
        "moby libnetwork resolvconf; docker-library/docker issue 114",
    ),
)
