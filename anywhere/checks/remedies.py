"""Remedies as commands that fit this host: its package manager, its units, sudo where it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anywhere.catalogue.distros import DockerSource, Family, family_of, judge_release, rpm_repository
from anywhere.facts.files import read_text
from anywhere.facts.firewall.forwarding import set_at_boot
from anywhere.facts.system.machine import kernel_version
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.quoting import parse_section, unit_environment
from anywhere.hosts.base import Host
from anywhere.model import EDIT, Remedy

Command = tuple[str, ...]


def as_root(host: Host, *commands: Command) -> tuple[Command, ...]:
    """The commands, each with sudo unless the login itself is root."""
    by_sudo = "@" in host.name and not host.name.startswith("root@")
    prefix = () if host.inventory().is_root and not by_sudo else ("sudo",)
    return tuple(prefix + command for command in commands)


def remedy(host: Host, text: str, *commands: Command, ask: str = "", look: tuple[Command, ...] = ()) -> Remedy:
    """A fix in words with the commands that do it, as root; `ask` is the request to others, `look` shows more."""
    return Remedy(text, as_root(host, *commands), ask=ask, look=as_root(host, *look))


def iptables(program: str, table: str) -> Command:
    """The start of a command on a table, by the iptables that holds its rules: those of the other kind are not asked for what
    this one has decided (xtables-legacy(8): both kinds keep tables of their own)."""
    return (program,) if table == "filter" else (program, "-t", table)


def line_out(place: str) -> Command:
    """The command that comments out a line, given as `/etc/modprobe.d/cis.conf:3`. The other lines keep their numbers, which
    further commands use."""
    path, _, number = place.rpartition(":")
    return (*EDIT, f"{number}s/^/# /", path)


def sysctl_at_boot(host: Host, setting: str, value: object, topic: str) -> tuple[Command, ...]:
    """The commands that set a sysctl at each boot, in a file of ours, and comment out an administrator's line: of two files
    the last by name counts."""
    place, _ = set_at_boot(host, setting)
    before = (line_out(place),) if place.startswith("/etc/") else ()
    file = f"/etc/sysctl.d/99-zz-anywhere-{topic}.conf"
    return (*before, ("sh", "-c", f"mkdir -p /etc/sysctl.d && echo '{setting} = {value}' >> {file}"))


def find_sysctl(setting: str) -> Command:
    """The command that shows the files that set a sysctl."""
    return ("grep", "-rn", setting, "/etc/sysctl.conf", "/etc/sysctl.d", "/usr/lib/sysctl.d")


def lines_that_set(host: Host, path: str, names: Iterable[str]) -> Iterator[str]:
    """`path:line` of each line of a unit file, or of systemd's own settings, that sets these variables and no others."""
    text = read_text(host, path).content
    for section, setting in (("[Service]", "Environment"), ("[Manager]", "DefaultEnvironment")):
        for number, key, value in parse_section(text, section):
            found = set(unit_environment(value)[0]) if key == setting else set()
            if found and found <= set(names):
                yield f"{path}:{number}"


def family(host: Host) -> Family | None:
    """The distribution family of this host: its package manager and paths."""
    return family_of(os_release(host))


def install(host: Host, *packages: str) -> tuple[Command, ...]:
    """The command that installs packages; none where the package manager is not known."""
    known = family(host)
    return ((*known.install, *packages),) if known and known.install else ()


def remove(host: Host, *packages: str) -> tuple[Command, ...]:
    """The command that removes packages; none where the package manager is not known."""
    known = family(host)
    if not known or not known.install:
        return ()
    return ((*known.remove, *packages),)


def beside_podman(host: Host) -> str:
    """What stands in the way of Docker's own packages on EL 8, as a sentence; empty elsewhere. Podman 2.0 to 4.2 there
    requires the package runc by name, and containerd.io obsoletes it: dnf refuses (docker/docker-install issue 230,
    docker/packaging issue 327). Removing runc would take Podman along, so that is left to a person."""
    os = os_release(host)
    judged = judge_release(os)
    is_el8 = judged.family is not None and judged.family.name == "rhel" and os.version.partition(".")[0] == "8"
    if not is_el8 or judged.docker is DockerSource.DISTRIBUTION:
        return ""
    return (
        " Where Podman is installed, dnf refuses: Podman of EL 8 requires the package runc, which containerd.io replaces. See "
        "what Podman runs (`sudo podman ps -a`), and remove Podman first only where none of it is needed."
    )


def docker_commands(host: Host) -> tuple[Command, ...]:
    """The commands that install Docker: from the distribution, or from Docker's own repository."""
    source = judge_release(os_release(host)).docker
    known = family(host)
    if not known or source is None:
        return ()
    from anywhere.changes.install.docker import distribution_packages  # a healthy host's check does without it

    start = (("systemctl", "enable", "--now", "docker"),)
    if source is DockerSource.DISTRIBUTION:
        return (*install(host, *distribution_packages(os_release(host), known)), *start)
    if known.manager == "apt":
        return ()
    repository = f"https://download.docker.com/linux/{rpm_repository(os_release(host))}/docker-ce.repo"
    file = "/etc/yum.repos.d/docker-ce.repo"
    return (
        ("curl", "-fsSL", "-o", file, repository),
        *install(host, "docker-ce", "docker-ce-cli", "containerd.io", *_modules(host)),
        *start,
    )


def _modules(host: Host) -> tuple[str, ...]:
    """EL10 has xt_addrtype, without which docker does not start, in a package of its own (docker/for-linux#1559)."""
    version = kernel_version(host)
    return (f"kernel-modules-extra-{version}",) if ".el10" in version and "uek" not in version else ()
