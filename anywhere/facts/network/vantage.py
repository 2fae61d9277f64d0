"""From where an endpoint is seen: a component's own proxy, exclusions and trust store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import lru_cache

from anywhere.evidence import Suites
from anywhere.facts.agents.components import OWN, Component, components
from anywhere.facts.files import list_folder
from anywhere.facts.network.proxy_environment import Choice, ProxyEnvironment
from anywhere.facts.system.exec_files import BUNDLE, CERTS, NAME
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

FLAVOURS = {"ecs-agent": "ecs-agent", "ssm-agent": "ssm-agent"}
CALLER = "installer"
OWN_SUITES: Mapping[str, Suites] = {"ecs-agent": "ecs-agent", "docker": "docker"}


@frozen
class Vantage:
    """How a component goes out. `trust` is a `ProbeSpec.trust`, `source` says where its settings were read.

    `own_store` is whether the component trusts the public CAs by a bundle inside its own image, which cannot be read
    from the host; `trust` is then the part of its store that can (`none`: no part). `described` is where its settings stand.
    """

    component: str
    source: str
    exists: bool = False
    unit: str = ""
    trust: str = ""
    own_store: bool = False
    suites: Suites = "go"
    environment: Mapping[str, str] = field(default_factory=dict)
    described: Component | None = field(default=None, repr=False, compare=False)

    def proxy_for(self, host: str, port: int = 443, scheme: str = "https") -> str:
        """The proxy that this component would use for an https or wss URL, empty for none."""
        return self._proxies().for_host(host, port, scheme)

    def is_excluded(self, host: str, port: int = 443) -> bool:
        """Whether there is a proxy and NO_PROXY keeps this name from it."""
        proxies = self._proxies()
        return not proxies.for_host(host, port) and bool(replace(proxies, no_proxy="").for_host(host, port))

    def choice(self, host: str, port: int = 443, scheme: str = "https") -> Choice:
        """The variables that decide about this host."""
        return self._proxies().choice(host, port, scheme)

    def _proxies(self) -> ProxyEnvironment:
        flavour = FLAVOURS.get(self.component, "go") if self.exists else "go"
        return _read(flavour, tuple((name, self.environment[name]) for name in _NAMES if name in self.environment))


_NAMES = tuple(word for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") for word in (name, name.lower()))


@lru_cache(maxsize=64)
def _read(flavour: str, environment: tuple[tuple[str, str], ...]) -> ProxyEnvironment:
    """Asked for each endpoint of each component."""
    return ProxyEnvironment.from_mapping(dict(environment), flavour)


def vantages(host: Host) -> dict[str, Vantage]:
    """The vantage of every component; tasks go out as the calling environment does, and what ECS Exec starts in them trusts
    the copy of the CA bundle that it is given (amazon-ecs-agent agent/engine/execcmd)."""
    seen = {component.name: _vantage(component) for component in components(host)}
    has_copy = host.inventory().is_root and NAME in (list_folder(host, CERTS) or ())
    seen["task"] = replace(seen[CALLER], trust=f"file={BUNDLE}|dir={CERTS}") if has_copy else seen[CALLER]
    return seen


def _vantage(component: Component) -> Vantage:
    return Vantage(
        component.name,
        component.source,
        bool(component.exists),
        component.unit,
        component.trust if component.exists else "",
        bool(component.exists) and OWN in component.ca_paths,
        OWN_SUITES.get(component.name, "go"),
        component.effective,
        component,
    )
