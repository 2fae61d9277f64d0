"""Docker's own repository: one file for the package manager and one key, no apt-key, no config-manager.

Debian 13 has no apt-key, dnf5 no `config-manager --add-repo`; a file that the package manager reads works with all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from anywhere.catalogue.distros import Family, OsRelease, rpm_repository
from anywhere.changes.base import ChangeFailed, Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.script import run_script
from anywhere.hosts.base import Host

BASE = "https://download.docker.com/linux"
# Fingerprints of Docker's release keys, https://docs.docker.com/engine/install/ (checked 2026-11-29).
APT_KEY = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
RPM_KEY = "060A61C51B558A7F742B77AAC52FEB6B621E9F35"
_KEY_FILE = {"apt": "/etc/apt/keyrings/docker.asc", "rpm": "/etc/pki/rpm-gpg/RPM-GPG-KEY-docker"}
_APT_LIKE = ("debian", "ubuntu", "raspbian")

# The key is taken only when gpg, on the host, reads exactly this fingerprint in it.
_FETCH = Path(__file__).with_name("fetch_key.sh")


def repository_steps(host: Host, os: OsRelease, family: Family, proxy: Mapping[str, str]) -> Iterator[Step]:
    """The key and the repository's file; `proxy` are the variables for the key's download. Raises ChangeFailed where
    Docker has no repository for this release."""
    if family.manager == "apt":
        yield from _apt(host, os, proxy)
    elif family.manager in ("dnf", "yum"):
        yield from _rpm(host, os, proxy)
    else:
        raise ChangeFailed(f"Docker has no repository for {os.name or os.id}: use --docker distro or --docker none")


def _apt(host: Host, os: OsRelease, proxy: Mapping[str, str]) -> Iterator[Step]:
    name = next((word for word in (os.id, *os.like) if word in _APT_LIKE), "")
    codename = _codename(os, name)
    if not name or not codename:
        raise ChangeFailed(f"Docker has no repository for {os.name or os.id}: use --docker distro or --docker none")
    key = _KEY_FILE["apt"]
    yield _key_step(f"{BASE}/{name}/gpg", key, APT_KEY, proxy)
    text = f"deb [signed-by={key}] {BASE}/{name} {codename} stable\n"
    path = "/etc/apt/sources.list.d/docker.list"
    yield from file_step(host, path, text.encode(), f"write {path}: Docker's repository")
    yield Step("apt-update", "read the package lists", Command(("apt-get", "-q", "update"), timeout=180))


def _codename(os: OsRelease, name: str) -> str:
    """The release of the distribution that Docker has packages for: a derivative's own name of a release is not among them
    (Linux Mint: VERSION_CODENAME=wilma, UBUNTU_CODENAME=noble)."""
    return os.codename if os.id == name else os.fields.get(f"{name.upper()}_CODENAME", "").strip()


def _rpm(host: Host, os: OsRelease, proxy: Mapping[str, str]) -> Iterator[Step]:
    name = rpm_repository(os)
    key = _KEY_FILE["rpm"]
    yield _key_step(f"{BASE}/{name}/gpg", key, RPM_KEY, proxy)
    text = (
        "[docker-ce-stable]\nname=Docker CE Stable - $basearch\n"
        f"baseurl={BASE}/{name}/$releasever/$basearch/stable\nenabled=1\ngpgcheck=1\ngpgkey=file://{key}\n"
    )
    path = "/etc/yum.repos.d/docker-ce.repo"
    yield from file_step(host, path, text.encode(), f"write {path}: Docker's repository")


def _key_step(url: str, path: str, fingerprint: str, proxy: Mapping[str, str]) -> Step:
    given = "".join(f"{name}={value}\n" for name, value in proxy.items()).encode()
    argv, shown = run_script(_FETCH, url, path, fingerprint), ("curl", "-fsSL", "-o", path, url)
    do = Command(argv, given, bool(given), timeout=150, shown=shown)
    title = f"fetch Docker's key {fingerprint[-16:]} to {path}, by its fingerprint"
    return Step(f"key:{path}", title, do, (Command(("rm", "-f", path)),), path.rpartition("/")[0], f"remove {path}")
