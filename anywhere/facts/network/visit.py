"""One endpoint as its component reaches it: the name resolved by its rules, every address probed with its request."""

from __future__ import annotations

from anywhere.catalogue.endpoints import Endpoint
from anywhere.catalogue.issuers import is_public
from anywhere.documents.numbers import whole
from anywhere.evidence import Look
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.vantage import Vantage
from anywhere.frozen import frozen
from anywhere.hosts.base import Probe
from anywhere.model import Stage


@frozen
class Visit:
    """One endpoint as its component reaches it. `lookup` is None where the proxy resolves the name. `second` holds the
    second looks at a failed probe, `private` the private addresses that this host gets for a name that it leaves to a
    proxy."""

    endpoint: Endpoint
    vantage: Vantage
    proxy: str
    lookup: Lookup | None
    proxy_lookup: Lookup | None
    probes: tuple[Probe, ...]
    second: tuple[tuple[Look, Probe], ...] = ()
    private: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether at least one address answered all the way up."""
        return any(probe.ok for probe in self.probes)

    @property
    def best(self) -> Probe | None:
        """The probe that came furthest."""
        order = list(Stage)
        return max(self.probes, key=lambda probe: (probe.ok, order.index(probe.stage)), default=None)

    @property
    def dialled_port(self) -> int:
        """The port that connections go to, the proxy's where there is one; 0 where its URL names none."""
        port = self.proxy.rpartition(":")[2].strip("/") if self.proxy else str(self.endpoint.port)
        return whole(port) or 0

    def look(self, name: Look) -> Probe | None:
        """A second look by its name."""
        return dict(self.second).get(name)


def is_foreign(probe: Probe) -> bool:
    """Whether the certificate comes from an issuer that AWS does not use."""
    return probe.tls is not None and not is_public(probe.tls.issuer_organization or probe.tls.issuer)
