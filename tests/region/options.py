"""How a region is built: its name, its address ranges, its CA and its programs. Nothing here is a fault."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

# Region pattern, DNS suffix, dual-stack suffix. Source: botocore partitions.json.
PARTITIONS = (
    (r"us-gov-", "amazonaws.com", "api.aws"),
    (r"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    (r"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    (r"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    (r"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    (r"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    (r"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    (r"", "amazonaws.com", "api.aws"),
)
RESOLVERS = ("python", "dnsmasq", "unbound")
PROXIES = ("python", "squid")

Network4 = ipaddress.IPv4Network
Network6 = ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Options:
    """`site` holds the host's LAN, its resolvers, its proxy and the PrivateLink addresses; `public` the public side of
    AWS. `suffix` is that of the region's partition unless given. `delay` is the servers' thinking time in seconds,
    `shards` how many `ecs-a-N` and `ecs-t-N` exist, `nameservers` how many resolv.conf names."""

    regions: tuple[str, ...] = ("us-east-1",)
    suffix: str = ""
    site: str = "10.47.0.0/16"
    site6: str = "2001:db8:47::/48"
    public: str = "203.0.113.0/24"
    public6: str = "2001:db8:a::/64"
    private6: str = "fd47:a::/64"
    ca: str = "Amazon Root CA 1"
    resolver: str = "python"
    proxy: str = "python"
    hostname: str = "server1"
    delay: float = 0.0
    shards: int = 4
    nameservers: int = 1
    binds: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Raises ValueError for what can not be built, in words for the user."""
        if self.resolver not in RESOLVERS:
            raise ValueError(f"no resolver {self.resolver!r}: choose from {', '.join(RESOLVERS)}")
        if self.proxy not in PROXIES:
            raise ValueError(f"no proxy {self.proxy!r}: choose from {', '.join(PROXIES)}")
        for region in self.regions:
            if not re.fullmatch(r"[a-z0-9-]+", region):
                raise ValueError(f"not a region name: {region!r}")
        if Network4(self.site).prefixlen > 22 or Network6(self.site6).prefixlen > 62:
            raise ValueError("the site needs a /22 and a /62, or larger")
        if Network4(self.public).prefixlen > 24:
            raise ValueError("the public side needs a /24 or larger")
        for network in (self.public6, self.private6):
            Network6(network)

    def suffixes(self, region: str) -> tuple[str, str]:
        """The DNS suffix and the dual-stack suffix of a region's partition."""
        suffix, dual = next((s, d) for start, s, d in PARTITIONS if region.startswith(start))
        return (self.suffix or suffix), dual
