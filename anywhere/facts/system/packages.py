"""Which packages of the agents and of Docker are installed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anywhere.hosts.base import Host

NAMES = (
    ("amazon-ecs-init", "ecs-init", "ecs-agent", "amazon-ssm-agent")
    + ("docker-ce", "docker.io", "docker-engine", "docker", "moby-engine", "docker-ee")
    + ("podman-docker",)
)
DPKG = ("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\\n", *NAMES)
# Debian's rpm keeps its database in the user's home, and makes one where there is none: it gets no home.
_RPM = ("env", "HOME=/dev/null", "rpm", "-q", "--qf")
RPM = (*_RPM, "%{NAME} %{VERSION}-%{RELEASE} installed\\n", *NAMES)

COMMANDS: tuple[tuple[str, ...], ...] = (DPKG, RPM)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()
PATIENCE = 1.5  # seconds: a locked or broken package database hangs, and the probes wait for what it says


def packages(host: Host) -> Mapping[str, tuple[str, str]] | None:
    """Installed packages of NAMES: name to (version, `deb` or `rpm`). None where neither manager answers."""
    answers = [(host.run(argv, timeout=PATIENCE), kind) for argv, kind in ((DPKG, "deb"), (RPM, "rpm"))]
    known = [(done, kind) for done, kind in answers if done.rc in (0, 1) or done.stdout]
    if not known and all(done.rc == 127 for done, _ in answers):
        return None
    return {name: (version, kind) for done, kind in answers for name, version in parse_packages(done.stdout).items()}


def parse_packages(text: str) -> dict[str, str]:
    """Name to version of what is installed; lines of other forms (`package x is not installed`) are left out.

    ```
    amazon-ssm-agent 3.3.987.0-1 install ok installed
    docker.io 20.10.24+dfsg1-1+deb12u1 deinstall ok config-files
    ```
    """
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and words[-1] == "installed" and words[0] in NAMES:
            found[words[0]] = words[1]
    return found


def containerd_package(host: Host) -> tuple[int, ...]:
    """The version of containerd.io with its revision, `1.7.28-2~debian.12` as (1, 7, 28, 2); empty where it is not known."""
    for argv in (
        ("dpkg-query", "-W", "-f", "${Version}", "containerd.io"),
        (*_RPM, "%{VERSION}-%{RELEASE}", "containerd.io"),
    ):
        found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)-(\d+)", host.run(argv, timeout=PATIENCE).stdout.strip())
        if found:
            return tuple(int(part) for part in (*found[1].split("."), found[2]))
    return ()
