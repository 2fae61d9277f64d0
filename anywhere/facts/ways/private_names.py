"""Names that go through a proxy and that this host itself resolves to private addresses (PrivateLink): do they answer
without the proxy?

A program behind a proxy resolves nothing, so nothing that it does shows this. Where the private address answers as AWS
does, NO_PROXY should name it; where it does not, the proxy is the only way and all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint
from anywhere.errors import NotRecorded
from anywhere.evidence import Look
from anywhere.facts.network.routes import is_private
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit
from anywhere.facts.network.walk import probe_spec, spread
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, Probe, Query
from anywhere.model import Reason, Stage
from anywhere.threads import fan_out

PATIENCE = 1.0  # seconds for the connection: no path inside a site is longer
MOST_ADDRESSES = 2  # of a name: an endpoint has one address a zone, and one that answers is enough


@frozen
class Private:
    """The private addresses of a name, and the probe of the direct way to the first that answers."""

    addresses: tuple[str, ...] = ()
    probe: Probe | None = None

    @property
    def is_open(self) -> bool:
        """Whether AWS answers there without the proxy."""
        return self.probe is not None and self.probe.ok


def look_directly(host: Host, endpoint: Endpoint, vantage: Vantage) -> Private:
    """Resolve a name as this host does, and where that is private try it as its component would without a proxy."""
    try:
        addresses = host.resolve(Query(endpoint.host)).addresses
        if not addresses or not all(map(is_private, addresses)):
            return Private()
        base = probe_spec(host, endpoint, vantage, "")
        some = [
            partial(host.probe, replace(base, address=one, patience=PATIENCE))
            for one in spread(addresses)[:MOST_ADDRESSES]
        ]
        probes = fan_out(some)
    except NotRecorded:
        return Private()  # a bundle of a run that did not ask
    return Private(addresses, next((probe for probe in probes if probe.ok), probes[0]))


def first_of_each(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Of numbered hosts the first of each service: PrivateLink has one zone for all of them."""
    return [endpoint for endpoint in endpoints if endpoint.shard <= 1]


def with_private(host: Host, visits: Sequence[Visit], found: Mapping[Endpoint, Private]) -> list[Visit]:
    """The visits through a proxy with what the direct way showed; of numbered hosts those that the proxy knows."""
    zones = {endpoint.service for endpoint, look in found.items() if endpoint.shard == 1 and look.is_open}
    more = [one for one in visits if one.proxy and one.endpoint.shard > 1 and one.endpoint.service in zones]
    more = [one for one in more if _is_there(one)]
    looks = fan_out([partial(look_directly, host, one.endpoint, one.vantage) for one in more])
    known = {**found, **{one.endpoint: look for one, look in zip(more, looks, strict=True)}}
    return [_joined(one, known.get(one.endpoint, Private())) for one in visits]


def _is_there(one: Visit) -> bool:
    """Whether the proxy knows this number, or will not say."""
    best = one.best
    return best is not None and (best.stage is not Stage.PROXY or best.reason is not Reason.PROXY_ERROR)


def _joined(one: Visit, private: Private) -> Visit:
    if private.probe is None:
        return one
    return replace(one, private=private.addresses, second=(*one.second, (Look.DIRECT, private.probe)))
