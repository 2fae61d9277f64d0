"""The endpoint catalogue: every host that an ECS Anywhere instance connects to, by whom, when and why.

Endpoints are TCP 443 and outbound only; no inbound rule is needed. The rows, with their sources, are in `services`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from anywhere.catalogue.regions import Partition, RegionInfo, find_region, partitions, regions
from anywhere.catalogue.requests import OWN
from anywhere.catalogue.services import SERVICES, Service
from anywhere.errors import BadInput
from anywhere.evidence import Scheme
from anywhere.frozen import frozen
from anywhere.settings import FEATURES, PHASES

__all__ = ["Endpoint", "Partition", "RegionInfo", "endpoints", "find_region", "partitions", "regions"]

MAX_SHARDS = 200


@frozen
class Endpoint:
    """A host that must be reached.

    `phases` is when it is needed (install, register, run), `component` who connects. `required` False: a warning when
    it alone fails. `feature` is empty for the core, else the `--with` word that brings it. `shard` is the N of
    `ecs-a-N` and `ecs-t-N`, 0 elsewhere. `pattern` is the form for a firewall, `*` standing for any characters.
    `probe` False: the host has a part that only the account knows, so it is exported and not probed. `verify` False: its
    certificate does not count, as of a registry that docker trusts unchecked; `trust_folder` holds more CAs (.crt)
    for it.
    """

    service: str
    host: str
    port: int
    scheme: Scheme
    path: str
    phases: tuple[str, ...]
    component: str
    required: bool
    feature: str
    shard: int
    purpose: str
    source: str
    note: str
    pattern: str
    probe: bool = True
    verify: bool = True
    trust_folder: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is the site's and not AWS's."""
        return self.service == OWN


def endpoints(
    region: str,
    *,
    features: Iterable[str] = (),
    phases: Iterable[str] = PHASES,
    shards: int = 12,
    dualstack: bool = False,
    fips: bool = False,
) -> tuple[Endpoint, ...]:
    """What a host of this region connects to in these phases, the core set first, then each feature in fixed order.

    `shards` is how many `ecs-a-N` and `ecs-t-N` to name: the true ones are known only after registration.
    Raises BadInput for an unknown region, feature or phase, and for a number of shards out of range.
    """
    info = find_region(region)
    wanted = frozenset(_known("feature", features, FEATURES))
    when = frozenset(_known("phase", phases, PHASES))
    if not 1 <= shards <= MAX_SHARDS:
        raise BadInput(f"--shards must be 1 to {MAX_SHARDS}, not {shards}")
    return _listed(info, wanted, when, shards, dualstack, fips)


@lru_cache(maxsize=64)
def _listed(
    info: RegionInfo, wanted: frozenset[str], when: frozenset[str], shards: int, dualstack: bool, fips: bool
) -> tuple[Endpoint, ...]:
    rows = (row for row in SERVICES if (not row.feature or row.feature in wanted) and when & set(row.phases))
    return tuple(endpoint for row in rows for endpoint in _expand(row, info, shards, dualstack, fips))


def _expand(row: Service, info: RegionInfo, shards: int, dualstack: bool, fips: bool) -> Iterator[Endpoint]:
    pattern, note = _name(row, info, dualstack, fips)
    endpoint = Endpoint(
        service=row.name,
        host=pattern,
        port=443,
        scheme=row.scheme,
        path=row.path.format(region=info.name),
        phases=row.phases,
        component=row.component,
        required=row.required,
        feature=row.feature,
        shard=0,
        purpose=row.purpose.format(region=info.name),
        source=row.source,
        note="; ".join(filter(None, (row.note, note))),
        pattern=pattern,
        probe="*" not in pattern,
    )
    if not row.sharded:
        yield endpoint
        return
    for shard in range(1, shards + 1):
        yield replace(endpoint, host=pattern.replace("*", str(shard)), shard=shard, probe=True)


def _name(row: Service, info: RegionInfo, dualstack: bool, fips: bool) -> tuple[str, str]:
    """The name to use and a note where the kind of name that was asked for is not established."""
    plain = row.host.format(region=info.name, suffix=info.suffix)
    if row.worldwide:
        return plain, ""
    if fips:
        return _fips_name(row, info, plain, dualstack)
    if dualstack:
        return _dualstack_name(row, info, plain)
    return plain, ""


def _fips_name(row: Service, info: RegionInfo, plain: str, dualstack: bool) -> tuple[str, str]:
    partition = partitions()[info.partition]
    both = partition.fips_dualstack.get(row.name, {}).get(info.name)
    if dualstack and both:
        return both, ""
    host = partition.fips.get(row.name, {}).get(info.name)
    if not host:
        return plain, "FIPS name not established here, so the plain name"
    return host, "dual-stack form of the FIPS name not established" if dualstack else ""


def _dualstack_name(row: Service, info: RegionInfo, plain: str) -> tuple[str, str]:
    known_here = not row.dualstack_in or info.partition in row.dualstack_in
    if not row.dualstack or not info.dualstack_suffix or not known_here:
        return plain, "dual-stack name not established here, so the plain name"
    if info.partition in row.dualstack_apart:
        return f"{row.name}.{info.name}.{info.dualstack_suffix}", ""
    if row.dualstack == row.host:
        return plain, "the plain name is dual-stack"
    names = {"region": info.name, "suffix": info.suffix, "dualstack_suffix": info.dualstack_suffix}
    return row.dualstack.format(**names), ""


def _known(kind: str, given: Iterable[str], allowed: tuple[str, ...]) -> Iterator[str]:
    for word in given:
        BadInput.require(kind, word, allowed)
        yield word
