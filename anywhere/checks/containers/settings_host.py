"""What dockerd refuses since this host has it not: plugins that authorize, options of its storage driver.

Sources: moby daemon/command/daemon.go (validateAuthzPlugins), pkg/plugins/discovery.go, daemon/graphdriver/overlay2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from anywhere.checks.containers.settings_edit import Edit, without_entry, without_flag
from anywhere.facts.agents.docker import data_root, docker_info
from anywhere.facts.files import list_folder
from anywhere.facts.kernel.folders import mount_of
from anywhere.facts.system.docker_flags import docker_flags
from anywhere.facts.system.machine import mounts
from anywhere.facts.system.units import DOCKER, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

AUTHORIZATION, STORAGE = "authorization-plugins", "storage-opts"
SOCKETS = "/run/docker/plugins"
PLUGIN_FOLDERS = {
    SOCKETS: (".sock",),
    "/etc/docker/plugins": (".spec", ".json"),
    "/usr/lib/docker/plugins": (".spec", ".json"),
}
MANAGED = re.compile(r"[0-9a-f]{64}")  # a plugin of `docker plugin install`, by its id
OVERLAY2 = "overlay2"
QUOTAS = ("prjquota", "pquota")
NOTHING = re.compile(r"0*(\.0+)?\s?[kmgtp]?i?b?", re.IGNORECASE)


@frozen
class Refused:
    """A value that dockerd refuses: what is wrong, what to do, and the edit where one is known."""

    says: str
    fix: str
    edit: Edit | None = None


def refused_of_host(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """What dockerd refuses of daemon.json and of its flags, since this host has it not."""
    yield from _authorization(host, raw)
    yield from _storage(host, raw)


def _given(host: Host, raw: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The words of a list, from the file and from the unit's flags."""
    found = raw.get(name)
    flags = docker_flags(host, units(host)[DOCKER]).set
    in_file = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    return (*in_file, *(value for flag, value in flags if flag == name))


def _without(host: Host, raw: Mapping[str, object], name: str) -> Edit | None:
    return without_entry(host, name) if name in raw else without_flag(host, units(host)[DOCKER], name)


def _authorization(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """A list of which every name has to be there when docker starts."""
    named = _given(host, raw, AUTHORIZATION)
    gone = [name for name in named if _has_plugin(host, name) is False]
    if not gone:
        return
    says = f"the authorization plugin {', '.join(gone)} is not there, without which docker neither starts nor answers"
    fix = f"Start the plugin (its socket belongs in {SOCKETS}), or take it out of {AUTHORIZATION}: who may ask docker is then "
    yield Refused(says, fix + "decided by its socket alone.")


def _has_plugin(host: Host, name: str) -> bool | None:
    """By socket or file, as docker looks for it. None where a folder may not be listed, or where docker manages plugins
    itself: their names stand in files that it alone reads."""
    managed = list_folder(host, f"{data_root(host)}/plugins")
    hidden = managed is None or any(MANAGED.fullmatch(one) for one in managed)
    for folder, endings in PLUGIN_FOLDERS.items():
        for place in (folder, f"{folder}/{name}"):
            found = list_folder(host, place)
            hidden = hidden or found is None
            if any(f"{name}{ending}" in (found or ()) for ending in endings):
                return True
    return None if hidden else False


def _storage(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """With containerd's image store docker does not read them."""
    info = docker_info(host)
    driver = info.driver or raw.get("storage-driver")
    if info.containerd_store or driver != OVERLAY2:
        return
    for option in _given(host, raw, STORAGE):
        name, _, value = option.partition("=")
        if not name.strip().lower().startswith(f"{OVERLAY2}."):
            says = f"the storage driver {OVERLAY2} has no option {name.strip()}, which was one of another driver"
            yield Refused(says, "Take it out.", _without(host, raw, STORAGE) if _is_alone(host, raw) else None)
        elif name.strip().lower() == f"{OVERLAY2}.size" and not NOTHING.fullmatch(value.strip()):
            yield from _size(host, raw, option)


def _is_alone(host: Host, raw: Mapping[str, object]) -> bool:
    return len(_given(host, raw, STORAGE)) == 1


def _size(host: Host, raw: Mapping[str, object], option: str) -> Iterator[Refused]:
    mount = mount_of(mounts(host), data_root(host))
    if mount is None or (mount.type == "xfs" and any(one in mount.options for one in QUOTAS)):
        return
    has = f"{mount.point} is {mount.type}" + (" without pquota" if mount.type == "xfs" else "")
    says = f"{option} needs xfs mounted with pquota under docker's folder, and {has}"
    fix = "Mount such a file system there, or do without a limit for each container."
    yield Refused(says, fix, _without(host, raw, STORAGE) if _is_alone(host, raw) else None)
