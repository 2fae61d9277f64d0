"""The modules of the running kernel: on disk, or gone with an upgrade; and those that modprobe is configured never to load."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.facts.files import Access, list_folder, read_text
from anywhere.facts.system.machine import is_container, kernel_version
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

FOLDER = "/lib/modules"
BARRED = ("grep", "-rnE", "^[[:space:]]*install[[:space:]]", "/etc/modprobe.d", "/run/modprobe.d")
LOADED = "/proc/modules"
# What dockerd loads when it starts and when a container gets its network (moby contrib/check-config.sh, libnetwork).
NEEDED = (
    *("overlay", "bridge", "veth", "br_netfilter", "nf_nat", "nf_conntrack", "xt_conntrack", "xt_addrtype"),
    *("ip_tables", "iptable_nat", "iptable_filter", "xt_MASQUERADE", "nf_tables"),
)
_OFF = re.compile(r"(?m)^(?P<place>/[^:]+\.conf:\d+):\s*install\s+(?P<name>\S+)\s+(?:/usr)?/bin/(?:false|true)\b")

COMMANDS: tuple[tuple[str, ...], ...] = (BARRED,)
FILES: tuple[str, ...] = (LOADED,)
FOLDERS: tuple[str, ...] = (FOLDER,)


@frozen
class Forbidden:
    """A module that docker needs, and the line that has modprobe load nothing for it."""

    module: str
    place: str


def other_kernels(host: Host) -> tuple[str, ...]:
    """The kernels that have modules on disk where the running one has none; empty where it has, where no kernel has any
    (all is built in), and in a container, whose kernel is another machine's."""
    running = kernel_version(host)
    installed = list_folder(host, FOLDER) or ()
    if not running or not installed or is_container(host):
        return ()
    own = list_folder(host, f"{FOLDER}/{running}") if running in installed else ()
    if own is None or {"kernel", "modules.dep", "modules.dep.bin", "modules.builtin"} & set(own):
        return ()
    return tuple(name for name in installed if name != running)


def unavailable(host: Host, name: str) -> str:
    """Why the running kernel can never have this module; empty where it has it, may load it, or that cannot be seen."""
    listed, folder = read_text(host, LOADED), f"{FOLDER}/{kernel_version(host)}"
    if (
        listed.access is Access.FORBIDDEN
        or is_container(host)
        or any(row.split()[:1] == [name] for row in listed.content.splitlines())
    ):
        return ""
    known = read_text(host, f"{folder}/modules.dep").content
    if not known or f"/{name}.ko" in known + read_text(host, f"{folder}/modules.builtin").content:
        barred = barred_at(host, name)
        return f"{barred[0]} keeps {name} from being loaded" if known and barred else ""
    return f"the running kernel has no module {name} ({folder})"


def barred_at(host: Host, name: str) -> tuple[str, ...]:
    """The lines (file and number) that have modprobe load nothing for a module."""
    found = _OFF.finditer(host.run(BARRED, timeout=3).stdout)
    return tuple(one["place"] for one in found if one["name"] == name)


def forbidden(host: Host) -> Iterator[Forbidden]:
    """Needed modules that are not loaded and that `install NAME /bin/false` keeps from being loaded."""
    found = list(_OFF.finditer(host.run(BARRED, timeout=3).stdout))
    wanted = [one for one in found if one["name"] in NEEDED]
    listed = read_text(host, LOADED)
    if not wanted or listed.access is not Access.READ:
        return  # a kernel without modules has everything built in
    loaded = {row.split()[0] for row in listed.content.splitlines() if row.split()}
    built_in = read_text(host, f"{FOLDER}/{kernel_version(host)}/modules.builtin").content
    for one in wanted:
        if one["name"] not in loaded and f"/{one['name']}.ko" not in built_in:
            yield Forbidden(one["name"], one["place"])
