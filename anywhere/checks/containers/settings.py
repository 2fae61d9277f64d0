"""docker's settings against its unit, its release and this host: what does not work now, and what fails at the
next start."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from anywhere.catalogue.daemon_lines.docker import CHECKED
from anywhere.catalogue.daemon_lines.settings import (
    DRIVERS_REMOVED,
    LOG_DRIVERS,
    LOGS_REMOVED,
    REMOVED,
    near_names,
    wrong_kind,
)
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.containers.settings_edit import Edit, renamed, with_value, without_entry, without_flag
from anywhere.checks.containers.settings_pairs import refused_groups, refused_limits, refused_pairs
from anywhere.checks.containers.settings_values import refused_values
from anywhere.checks.remedies import remedy
from anywhere.documents.numbers import whole
from anywhere.errors import did_you_mean
from anywhere.facts.agents.daemon_json import PATH, daemon_json
from anywhere.facts.agents.docker import docker, docker_info
from anywhere.facts.files import list_folder
from anywhere.facts.system.docker_flags import docker_flags
from anywhere.facts.system.machine import parse_version, without_ipv6
from anywhere.facts.system.units import DOCKER, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

ID = "containers.settings"
CAUSE = "config.invalid"
PROXY_KEYS, CLIENT_KEYS = (
    ("http-proxy", "https-proxy", "no-proxy"),
    ("httpProxy", "httpsProxy", "noProxy", "ftpProxy", "allProxy"),
)
OWN_RUNTIMES = ("", "runc", "io.containerd.runc.v2")
PATH_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@frozen
class Fault:
    """A setting that dockerd refuses at its next start: what is wrong, what to do, and the edit where one is known."""

    says: str
    fix: str
    edit: Edit | None = None


@check(ID)
def settings_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found, asked = daemon_json(host), docker(host)
    if asked.state == "absent":
        yield skipped(ID, "docker", "docker is not installed", because="containers.docker")
        return
    if found.exists is None:
        yield needs_root(ID, PATH, f"{PATH} may not be read by this user")
        return
    if asked.state != "answers":
        yield skipped(ID, PATH, "docker does not answer", because="containers.docker")
        return
    troubles = [*_runtime(host), *_limits(host), *(_later(host, fault) for fault in refused_settings(host))]
    yield from _while_lines_stand(troubles)
    if not troubles:
        count = len(found.raw)
        what = f"{PATH} ({count} setting{'' if count == 1 else 's'})" if found.exists else "no daemon.json"
        looked = "names, kinds of values, release of Docker, flags of the unit, runtime, plugins, options of the storage driver"
        yield passed(ID, "docker", f"{what}: nothing that docker would refuse ({looked})")


def _while_lines_stand(found: Sequence[Finding]) -> Iterator[Finding]:
    """The numbers of lines hold until one goes: what edits the file after that has no command; the next check gives it."""
    gone = False
    for one in found:
        commands = one.remedy.commands if one.remedy else ()
        edits = [word for command in commands if command[-1] == PATH for word in command]
        if gone and edits and one.remedy:
            yield replace(one, remedy=replace(one.remedy, commands=()))
        else:
            gone = gone or any(re.fullmatch(r"[\d,]+d", word) for word in edits)
            yield one


def _later(host: Host, fault: Fault) -> Finding:
    said = f"docker runs, and will not start again: {fault.says}"
    edit = fault.edit
    text = f"{fault.fix} {edit.text}" if edit else f"{fault.fix} {CHECKED}" if can_validate(host) else fault.fix
    return trouble(
        ID, Status.WARN, PATH, said, cause=CAUSE, remedy=remedy(host, text, *(edit.commands if edit else ()))
    )


def engine(host: Host) -> tuple[int, ...]:
    """The release of Docker: the daemon's, or the client's where it does not answer."""
    said = docker(host).version
    return parse_version(said.server or said.client)


def can_validate(host: Host) -> bool:
    """Whether dockerd knows --validate, which came with 23.0 (20.10 answers `unknown flag`)."""
    return engine(host) >= (23,)


def refused_settings(host: Host) -> tuple[Fault, ...]:
    """What dockerd refuses when it starts, by its settings alone."""
    found, unit = daemon_json(host), units(host)[DOCKER]
    if found.error:
        return (Fault(found.error, f"Correct {PATH}."),)
    flags = docker_flags(host, unit)
    twice = flags.both(tuple(found.raw))
    return (
        *(_twice(host, name, f"{flags.path}:{flags.line}") for name in twice),
        *_names(host, found.raw, engine(host)),
        *_proxies(found.raw),
        *_drivers(host, found.raw, engine(host)),
        *_addresses(host, found.raw),
        *_bridge(host, found.bridge),
        *_ipv6(host, found.raw),
        *(Fault(f"{one.says} ({PATH})", one.fix, one.edit) for one in refused_values(host, found.raw)),
        *(Fault(one.says, one.fix, one.edit) for one in refused_pairs(host, found.raw)),
    )


def _twice(host: Host, name: str, place: str) -> Fault:
    says = f"{name} is set twice, in {PATH} and as a flag in {place}"
    unix = any(one.startswith("unix://") for one in daemon_json(host).hosts)
    edit = without_flag(host, units(host)[DOCKER], name) if name != "hosts" or unix else None
    return Fault(says, f"Keep one of the two places for {name}.", edit or without_entry(host, name))


def _names(host: Host, raw: Mapping[str, object], release: tuple[int, ...]) -> Iterator[Fault]:
    for name, value in raw.items():
        if name in REMOVED and release >= REMOVED[name][0]:
            gone, fix = REMOVED[name]
            says = f"{PATH} holds {name}, which Docker {_dotted(gone)} took away"
            yield Fault(says, f"{fix[0].upper()}{fix[1:]}.", _instead(host, name, fix))
        elif near := near_names(name):
            says = f"{PATH} holds {name}, which is no setting of Docker; did you mean {' or '.join(near)}?"
            yield Fault(says, "Correct the name.", renamed(host, name, near[0]) if len(near) == 1 else None)
        elif needed := wrong_kind(name, value):
            plain = _unquoted(value)
            edit = with_value(host, plain, name) if plain is not None and not wrong_kind(name, plain) else None
            yield Fault(f"{name} in {PATH} has to be {needed}", "Correct the value.", edit)


def _proxies(raw: Mapping[str, object]) -> Iterator[Fault]:
    """dockerd takes the names inside of an object for settings, and ends at those that it does not know (moby
    daemon/config/config.go, configValuesSet and findConfigurationConflicts; docker/docs issue 20172, pull request 18702)."""
    inside = raw.get("proxies")
    strange = [name for name in inside if name not in PROXY_KEYS] if isinstance(inside, dict) else []
    if strange:
        of_client = "default" in strange or any(name in CLIENT_KEYS for name in strange)
        shown = ", ".join(f"`{name[:40]}`" for name in strange[:3])
        says = f"{PATH}: {shown} in `proxies` {'is not a dockerd setting' if len(strange) == 1 else 'are not dockerd settings'}"
        says += ": that is the form of the client's ~/.docker/config.json" if of_client else ""
        yield Fault(
            says, f"Name {', '.join(PROXY_KEYS)} directly in proxies, each with its value, and take the rest out."
        )


def _instead(host: Host, name: str, fix: str) -> Edit | None:
    """What is written in place of a removed setting: another name in daemon.json, a line of the unit, or nothing."""
    wanted = fix.removeprefix("write ")
    if wanted == fix:
        return without_entry(host, name)
    return renamed(host, name, wanted) if wrong_kind(wanted, None) else None


def _unquoted(value: object) -> object:
    """The number or switch that stands in quotes, or the text that stands without; None for any other value."""
    if isinstance(value, str):
        plain = value.strip().lower()
        return plain == "true" if plain in ("true", "false") else whole(plain)
    return json.dumps(value) if isinstance(value, int | float) else None


def _drivers(host: Host, raw: Mapping[str, object], release: tuple[int, ...]) -> Iterator[Fault]:
    storage, log = raw.get("storage-driver"), raw.get("log-driver")
    if isinstance(storage, str) and release >= DRIVERS_REMOVED.get(storage, (1000,)):
        says = f"the storage driver {storage} was taken out of Docker {_dotted(DRIVERS_REMOVED[storage])}"
        yield Fault(says, "Save what is needed of its images, then take the line out: overlay2 is the default.")
    if not isinstance(log, str) or "/" in log or ":" in log or log in docker_info(host).log_drivers:
        return
    if release >= LOGS_REMOVED.get(log, (1000,)):
        yield Fault(
            f"the log driver {log} was taken out of Docker {_dotted(LOGS_REMOVED[log])}", "Name another log driver."
        )
    elif log not in (*LOG_DRIVERS, *LOGS_REMOVED) and (hint := did_you_mean(log, LOG_DRIVERS, cutoff=0.7)):
        yield Fault(f"docker has no log driver {log}; {hint}", "Correct the name.")


def _addresses(host: Host, raw: Mapping[str, object]) -> Iterator[Fault]:
    bip = raw.get("bip")
    if not isinstance(bip, str) or not bip:
        return
    try:
        found = ipaddress.ip_interface(bip)
    except ValueError:
        yield Fault(f"bip {bip} in {PATH} is no address with a prefix", "Write it as 10.200.0.1/24.")
        return
    if "/" not in bip:
        yield Fault(f"bip {bip} in {PATH} has no prefix", "Write it as 10.200.0.1/24.")
    elif found.ip == found.network.network_address:
        says = f"bip {bip} in {PATH} names a network, not the address of the bridge in it"
        wanted = f"{found.network.network_address + 1}/{found.network.prefixlen}"
        yield Fault(says, f"Write {wanted}.", with_value(host, wanted, "bip"))


def _bridge(host: Host, name: str) -> Iterator[Fault]:
    """A bridge of the site's own has to be there: docker makes docker0 alone."""
    runs = docker(host).state == "answers"  # then the containers' way says so
    if runs or name in ("", "none", "docker0") or any(card.name == name for card in host.inventory().interfaces):
        return
    says = f"bridge {name} in {PATH} is not there: docker uses it, and does not make it"
    fix = f"Make the bridge {name} at boot (with an address, before docker starts), or let docker use its own."
    yield Fault(says, fix, without_entry(host, "bridge"))


def _ipv6(host: Host, raw: Mapping[str, object]) -> Iterator[Fault]:
    """docker reads /proc/sys/net/ipv6 of its bridge (moby libnetwork/drivers/bridge/setup_ipv6_linux.go)."""
    if raw.get("ipv6") is True and without_ipv6(host):
        says = f"ipv6 is on in {PATH}, and this kernel has no IPv6 (ipv6.disable=1 at boot, or not built in)"
        yield Fault(says, "Switch it off for docker, or take ipv6.disable=1 off the kernel's command line and reboot.",
                    without_entry(host, "ipv6"))  # fmt: skip


def _runtime(host: Host) -> Iterator[Finding]:
    """The agent is a container too: a default runtime that starts none keeps the agent from starting."""
    info, found = docker_info(host), daemon_json(host)
    name = info.default_runtime or str(found.raw.get("default-runtime") or "")
    if name in OWN_RUNTIMES:
        return
    path = info.runtimes.get(name, "")
    if not path or _is_there(host, path) is not False:
        return
    said = f"the default runtime {name} ({path}) of docker is not there, so docker starts no container, the ECS agent neither"
    edit = without_entry(host, "default-runtime")
    text = f"Install {name}, or leave runc as the default: name {name} only for the containers that need it. "
    text += f"{edit.text} Then restart docker (containers stop unless live-restore is set) and ecs." if edit else ""
    commands = (*edit.commands, ("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs")) if edit else ()
    evidence = {"runtime": name, "path": path}
    fix = remedy(host, text, *commands)
    yield trouble(ID, Status.FAIL, f"default-runtime {name}", said, cause=CAUSE, remedy=fix, evidence=evidence)


def _limits(host: Host) -> Iterator[Finding]:
    """What keeps containers from starting now, while dockerd itself takes it."""
    raw = daemon_json(host).raw
    for one in (*refused_groups(host, raw), *refused_limits(host, raw)):
        text = f"{one.fix} {one.edit.text if one.edit else ''} Then restart docker (containers stop unless live-restore is set)"
        commands = (
            (*one.edit.commands, ("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs"))
            if one.edit
            else ()
        )
        fix = remedy(host, f"{text} and ecs.", *commands)
        yield trouble(ID, Status.FAIL, PATH, f"{one.says} ({PATH})", cause=CAUSE, remedy=fix)


def _is_there(host: Host, program: str) -> bool | None:
    """Whether a program is on this host; a bare name is looked for as docker's unit does."""
    folder, slash, name = program.rpartition("/")
    seen = [list_folder(host, one) for one in ((folder or "/",) if slash else PATH_FOLDERS)]
    if any(names is not None and name in names for names in seen):
        return True
    return None if any(names is None for names in seen) else False


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) + (".0" if len(version) == 1 else "")


CHECKS: tuple[Check, ...] = (settings_check,)
