"""Values of daemon.json that dockerd refuses when it starts: mirrors, nameservers, options of log drivers, pools, files.

Sources: moby daemon/config/config.go, registry/config.go (ValidateMirror), daemon/logger/*/ (ValidateLogOpt), opts/ip.go.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping

from anywhere.checks.containers.settings_edit import with_value, without_entry
from anywhere.checks.containers.settings_host import Refused, refused_of_host
from anywhere.documents.numbers import whole
from anywhere.errors import did_you_mean
from anywhere.facts.files import list_folder
from anywhere.hosts.base import Host

COMMON = ("mode", "max-buffer-size", "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress")
TAGS = ("labels", "labels-regex", "env", "env-regex", "tag")
LOG_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "json-file": ("max-file", "max-size", "compress", *TAGS),
    "local": ("max-file", "max-size", "compress", *TAGS),
    "journald": TAGS,
}
SIZE = re.compile(r"(?i)\d+(\.\d+)?\s?([kmgtp]i?)?b?")


def refused_values(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """What dockerd refuses of these settings."""
    yield from _mirrors(host, raw)
    yield from _nameservers(host, raw)
    yield from _log_options(host, raw)
    yield from _pools(raw)
    yield from _seccomp(host, raw)
    yield from refused_of_host(host, raw)


def _texts(raw: Mapping[str, object], name: str) -> list[str]:
    found = raw.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _mirrors(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    mirrors = _texts(raw, "registry-mirrors")
    for place, mirror in enumerate(mirrors):
        if not mirror.startswith(("http://", "https://")):
            wanted = f"https://{mirror.rpartition('//')[2]}"
            edit = with_value(host, wanted, "registry-mirrors", place)
            yield Refused(f"the registry mirror {mirror} has no scheme", f"Write it as {wanted}.", edit)


def _nameservers(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    for server in _texts(raw, "dns"):
        try:
            ipaddress.ip_address(server.strip())
        except ValueError:
            says = f"the nameserver {server} in dns is no address"
            yield Refused(says, "Correct it: names and ports are not taken there.")


def _log_options(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    driver, options = raw.get("log-driver", "json-file"), raw.get("log-opts")
    known = LOG_OPTIONS.get(driver) if isinstance(driver, str) else None
    if known is None or not isinstance(options, dict):
        return
    for name, value in options.items():
        if name not in (*known, *COMMON):
            hint = did_you_mean(name, known)
            says = f"the log driver {driver} has no option {name}; {hint or 'it knows ' + ', '.join(known)}"
            edit = None if hint else without_entry(host, "log-opts", name)
            yield Refused(says, "Correct the name, or take it out of log-opts.", edit)
        elif not isinstance(value, str):
            wanted = json.dumps(value)
            edit = with_value(host, wanted, "log-opts", name) if isinstance(value, int | float) else None
            yield Refused(f"{name} in log-opts has to be text in quotes", f'Write "{name}": "{wanted}".', edit)
        elif name == "max-size" and value != "-1" and not SIZE.fullmatch(value):
            yield Refused(f"max-size {value} in log-opts is no size", "Write it as 10m.")
        elif name == "max-file" and not whole(value):
            yield Refused(f"max-file {value} in log-opts is no number of files", 'Write it as "3".')


def _pools(raw: Mapping[str, object]) -> Iterator[Refused]:
    pools = raw.get("default-address-pools")
    for pool in pools if isinstance(pools, list) else ():
        base, size = (pool.get("base"), pool.get("size")) if isinstance(pool, dict) else ("", 0)
        try:
            network = ipaddress.ip_network(base if isinstance(base, str) else "", strict=False)
        except ValueError:
            yield Refused(f"the base {base} of default-address-pools is no network", "Write it as 10.201.0.0/16.")
            continue
        if not isinstance(size, int) or not network.prefixlen <= size <= network.max_prefixlen:
            says = f"the pool {base} of default-address-pools cannot be cut into networks of /{size}"
            fix = f"Give a size from {network.prefixlen} to {network.max_prefixlen - 2}, as 24 for a base of /16."
            yield Refused(says, fix)


def _seccomp(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    path = raw.get("seccomp-profile")
    if not isinstance(path, str) or not path.startswith("/"):
        return
    folder, _, name = path.rpartition("/")
    if (names := list_folder(host, folder or "/")) is not None and name not in names:
        says, fix = f"the seccomp profile {path} is not there", "Put the file there, or take seccomp-profile out."
        yield Refused(says, fix, without_entry(host, "seccomp-profile"))
