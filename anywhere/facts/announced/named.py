"""What the settings of docker, the agents and their units name, and a check then looks at."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from anywhere.declared.contacts import FILE, FOLDER, Contact
from anywhere.facts.agents.components import components
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.files import read_text
from anywhere.facts.system.quoting import parse_section, parse_service
from anywhere.facts.system.units import ECS, units
from anywhere.hosts.base import Host

NR_OPEN = "/proc/sys/fs/nr_open"
OUTPUTS = ("StandardOutput", "StandardError")
_CONDITION = re.compile(r"(?:Condition|Assert)(?:PathExists|PathIsDirectory|FileNotEmpty)$")


def named(host: Host) -> Iterator[Contact]:
    """Files and folders by this host's own settings: conditions and output files of units, docker's runtimes."""
    for unit in units(host).values():
        for place in filter(None, (unit.fragment, *unit.drop_ins)):
            text = read_text(host, place).content
            for _, key, value in parse_section(text, "[Unit]"):
                path = value.lstrip("|!")
                if _CONDITION.match(key) and path.startswith("/"):
                    yield from _looked_at(path, f"{key}= of {unit.name}")
            for key, value in parse_service(text):
                kind, colon, path = value.partition(":")
                if key in OUTPUTS and colon and kind in ("file", "append", "truncate"):
                    yield Contact(FILE, path, when=f"{unit.name} does not run", why=f"{key}= of {unit.name}")
    runtimes = daemon_json(host).raw.get("runtimes")
    for name, one in (runtimes if isinstance(runtimes, dict) else {}).items():
        program = one.get("path") if isinstance(one, dict) else None
        if isinstance(program, str) and program.startswith("/"):
            yield Contact(FOLDER, posixpath.dirname(program) or "/", why=f"whether docker's runtime {name} is there")
    yield from _of_settings(host)
    if "default-ulimits" in daemon_json(host).raw:
        yield Contact(FILE, NR_OPEN, why="the files that the kernel lets a program open, beside docker's limits")


def _of_settings(host: Host) -> Iterator[Contact]:
    """The folders of a socket and of a profile that settings name."""
    socket = ecs_config(host).init.get("DOCKER_HOST") or units(host)[ECS].environment.get("DOCKER_HOST", "")
    seccomp = daemon_json(host).raw.get("seccomp-profile")
    for path, why in (
        (socket.strip().removeprefix("unix://"), "docker's socket"),
        (seccomp, "docker's seccomp profile"),
    ):
        if isinstance(path, str) and path.startswith("/"):
            yield Contact(FOLDER, posixpath.dirname(path) or "/", why=f"whether {why} is there")
    for one in components(host):
        if (path := one.intended.get("SSL_CERT_FILE", "")).startswith("/"):
            why = f"whether the file of CAs of {one.name} is there"
            yield Contact(FOLDER, posixpath.dirname(path) or "/", when="it does not trust a certificate", why=why)


def _looked_at(path: str, why: str) -> Iterator[Contact]:
    yield Contact(FOLDER, path, when="the unit did not start for it", why=why)
    yield Contact(FILE, path, when="the unit did not start for it", why=why)
