"""AWS credentials that lie about on a host. Names and places only: `sed` cuts every value off before it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anywhere.facts.agents.components import Component, components
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.files import read_text
from anywhere.facts.system.quoting import parse_environment_file
from anywhere.facts.system.units import default_environment
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, Probe, ProbeSpec
from anywhere.model import Reason

CREDENTIALS, CONFIG = "/root/.aws/credentials", "/root/.aws/config"
# Section headers whole, of settings only the name. Of each file in turn, so that one that is absent hides none.
_CUT = ("sed", "-n", "-e", r"/^[[:space:]]*\[/p", "-e", r"s/=.*$/=/p")
SHARED = (*_CUT, CREDENTIALS)
SETTINGS = (*_CUT, CONFIG)
ENVIRONMENT = "/etc/environment"

COMMANDS: tuple[tuple[str, ...], ...] = (SHARED, SETTINGS)
FILES: tuple[str, ...] = (ENVIRONMENT,)
FOLDERS: tuple[str, ...] = ()

WRITTEN = "AWS_SHARED_CREDENTIALS_FILE"
# What makes the SDK leave the agent's rotating credentials aside (agents read the environment first).
CHAIN = frozenset(
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE")
    + (WRITTEN, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
    + ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
)
ADDRESS = "169.254.169.254"
# A metadata service is one hop away or absent. A second try comes after one second, so waiting for it would be long.
METADATA = ProbeSpec(ADDRESS, 80, "http", "/latest/meta-data/", ADDRESS, patience=0.2)
ROLE = ProbeSpec(ADDRESS, 80, "http", "/latest/meta-data/iam/security-credentials/", ADDRESS, patience=0.2)

EC2, OTHER, NOTHING, HIDDEN = "ec2", "other", "nothing", "hidden"


@frozen
class SharedFile:
    """A credentials or settings file: its profiles, each with the names of its settings. None: it may not be read."""

    path: str
    profiles: Mapping[str, frozenset[str]] | None

    @property
    def static(self) -> bool:
        """Whether the default profile holds keys without a session token: the SSM agent's own always have one."""
        names = (self.profiles or {}).get("default", frozenset())
        return "aws_access_key_id" in names and "aws_session_token" not in names


@frozen
class Named:
    """Credential variables found in one place, by name."""

    place: str
    names: tuple[str, ...]


@frozen
class MetadataService:
    """What answers at 169.254.169.254: `ec2`, `other` (another cloud's), `nothing`, or `hidden` where it may not be
    asked. `role` is whether it offers a role (None: it wants a session token first), `product` what it calls itself."""

    kind: str = NOTHING
    role: bool | None = False
    product: str = ""
    status: int = 0


def shared_file(host: Host, argv: tuple[str, ...] = SHARED) -> SharedFile:
    """The names in root's credentials file (or in its config, with SETTINGS)."""
    done = host.run(argv, timeout=5)
    missing = done.ok or "No such file" in done.stderr or "Not a directory" in done.stderr
    return SharedFile(argv[-1], parse_names(done.stdout) if missing else None)


def parse_names(text: str) -> dict[str, frozenset[str]]:
    """Profiles and the names of their settings, from a file whose values are cut off.

    ```
    [default]
    aws_access_key_id =
    ```
    """
    found: dict[str, set[str]] = {}
    profile = ""
    for line in text.splitlines():
        line = line.strip()
        if header := re.match(r"\[\s*(?:profile\s+)?([^\]]*?)\s*\]", line):
            profile = header[1]
            found.setdefault(profile, set())
        elif line.endswith("=") and not line.startswith(("#", ";")) and profile:
            found[profile].add(line.rstrip("= \t").lower())
    return {profile: frozenset(names) for profile, names in found.items()}


def named_variables(host: Host) -> tuple[Named, ...]:
    """Credential variables in the agents' settings files, their units and /etc/environment.

    The caller's own variables count for the installer alone and are none of the agents' business.
    """
    places = [Named("/etc/environment", _chain(parse_environment_file(read_text(host, ENVIRONMENT).content)))]
    config = ecs_config(host)
    by_file: dict[str, list[str]] = {}
    for name in _chain(config.agent):
        by_file.setdefault(config.sources[name].rpartition(":")[0], []).append(name)
    places += [Named(place, tuple(names)) for place, names in by_file.items()]
    for component in components(host):
        if component.exists and component.name in ("ssm-agent", "ecs-agent"):
            places += _of_component(host, component, config.agent)
    return tuple(place for place in places if place.names)


def _of_component(host: Host, component: Component, already: Mapping[str, str]) -> list[Named]:
    """Variables of a unit or a running process, apart from those that a settings file gives anyway. What systemd gives
    every unit does not reach the ECS agent, which runs in a container."""
    by_place: dict[str, list[str]] = {}
    is_ssm = component.name == "ssm-agent"
    # Where the SSM agent writes, and no credentials that it would use.
    written = WRITTEN if is_ssm else ""
    general = () if is_ssm else {path for _, path in default_environment(host).values()}
    for name in _chain(component.declared):
        place = component.sources.get(name, component.unit)
        if name not in already and name != written and place not in general:
            by_place.setdefault(place, []).append(name)
    return [Named(place, tuple(names)) for place, names in by_place.items()]


def _chain(environment: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, value in environment.items() if name in CHAIN and value))


def metadata_service(host: Host) -> MetadataService:
    """Ask 169.254.169.254 directly, never through a proxy."""
    first = host.probe(METADATA)
    if first.reason is Reason.NOT_PERMITTED:
        return MetadataService(HIDDEN, None)
    if not first.http:
        return MetadataService()
    product = product_of(first)
    if product != "Amazon EC2":
        return MetadataService(OTHER, None, product, first.http.status)
    if first.http.status == 401:
        return MetadataService(EC2, None, product, 401)
    role = host.probe(ROLE)
    return MetadataService(EC2, bool(role.http and role.http.status == 200), product, first.http.status)


def product_of(probe: Probe) -> str:
    """Whose metadata service answered. EC2's names itself EC2ws; others are known by their answer, or stay unnamed."""
    assert probe.http is not None
    server, body = probe.http.headers.get("server", ""), probe.http.body
    for product, pattern, said in (
        ("Amazon EC2", r"^EC2ws", server),
        ("Google Cloud", r"Metadata Server for VM|metadata-flavor|Metadata-Flavor", server + body),
        ("Azure", r"Required metadata header not specified|IMDS/", server + body),
        ("Oracle Cloud", r"Oracle|opc", server + body),
        ("OpenStack", r"openstack|ami-id|reservation-id", body),
    ):
        if re.search(pattern, said):
            return product
    return ""
