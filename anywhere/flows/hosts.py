"""The hosts of a run, how to reach them, and what `--host` and `--inventory` mean."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.hosts.open import BUNDLES, HOST_SECONDS, is_bundle
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.inventory import STDIN, Entry, limited, load
from anywhere.inventory.arguments import ssh_lines

__all__ = ["HOST_SECONDS", "PARALLEL", "Hosts", "chosen", "named", "seconds_for", "titles"]

PARALLEL, MOST_PARALLEL = 16, 512
LONGEST = 3600.0  # seconds for one host
CHANGE_SECONDS = 300.0  # for one host, from login to the last step


@frozen
class Hosts:
    """The hosts in the order of the report, the SSH options, how many run in parallel, and the seconds for each.

    `given` is whether the user named any; otherwise it is this machine. `inventory` is the file that lists them, if any.
    """

    entries: tuple[Entry, ...]
    ssh: SSHOptions = field(default_factory=SSHOptions)
    parallel: int = PARALLEL
    seconds: float = HOST_SECONDS
    given: bool = False
    inventory: str = ""

    def also(self, specs: Sequence[str]) -> Hosts:
        """These hosts and more. Raises BadInput for an invalid one."""
        more = [entry for spec in specs for entry in named(spec)]
        return (
            replace(self, entries=_once([*(self.entries if self.given else ()), *more]), given=True) if more else self
        )


def seconds_for(hosts: Hosts) -> float:
    """The time limit of a change on one host: longer than that of a check, unless the user has set one."""
    return CHANGE_SECONDS if hosts.seconds == HOST_SECONDS else hosts.seconds


def chosen(
    *,
    host: Sequence[str] = (),
    inventory: str | None = None,
    limit: str = "",
    parallel: int = PARALLEL,
    host_timeout: float = HOST_SECONDS,
    ssh_key: Sequence[str] = (),
    ssh_config: str = "",
    ssh_args: str = "",
    ssh_accept_new: bool = False,
    no_sudo: bool = False,
    password: Callable[[bool], str] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Hosts:
    """The hosts that these options select. Raises BadInput for invalid ones.

    `password` asks for the sudo password; its argument is whether standard input is the inventory. `note` gets remarks,
    such as a host that is listed twice.
    """
    if not 1 <= parallel <= MOST_PARALLEL:
        raise BadInput(f"--parallel must be 1 to {MOST_PARALLEL}, not {parallel}")
    if not 1 <= host_timeout <= LONGEST:
        raise BadInput(f"--host-timeout must be 1 to {LONGEST:g} seconds, not {host_timeout:g}")
    for option, path in (
        *(("--ssh-key", key) for key in ssh_key),
        *(("--ssh-config", one) for one in [ssh_config] if one),
    ):
        _require_file(option, os.path.expanduser(path))
    if inventory == "":
        raise BadInput("--inventory is empty: name a file of hosts, or - for standard input")
    entries = _entries(host, inventory or "", limit, note)
    ssh = SSHOptions(
        accept_new=ssh_accept_new,
        identities=tuple(ssh_key),
        config=(ssh_config,) if ssh_config else None,
        lines=ssh_lines({"--ssh-args": ssh_args}),
        become=not no_sudo,
        become_password=password(inventory == STDIN) if password else "",
    )
    return Hosts(entries, ssh, parallel, host_timeout, given=bool(host or inventory), inventory=inventory or "")


def _require_file(option: str, path: str) -> None:
    """Raise BadInput where a file of the user cannot be read, before any host is blamed for it."""
    if os.path.exists(path) and os.path.samefile(path, os.devnull):
        return  # the usual way to have no settings
    if not os.path.isfile(path):
        raise BadInput(f"{option} {path}: {'not a file' if os.path.lexists(path) else 'no such file'}")
    if not os.access(path, os.R_OK):
        raise BadInput(f"{option} {path}: cannot be read: Permission denied")


def _entries(host: Sequence[str], inventory: str, limit: str, note: Callable[[str], None]) -> tuple[Entry, ...]:
    listed: tuple[Entry, ...] = ()
    if inventory:
        listed, notes = load(inventory)
        for said in notes:
            note(f"{inventory}: {said}")
    elif limit:
        raise BadInput("--limit chooses from an inventory: give --inventory too")
    entries = [*limited(listed, limit), *(entry for spec in host for entry in named(spec))]
    return _once(entries) or (Entry("local", "local"),)


def _once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.name, entry)
    return tuple(first.values())


def named(spec: str) -> tuple[Entry, ...]:
    """What one `--host` means: a host, a bundle, or all bundles of a folder or pattern."""
    if spec == "local":
        return (Entry(spec, spec),)
    if os.path.isdir(spec):
        paths = sorted(os.path.join(spec, name) for name in os.listdir(spec) if name.endswith(BUNDLES))
        return tuple(Entry(path, path) for path in _some(spec, paths))
    if any(mark in spec for mark in "*?") and spec.endswith(BUNDLES):
        return tuple(Entry(path, path) for path in _some(spec, sorted(glob.glob(spec))))
    if is_bundle(spec):
        return (Entry(spec, spec),)
    target: SSHTarget = parse_target(spec)
    return (Entry(str(target), target),)


def is_saved(entry: Entry) -> bool:
    """Whether this is a saved bundle, not a live host (`named` tells them apart)."""
    return isinstance(entry.spec, str) and entry.spec != "local"


def titles(entries: Sequence[Entry]) -> dict[str, str]:
    """The names of bundles that were saved as `local` in a report on many hosts: the file name, or the path where two files
    have the same name."""
    files = {e.name: _stem(e.name) for e in entries if is_saved(e)}
    counted = Counter(files.values())
    return {path: stem if counted[stem] == 1 else path for path, stem in files.items()}


def _stem(path: str) -> str:
    return os.path.basename(path).removesuffix(".gz").removesuffix(".json")


def _some(spec: str, paths: list[str]) -> list[str]:
    if not paths:
        raise BadInput(f"{spec}: no saved bundle there (*.json, *.json.gz)")
    return paths
