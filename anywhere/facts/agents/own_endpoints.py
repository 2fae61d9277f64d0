"""A site's own endpoints: those that were named, docker's mirrors and registries, containerd's hosts.toml, and what the
agents' settings put in the place of a regional name.

Sources: moby daemon/config (registry-mirrors, insecure-registries) and registry/service_v2.go; containerd
docs/hosts.md; amazon-ecs-agent agent/config (ECS_BACKEND_HOST), ecs-agent/api/ecs/client/ecs_client.go (newECSConfig) and its
aws-sdk-go-v2 (config/env_config.go, service/ecs/endpoints.go: resolveBaseEndpoint); amazon-ssm-agent agent/appconfig (Ssm, Mgs,
Mds, S3, Kms).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from anywhere.catalogue.endpoints import Endpoint, endpoints
from anywhere.catalogue.requests import OWN
from anywhere.declared.own import Own, parse_own, parse_url
from anywhere.errors import BadInput
from anywhere.facts.agents.daemon_json import PATH as DAEMON_JSON
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.ssm.settings import PATHS as SSM_SETTINGS
from anywhere.facts.ssm.settings import ssm_settings
from anywhere.hosts.base import Host
from anywhere.settings import PHASES, Settings

HOSTS_TOML = "/etc/containerd/certs.d"
COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = SSM_SETTINGS
FOLDERS: tuple[str, ...] = (HOSTS_TOML,)
# The section of the SSM agent's settings whose Endpoint stands in for a service.
SSM_SECTIONS = {"ssm": "ssm", "ssmmessages": "mgs", "ec2messages": "mds", "s3": "s3", "kms": "kms"}
BACKEND = "ECS_BACKEND_HOST"
# What the ECS agent's SDK reads by itself, the first that is set decides.
URLS = ("AWS_ENDPOINT_URL_ECS", BACKEND, "AWS_ENDPOINT_URL")
IGNORED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
FIPS, DUALSTACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
# A stand-in on this host: the check of settings sees whether somebody listens there.
LOOPBACK = re.compile(r"https?://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?(?:/|$)")


def own_endpoints(host: Host, settings: Settings) -> tuple[Endpoint, ...]:
    """What this site has beside AWS's names: named on the command line, or in docker's and containerd's settings."""
    found = [_endpoint(parse_own(value), "--endpoint", required=True) for value in settings.own]
    if not settings.phases or "run" in settings.phases:
        found += [*_docker(host), *_containerd(host)]
    return tuple({(one.component, one.scheme, one.host, one.port): one for one in reversed(found)}.values())[::-1]


def _endpoint(own: Own, source: str, *, required: bool, verify: bool = True) -> Endpoint:
    return Endpoint(
        service=OWN,
        host=own.host,
        port=own.port,
        scheme=own.scheme,
        path=own.path,
        phases=PHASES,
        component=own.component,
        required=required,
        feature="",
        shard=0,
        purpose="an endpoint of this site",
        source=source,
        note="",
        pattern=own.host,
        verify=verify,
    )


def _docker(host: Host) -> Iterator[Endpoint]:
    """Mirrors, which docker passes over when they fail, and registries that need no valid certificate."""
    found = daemon_json(host)
    for kind, values in (("registry-mirrors", found.mirrors), ("insecure-registries", found.insecure)):
        for value in values:
            is_insecure = kind == "insecure-registries" or _authority(value) in found.insecure
            if own := _registry(value):
                source = f"{DAEMON_JSON}: {kind}"
                yield _endpoint(own, source, required=False, verify=not is_insecure)


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _registry(value: str) -> Own | None:
    """A registry's API; None for a network (`10.0.0.0/8`) and for what is no URL."""
    rest = value.partition("://")[2] or value
    if "://" not in value and "/" in rest:
        return None
    try:
        own = parse_url(value, "registry", "docker")
    except BadInput:
        return None
    return replace(own, path=f"{own.path.rstrip('/')}/v2/")


def _containerd(host: Host) -> Iterator[Endpoint]:
    """The hosts of every `hosts.toml`."""
    names = list_folder(host, HOSTS_TOML)
    if not names:
        return
    import tomllib  # most hosts have no such file

    for name in names:
        path = f"{HOSTS_TOML}/{name}/hosts.toml"
        text = read_text(host, path).content
        try:
            found = tomllib.loads(text) if text else {}
        except (ValueError, RecursionError):
            continue
        hosts = found.get("host")
        for url, said in hosts.items() if isinstance(hosts, dict) else ():
            settings = said if isinstance(said, dict) else {}
            ca = settings.get("ca")
            folder = ca.rpartition("/")[0] if isinstance(ca, str) and ca.endswith(".crt") else ""
            verify = settings.get("skip_verify") is not True and (not ca or bool(folder))
            if own := _registry(str(url)):
                yield replace(_endpoint(own, path, required=False, verify=verify), trust_folder=folder)


def with_overrides(host: Host, found: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints with what the agents' own settings put in their place, as the agents do."""
    backend = ecs_config(host)
    own: dict[tuple[str, str], tuple[str, str]] = {}
    values = ((name, backend.agent.get(name, "").strip()) for name in urls(backend))
    named = [(name, value) for name, value in values if value and (name == BACKEND or not LOOPBACK.match(value))]
    plain = next((one.host for one in found if (one.component, one.service) == ("ecs-agent", "ecs")), "")
    for name, value in [*named, *_by_switch(backend.agent, plain)][:1]:
        own["ecs-agent", "ecs"] = (value, f"{name} in {backend.sources.get(name, 'ecs.config')}")
    for service, (value, place) in _ssm_settings(host).items():
        own["ssm-agent", service] = (value, place)
    return tuple(
        _replaced(one, *own[one.component, one.service]) if (one.component, one.service) in own else one
        for one in found
    )


def urls(config: EcsConfig) -> tuple[str, ...]:
    """The settings that may name the endpoint, the first that is set before the others."""
    return (BACKEND,) if is_on(config.agent.get(IGNORED, "")) else URLS


def is_on(value: str) -> bool:
    """Whether the SDK takes a switch for on; it knows true and false alone, in any case."""
    return value.strip().lower() == "true"


def _by_switch(agent: Mapping[str, str], plain: str) -> Iterator[tuple[str, str]]:
    """The switch and the name of ECS that it stands for; nothing where that kind of name is not known to exist in this
    region."""
    fips, dual = is_on(agent.get(FIPS, "")), is_on(agent.get(DUALSTACK, ""))
    if plain.count(".") > 1 and (fips or dual):
        other = ecs_name(plain.split(".")[1], fips=fips, dualstack=dual)
        if other not in ("", plain):
            yield FIPS if fips else DUALSTACK, other


def ecs_name(region: str, *, fips: bool = False, dualstack: bool = False) -> str:
    """The name of ECS of this kind; the plain one where the kind is not known to exist there, empty for no region."""
    try:
        rows = endpoints(region, phases=("run",), shards=1, fips=fips, dualstack=dualstack)
    except BadInput:
        return ""
    return next(row.host for row in rows if (row.component, row.service) == ("ecs-agent", "ecs"))


def _replaced(endpoint: Endpoint, value: str, place: str) -> Endpoint:
    try:
        own = parse_url(value, place, endpoint.component, "wss" if endpoint.scheme == "wss" else "https")
    except BadInput:
        return endpoint  # the settings' own check says so
    scheme = endpoint.scheme if own.scheme != "http" else own.scheme
    path = endpoint.path if own.path == "/" else own.path
    note = f"{place} replaces {endpoint.host}"
    return replace(endpoint, host=own.host, port=own.port, scheme=scheme, path=path, pattern=own.host, note=note)


def _ssm_settings(host: Host) -> dict[str, tuple[str, str]]:
    """The endpoints that the SSM agent's settings name, with the file and the key."""
    found = ssm_settings(host)
    named = {service: (section, found.get(section, "Endpoint")) for service, section in SSM_SECTIONS.items()}
    return {
        service: (value.strip(), f"{section.title()}.Endpoint in {found.path}")
        for service, (section, value) in named.items()
        if isinstance(value, str) and value.strip()
    }
