"""The proxy profile as drop-ins of systemd: which units, which variables, and in a form that wins over what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.changes.base import Step
from anywhere.changes.files import file_step
from anywhere.changes.proxy.profile import Profile, drop_in, environment_file, file_drop_in, split
from anywhere.facts.files import Access, read_text
from anywhere.facts.system import units as unit_facts
from anywhere.facts.system.quoting import parse_environment_file
from anywhere.facts.system.units import Unit, environment_files
from anywhere.hosts.base import Host

NAME = "zz-anywhere-proxy"
CONFIG = "/etc/ecs/ecs.config"
UPPER = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Docker first, since the ECS agent is one of its containers and stops with it.
ORDER = (unit_facts.DOCKER, unit_facts.DOCKER_SNAP, unit_facts.SSM, unit_facts.SSM_SNAP, unit_facts.ECS)


def paths(unit: str) -> tuple[str, str]:
    """The drop-in of a unit and the environment file that it may name.

    Read after the usual http-proxy.conf: systemd takes drop-ins by name, and the last word on a variable counts."""
    stem = f"/etc/systemd/system/{unit}.d/{NAME}"
    return f"{stem}.conf", f"{stem}.env"


def wanted_units(found: Mapping[str, Unit]) -> tuple[str, ...]:
    """The units of the profile: those that are here, and those that registration will bring."""
    snaps = (unit_facts.DOCKER_SNAP, unit_facts.SSM_SNAP)
    return tuple(name for name in ORDER if found[name].exists or name not in snaps)


def variables(name: str, profile: Profile, unit: Unit) -> dict[str, str]:
    """A unit's variables. The SSM agent gets the lower-case names (AWS configure-proxy-ssm-agent), and those in upper case
    that are there already, since they win (Go, golang.org/x/net/http/httpproxy, FromEnvironment)."""
    present = unit.environment.get("NO_PROXY") or unit.environment.get("no_proxy", "")
    values = dict(zip(UPPER, (profile.url, profile.url, profile.exclusions(present))))
    if name not in (unit_facts.SSM, unit_facts.SSM_SNAP):
        return values
    there = {key: value for key, value in values.items() if unit.environment.get(key)}
    return {key.lower(): value for key, value in values.items()} | there


def satisfied(present: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Whether what is there says the same: equal URLs, and at least these exclusions."""
    for name, value in values.items():
        has = present.get(name, "")
        if name.upper() == "NO_PROXY":
            if not set(split(value)) <= set(split(has)) and has.strip() != "*":
                return False
        elif has != value:
            return False
    return True


def drop_in_steps(host: Host, found: Mapping[str, Unit], profile: Profile) -> Iterator[Step]:
    """The steps that give the units the profile; none for a unit whose own files say the same."""
    secret = profile.is_secret
    mode = "0600" if secret else "0644"
    whom = " with credentials, for root alone" if secret else ""
    for name in wanted_units(found):
        path, beside = paths(name)
        values = variables(name, profile, found[name])
        if satisfied(found[name].environment, values) and read_text(host, path).access is Access.MISSING:
            continue
        text = drop_in(values)
        # systemd tells every local user what `Environment=` holds (systemctl show), of a file its path alone.
        # A file that was written for credentials is written again, so that no old ones are left in it.
        there = read_text(host, beside).access is not Access.MISSING
        if secret or there or _is_in_a_file(host, found[name], beside):
            title = f"write {beside}: {profile.address}{whom}"
            yield from file_step(host, beside, environment_file(values).encode(), title, mode=mode, secret=secret)
            text = file_drop_in(beside)
        title = f"write {path}: {profile.address}{whom}"
        yield from file_step(host, path, text.encode(), title, mode=mode, secret=secret)


def _is_in_a_file(host: Host, unit: Unit, ours: str) -> bool:
    """Whether an environment file of the unit names a proxy: that wins over `Environment=` wherever it stands, and only a
    later file wins over it (systemd.exec(5)). What ecs.config says is merged there."""
    others = [path for path in environment_files(host, unit) if path not in (ours, CONFIG)]
    names = {name.upper() for path in others for name in parse_environment_file(read_text(host, path).content)}
    return not names.isdisjoint(UPPER)
