"""The flags that docker's unit passes to dockerd, and which of them daemon.json holds too: dockerd then does not start.

Source: moby cmd/dockerd/config.go, daemon/config/config.go (findConfigurationConflicts): by the flag's name, lists by the
name of their option in the file.
"""

from __future__ import annotations

import re

from anywhere.facts.agents.daemon_json import PATH, daemon_json
from anywhere.facts.files import read_text
from anywhere.facts.system.quoting import parse_section, split_words
from anywhere.facts.system.units import DOCKER, Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# Flags whose name in daemon.json differs (moby opts.NamedOption), and short ones.
NAMES = {
    "-H": "hosts", "--host": "hosts", "--label": "labels", "--add-runtime": "runtimes", "--log-opt": "log-opts",
    "--storage-opt": "storage-opts", "--exec-opt": "exec-opts", "--insecure-registry": "insecure-registries",
    "--registry-mirror": "registry-mirrors", "--dns-opt": "dns-opts", "--dns-search": "dns-search", "--dns": "dns",
    "--default-ulimit": "default-ulimits", "--default-address-pool": "default-address-pools", "-D": "debug", "-G": "group",
    "-b": "bridge", "-g": "graph", "-l": "log-level", "-p": "pidfile", "-s": "storage-driver",
    "--authorization-plugin": "authorization-plugins", "--cdi-spec-dir": "cdi-spec-dirs",
    "--node-generic-resource": "node-generic-resources",
}  # fmt: skip
# They stand in no file of settings, or may be given twice.
NOT_IN_FILE = frozenset(("config-file", "validate", "containerd", "rootless"))
_SWITCH = re.compile(r"-D|--(?:debug|tls|tlsverify|selinux-enabled|live-restore|experimental|ipv6|init|validate|"
                     r"userland-proxy|iptables|ip6tables|ip-forward|ip-masq|icc|raw-logs|no-new-privileges)$")  # fmt: skip


@frozen
class Flags:
    """dockerd's command line as its unit gives it: `path` and `line` of the ExecStart= in force, its `words` (variables
    filled in), and what each flag sets by the name that it has in daemon.json."""

    path: str = ""
    line: int = 0
    words: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()

    def both(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The settings that a flag and the file with these names give."""
        return tuple(dict.fromkeys(name for name, _ in self.set if name in names))


def docker_flags(host: Host, unit: Unit) -> Flags:
    """The flags of the ExecStart= line in force: the last one counts, and an empty line takes back what stood before."""
    path, line, value = "", 0, ""
    for place in filter(None, (unit.fragment, *unit.drop_ins)):
        for number, key, text in parse_section(read_text(host, place).content, "[Service]"):
            if key == "ExecStart":
                path, line, value = place, number, text
    raw = split_words(value)
    words = tuple(word for one in raw for word in _filled(one, unit))
    return Flags(path, line, words, raw, parse_flags(words[1:]))


def names_containerd(host: Host, unit: Unit) -> bool:
    """Whether dockerd's flags name a containerd that runs already, so that it starts none of its own."""
    return bool(named_containerd(host, unit))


def named_containerd(host: Host, unit: Unit) -> str:
    """The socket of the containerd that dockerd's flags name; empty where they name none."""
    words = docker_flags(host, unit).words
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag == "--containerd":
            return value if equals else "".join(words[place + 1 : place + 2])
    return ""


def listens(host: Host, unit: Unit) -> tuple[str, ...]:
    """Where dockerd listens by its settings (they stand in one of two places alone); empty for its default socket."""
    flags = docker_flags(host, unit).set
    return daemon_json(host).hosts or tuple(value for name, value in flags if name == "hosts" and value)


def switched_off(host: Host, name: str) -> str:
    """The place that keeps docker from what it does by default (`iptables`, `ip-masq`, `ip-forward`); empty without one."""
    if daemon_json(host).raw.get(name) is False:
        return PATH
    flags = docker_flags(host, units(host)[DOCKER])
    off = any(key == name and value.lower() in ("false", "f", "0") for key, value in flags.set)
    return f"{flags.path}:{flags.line}" if off else ""


def docker_dns(host: Host) -> tuple[str, ...]:
    """The nameservers that docker gives its containers by its own setting, in daemon.json or as flags of its unit."""
    flags = docker_flags(host, units(host)[DOCKER]).set
    return daemon_json(host).dns or tuple(value for name, value in flags if name == "dns" and value)


def _filled(word: str, unit: Unit) -> tuple[str, ...]:
    """A bare `$NAME` is split into words, as systemd does; `${NAME}` stays one."""
    if bare := re.fullmatch(r"\$([A-Za-z_]\w*)", word):
        return split_words(unit.environment.get(bare[1], ""))
    return (re.sub(r"\$\{([A-Za-z_]\w*)\}", lambda found: unit.environment.get(found[1], ""), word),)


def parse_flags(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Name in daemon.json and value of each flag."""
    found: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if not flag.startswith("-"):
            continue
        if not equals and not _SWITCH.match(flag) and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
        name = NAMES.get(flag, flag.lstrip("-"))
        if name not in NOT_IN_FILE:
            found.append((name, value))
    return tuple(found)


def without(words: tuple[str, ...], name: str) -> tuple[str, ...]:
    """A command line without the flags that set `name`."""
    kept: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, _ = word.partition("=")
        if not flag.startswith("-") or NAMES.get(flag, flag.lstrip("-")) != name:
            kept.append(word)
        elif not equals and not _SWITCH.match(flag) and rest and not rest[0].startswith("--"):
            rest.pop(0)
    return tuple(kept)
