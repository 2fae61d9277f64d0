"""systemd units: state and environment as `systemctl show` says, or from the unit files where it cannot answer."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import lru_cache

from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded
from anywhere.facts.files import Access, list_folder, read_text
from anywhere.facts.system.quoting import (
    assignments,
    parse_environment_file,
    parse_section,
    parse_service,
    split_words,
    unit_environment,
)
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run

DOCKER, DOCKER_SNAP, PODMAN = "docker.service", "snap.docker.dockerd.service", "podman.socket"
ECS = "ecs.service"
SSM, SSM_SNAP = "amazon-ssm-agent.service", "snap.amazon-ssm-agent.amazon-ssm-agent.service"
TIME_SERVICES = (
    "chronyd.service",
    "chrony.service",
    "systemd-timesyncd.service",
    "ntpd.service",
    "ntp.service",
    "ntpsec.service",
    "openntpd.service",
    "ntpd-rs.service",
)
ENVIRONMENT_FILES = ("EnvironmentFiles", "EnvironmentFile")  # systemd 219 prints it without the s (moby #21572)
# What sets or keeps rules of the packet filter; the last is our own guard.
RULES_UNIT = "anywhere-rules.service"
PACKET_FILTERS = (
    *("firewalld.service", "ufw.service", "nftables.service", "netfilter-persistent.service", "iptables.service"),
    *("ferm.service", "shorewall.service", RULES_UNIT),
)
DOCKER_SOCKET, CONTAINERD = "docker.socket", "containerd.service"
AGENT_UNITS = (DOCKER, DOCKER_SNAP, ECS, SSM, SSM_SNAP)
UNITS = (*AGENT_UNITS, DOCKER_SOCKET, CONTAINERD, PODMAN, *TIME_SERVICES, *PACKET_FILTERS)

PROPERTIES = (
    "Id,Names,LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,ExecMainCode,MainPID,NRestarts,"
    "RestartPreventExitStatus,Environment,EnvironmentFiles,UnsetEnvironment,FragmentPath,DropInPaths,NeedDaemonReload,"
    "ExecMainStartTimestampMonotonic,Job,ConditionResult,ConditionTimestamp,AssertResult,AssertTimestamp"
)
SHOW = ("systemctl", "show", "--no-pager", "-p", PROPERTIES, *UNITS)

# Highest precedence first (systemd.unit(5), "Unit File Load Path").
ROOTS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)

# systemd's own settings; of two files of one name the first folder's wins (systemd-system.conf(5)).
MANAGER = "/etc/systemd/system.conf"
MANAGER_FOLDERS = tuple(f"{root}/systemd/system.conf.d" for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))

COMMANDS: tuple[tuple[str, ...], ...] = (SHOW,)
FILES: tuple[str, ...] = ("/etc/default/docker", "/etc/sysconfig/docker", MANAGER)
FOLDERS: tuple[str, ...] = (*ROOTS, *MANAGER_FOLDERS)


@frozen
class Unit:
    """A unit. `loaded`, `active` and the rest are None or empty where only files could be read (`source` is `files`).

    `environment` is what the unit declares: systemd's own `DefaultEnvironment=`, `Environment=` lines, then its environment
    files, the later over the earlier. `sources` says which file set a name. `hidden` lists the environment files that may
    not be read, `ignored` the variables that a file declares and systemd drops: file, name, reason. `load` is systemd's
    LoadState, `job` the number of a job that is queued for the unit (0 for none), `unmet` whether a condition or an
    assertion kept it from starting, `started` when its process started, in seconds since the boot (0 where not known).
    """

    name: str
    exists: bool = False
    source: str = "systemctl"
    active: str = ""
    sub: str = ""
    enabled: str = ""
    result: str = ""
    exit_status: int | None = None
    restarts: int | None = None
    pid: int = 0
    final_exits: tuple[str, ...] = ()
    fragment: str = ""
    drop_ins: tuple[str, ...] = ()
    stale: bool = False
    masked: bool = False
    names: tuple[str, ...] = ()
    inline: Mapping[str, str] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str, str], ...] = ()
    load: str = ""
    job: int = 0
    unmet: bool = False
    started: float = 0.0

    @property
    def service(self) -> str:
        """The name as commands take it: without `.service`."""
        return self.name.removesuffix(".service")

    @property
    def is_running(self) -> bool | None:
        """None where systemd could not be asked."""
        return self.active in ("active", "reloading") if self.active else None

    @property
    def is_enabled(self) -> bool | None:
        """Whether it starts at boot; None where systemd could not be asked."""
        return self.enabled in ("enabled", "enabled-runtime", "static", "alias") if self.enabled else None


@once_a_run
def units(host: Host) -> Mapping[str, Unit]:
    """All units of UNITS by the name asked for, each with the environment that it declares."""
    shown = parse_show(host.run(SHOW, timeout=2).stdout)
    if shown:
        by_name = {alias: unit for unit in shown for alias in (*unit.names, unit.name)}
        found = {name: _as_on_disk(host, replace(by_name.get(name, Unit(name)), name=name)) for name in UNITS}
        found |= _to_come(host, [found[name] for name in AGENT_UNITS if not found[name].exists])
    else:
        present = {root: list_folder(host, root) or () for root in ROOTS}
        found = {name: unit_from_files(host, name, present) for name in UNITS}
    return {name: _with_environment(host, unit) for name, unit in found.items()}


def _as_on_disk(host: Host, unit: Unit) -> Unit:
    """A stopped unit whose file is gone, as after its package: until it is reloaded systemd shows it as loaded, and can
    neither start nor enable it."""
    folder, _, name = unit.fragment.rpartition("/")
    is_told = unit.stale or unit.enabled == "bad"
    if not is_told or unit.active not in ("inactive", "failed") or folder not in ROOTS:
        return unit
    names = list_folder(host, folder)
    return unit if names is None or name in names else Unit(unit.name, load="not-found")


def _to_come(host: Host, absent: Iterable[Unit]) -> dict[str, Unit]:
    """Units that are not here yet, with what their drop-ins already declare: a proxy's profile is written before them, and
    systemd says nothing of it until the unit itself is there."""
    present = {root: list_folder(host, root) or () for root in ROOTS}
    found = {}
    for unit in absent:
        if drop_ins := _drop_ins(host, unit.name, present):
            settings = [
                (path, key, value) for path in drop_ins for key, value in parse_service(read_text(host, path).content)
            ]
            found[unit.name] = replace(_apply(replace(unit, source="files"), settings), source="systemctl")
    return found


def asked_systemd(found: Mapping[str, Unit]) -> bool:
    """Whether systemd itself answered."""
    return any(unit.source == "systemctl" for unit in found.values())


@lru_cache(maxsize=32)
def parse_show(text: str) -> tuple[Unit, ...]:
    """The blocks of `systemctl show`, one a unit, in the order asked. Lines without `=` are left out.

    ```
    Id=docker.service
    Environment=HTTPS_PROXY=http://proxy:3128 "NO_PROXY=localhost, 10.0.0.0/8"
    EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
    ```
    """
    return tuple(unit for block in parse_blocks(text) if (unit := _unit_of(block)).name)


def parse_blocks(text: str) -> Iterator[list[tuple[str, str]]]:
    """The properties of each unit in what `systemctl show` prints."""
    block: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not line.strip() or (name == "Id" and any(key == "Id" for key, _ in block)):
            yield block
            block = []
        if equals:
            block.append((name.strip(), value.strip()))
    yield block


def _unit_of(block: list[tuple[str, str]]) -> Unit:
    said = dict(block)
    load = said.get("LoadState", "")
    return Unit(
        name=said.get("Id", ""),
        exists=load in ("loaded", "masked", "bad-setting", "error"),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        enabled=said.get("UnitFileState", ""),
        result=said.get("Result", ""),
        exit_status=whole(said.get("ExecMainStatus", "")),
        restarts=whole(said.get("NRestarts", "")),
        pid=whole(said.get("MainPID", "")) or 0,
        final_exits=tuple(said.get("RestartPreventExitStatus", "").split()),
        fragment=said.get("FragmentPath", ""),
        drop_ins=split_words(said.get("DropInPaths", "")),
        stale=said.get("NeedDaemonReload") == "yes",
        masked=load == "masked",
        names=tuple(said.get("Names", "").split()),
        inline=assignments(said.get("Environment", "")),
        environment_files=tuple(
            value.rpartition(" (ignore_errors=")[0] or value
            for key, value in block
            if key in ENVIRONMENT_FILES and value
        ),
        unset=split_words(said.get("UnsetEnvironment", "")),
        load=load,
        job=whole(said.get("Job", "")) or 0,
        started=(whole(said.get("ExecMainStartTimestampMonotonic", "")) or 0) / 1e6,
        unmet=_is_unmet(said, "Condition") or _is_unmet(said, "Assert"),
    )


def _is_unmet(said: Mapping[str, str], kind: str) -> bool:
    """A unit that was never started has the result `no` too, and no time of the test."""
    return said.get(f"{kind}Result") == "no" and said.get(f"{kind}Timestamp") != ""


def unit_from_files(host: Host, name: str, present: Mapping[str, Iterable[str]]) -> Unit:
    """A unit as its files declare it. `present` names what each folder of ROOTS holds."""
    fragment = next((f"{root}/{name}" for root in ROOTS if name in present[root]), "")
    drop_ins = _drop_ins(host, name, present)
    text = read_text(host, fragment) if fragment else None
    masked = bool(text and text.access is Access.READ and not text.content.strip())
    unit = Unit(name, bool(fragment), "files", fragment=fragment, drop_ins=drop_ins, masked=masked)
    settings = [
        (path, key, value)
        for path in ((fragment,) if fragment else ()) + drop_ins
        for key, value in parse_service(read_text(host, path).content)
    ]
    return _apply(unit, settings) if unit.exists else unit


def _drop_ins(host: Host, name: str, present: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Drop-ins in the order systemd reads them: by file name, whatever the folder; of equal names the first wins."""
    by_name: dict[str, str] = {}
    for folder in _drop_in_folders(name):
        for root in ROOTS:
            for file in (list_folder(host, f"{root}/{folder}") or ()) if folder in present[root] else ():
                if file.endswith(".conf") and not file.startswith("."):
                    by_name.setdefault(file, f"{root}/{folder}/{file}")
    return tuple(path for _, path in sorted(by_name.items()))


def _drop_in_folders(name: str) -> tuple[str, ...]:
    """`amazon-ssm-agent.service.d`, `amazon-ssm-.service.d`, `amazon-.service.d`, `service.d`: most special first."""
    stem, _, kind = name.rpartition(".")
    words = stem.split("-")
    shorter = ["-".join(words[:count]) + "-" for count in range(len(words) - 1, 0, -1)]
    return (*(f"{prefix}.{kind}.d" for prefix in (stem, *shorter)), f"{kind}.d")


def _apply(unit: Unit, settings: list[tuple[str, str, str]]) -> Unit:
    """The settings in their order; an empty value clears what was said before (systemd.exec(5))."""
    inline: dict[str, str] = {}
    sources: dict[str, str] = {}
    ignored: list[tuple[str, str, str]] = []
    lists: dict[str, tuple[str, ...]] = {"EnvironmentFile": (), "UnsetEnvironment": (), "RestartPreventExitStatus": ()}
    for path, key, value in settings:
        if key == "Environment":
            new, lost = unit_environment(value)
            ignored += [(path, name, why) for name, why in lost]
            inline = {**inline, **new} if value else {}
            sources = {**sources, **dict.fromkeys(new, path)} if value else {}
        elif key == "EnvironmentFile":
            lists[key] = (*lists[key], value.lstrip("-")) if value else ()
        elif key in lists:
            lists[key] = (*lists[key], *split_words(value)) if value else ()
    return replace(
        unit,
        inline=inline,
        sources=sources,
        environment_files=lists["EnvironmentFile"],
        unset=lists["UnsetEnvironment"],
        final_exits=lists["RestartPreventExitStatus"],
        ignored=tuple(ignored),
    )


def _with_environment(host: Host, unit: Unit) -> Unit:
    usual = default_environment(host)
    environment = {name: value for name, (value, _) in usual.items()} | dict(unit.inline)
    if unit.source == "systemctl" and unit.inline:
        unit = replace(unit, sources=_said_by(host, unit))
    if unit.source == "systemctl":
        unit = replace(unit, ignored=_ignored(host, unit))
    where = {name: path for name, (_, path) in usual.items()}
    where |= {name: unit.sources.get(name, unit.name) for name in unit.inline}
    hidden = []
    for path in environment_files(host, unit):
        text = read_text(host, path)
        if text.access is Access.FORBIDDEN:
            hidden.append(path)
        read = parse_environment_file(text.content)
        environment.update(read)
        where.update(dict.fromkeys(read, path))
    unset = frozenset(unit.unset)
    kept = {name: value for name, value in environment.items() if not {name, f"{name}={value}"} & unset}
    return replace(unit, environment=kept, sources=where, hidden=tuple(hidden))


@once_a_run
def default_environment(host: Host) -> Mapping[str, tuple[str, str]]:
    """What systemd gives every unit: each variable's value and the file that sets it (systemd-system.conf(5))."""
    by_name: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    try:
        for folder in MANAGER_FOLDERS:
            for file in list_folder(host, folder) or ():
                if file.endswith(".conf"):
                    by_name.setdefault(file, f"{folder}/{file}")
        for path in (MANAGER, *(path for _, path in sorted(by_name.items()))):
            for _, key, value in parse_section(read_text(host, path).content, "[Manager]"):
                if key == "DefaultEnvironment":
                    new = {name: (text, path) for name, text in unit_environment(value)[0].items()}
                    found = {**found, **new} if value else {}
    except NotRecorded:  # a bundle of a version that did not read them
        return {}
    return found


def environment_files(host: Host, unit: Unit) -> Iterator[str]:
    """The paths of a unit's environment files in their order. An `EnvironmentFile=` may be a pattern, which stands for the
    files that it matches, in order (systemd.exec(5))."""
    for path in unit.environment_files:
        folder, _, pattern = path.rpartition("/")
        if any(letter in pattern for letter in "*?["):
            names = list_folder(host, folder or "/")
            if names is None:
                yield path  # whoever reads it learns why
            shown = (name for name in names or () if not name.startswith(".") or pattern.startswith("."))
            yield from (f"{folder}/{name}" for name in sorted(fnmatch.filter(shown, pattern)) if name)
        else:
            yield path


def _said_by(host: Host, unit: Unit) -> dict[str, str]:
    """Which of the unit's files set each variable: systemd itself does not tell."""
    where: dict[str, str] = {}
    for path in (unit.fragment, *unit.drop_ins):
        for key, value in parse_service(read_text(host, path).content) if path else ():
            if key == "Environment":
                where.update(dict.fromkeys(unit_environment(value)[0], path))
    return where


def _ignored(host: Host, unit: Unit) -> tuple[tuple[str, str, str], ...]:
    """What the unit's files declare and systemd does not take, with file and reason."""
    found: list[tuple[str, str, str]] = []
    for path in unit.drop_ins:
        settings = parse_service(read_text(host, path).content)
        found += [
            (path, *lost) for key, value in settings if key == "Environment" for lost in unit_environment(value)[1]
        ]
    return tuple(found)
