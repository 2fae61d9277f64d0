"""The names that exist in the region, and the addresses of each: the truth, before any fault bends it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice

from tests.region.options import Options

SERVICES = (
    "ecs", "ssm", "ssmmessages", "ec2messages", "s3", "logs", "secretsmanager", "kms", "sts", "monitoring", "api.ecr",
)  # fmt: skip
FIPS = ("ecs-fips", "ssm-fips", "ecr-fips", "logs-fips", "secretsmanager-fips", "kms-fips", "sts-fips", "s3-fips")
# Patterns are answered for every label in place of the star, as the real zones do.
WILD = ("*.dkr.ecr", "*.s3", "*.s3.dualstack", "s3.dualstack", "*.dkr.ecr-fips", "api.ecr-fips")
DUALSTACK = ("ecs", "ssm", "ssmmessages", "ec2messages", "logs", "kms", "sts", "ecr", "secretsmanager", "monitoring")
WORLDWIDE = ("amazon-ecs-agent.s3.amazonaws.com", "public.ecr.aws", "*.cloudfront.net")
ELSEWHERE = (
    "raw.githubusercontent.com", "download.docker.com", "registry-1.docker.io", "auth.docker.io",
    "production.cloudflare.docker.com", "production.cloudfront.docker.com", "*.r2.cloudflarestorage.com",
    "deb.debian.org", "security.debian.org", "www.example.com",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one name lives. `amazon` is whether Amazon signs its certificate."""

    public: str
    private: str
    public6: str
    private6: str
    amazon: bool


def names(options: Options) -> dict[str, Addresses]:
    """Name or pattern to its addresses, in a fixed order: the n-th name has the n-th address of each range."""
    site = ipaddress.IPv4Network(options.site)
    ranges = (
        ipaddress.IPv4Network(options.public),
        next(islice(site.subnets(new_prefix=24), 3, None)),
        ipaddress.IPv6Network(options.public6),
        ipaddress.IPv6Network(options.private6),
    )
    found: dict[str, Addresses] = {}
    for number, (name, amazon) in enumerate(_all(options), start=10):
        if name not in found:
            public, private, public6, private6 = (str(one[number]) for one in ranges)
            found[name] = Addresses(public, private, public6, private6, amazon)
    return found


def _all(options: Options) -> Iterator[tuple[str, bool]]:
    for region in options.regions:
        suffix, dual = options.suffixes(region)
        shards = [f"ecs-{kind}-{n}" for n in range(1, options.shards + 1) for kind in "at"]
        for label in (*SERVICES, *shards, *FIPS, *WILD):
            yield f"{label}.{region}.{suffix}", True
        for label in DUALSTACK:
            yield f"{label}.{region}.{dual}", True
        yield f"*.dkr-ecr.{region}.on.aws", True
    for name in WORLDWIDE:
        yield name, True
    for name in ELSEWHERE:
        yield name, False


def find(known: dict[str, Addresses], name: str) -> str:
    """The key that a name is known by: itself or the pattern that it fits, empty when it does not exist."""
    name = name.lower().rstrip(".")
    if name in known:
        return name
    return next((key for key in known if key[0] == "*" and fnmatchcase(name, key)), "")
