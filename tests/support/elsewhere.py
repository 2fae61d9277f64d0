"""Another region, with nothing in it that a detector could have learnt by heart."""

from __future__ import annotations

from tests.region.options import Options

# Other addresses, another region, CA, number of shards and resolver.
ELSEWHERE = Options(
    regions=("eu-north-1",),
    site="172.30.0.0/16",
    site6="2001:db8:1234::/48",
    public="198.51.100.0/24",
    public6="2001:db8:ffff::/64",
    private6="fdaa:bb:cc::/64",
    ca="Amazon Elsewhere Root",
    resolver="unbound",
    hostname="db-7.corp.example",
    shards=6,
)
