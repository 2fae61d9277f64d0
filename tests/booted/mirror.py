"""A Debian mirror for booted servers without Docker: the release's own packages, signed again with the region's test key.

Fetched once per release into the cache of the base systems, from the same mirror as they are.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.booted.machine import CACHE, MIRROR, Machine, base, discard
from tests.region.packages.keys import clear_sign, fingerprint
from tests.region.site import Site

HOST = "deb.debian.org"
WANTED = {"bookworm": ("docker.io", "jq"), "bullseye": ("docker.io", "jq"), "trixie": ("docker.io", "docker-cli", "jq")}
DOCKER = ("docker.io", "docker-cli", "docker-buildx", "containerd", "runc", "tini", "docker-compose")
KEYRING = "/etc/apt/keyrings/region.asc"


def mirror(suite: str) -> Path:
    """The root of the mirror's web site, with `debian/dists` and `debian/pool`. Skips the test where it cannot be made."""
    folder = CACHE / f"mirror-{suite}-{fingerprint()[:10]}"
    lower = base(suite)
    with (CACHE / f"mirror-{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half = folder.with_suffix(".building")
            discard(half)
            _fetch(suite, lower, half)
            _index(suite, half / "debian")
            half.rename(folder)
    return folder


def make_bare(site: Site, machine: Machine, suite: str) -> None:
    """Take Docker off a machine, and let its package manager know the mirror alone."""
    site.control.publish({}, {HOST: str(mirror(suite))})
    machine.sh(
        # What apt has fetched before would do without any mirror.
        "apt-get clean; rm -rf /var/lib/apt/lists/*;"
        f"dpkg --purge --force-all {' '.join(DOCKER)} >/dev/null 2>&1; rm -rf /etc/apt/sources.list* /etc/docker; true"
    )
    source = f"deb [signed-by={KEYRING}] http://{HOST}/debian {suite} main\\n"
    machine.sh(f"mkdir -p /etc/apt/keyrings /etc/apt/sources.list.d; printf '{source}' >/etc/apt/sources.list")
    machine.run(("install", "-m", "644", "/dev/stdin", KEYRING), input=site.keyring.read_bytes())


def _fetch(suite: str, lower: Path, half: Path) -> None:
    """What a server without Docker lacks, by the resolver of apt itself."""
    state = half / "apt"
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True)
    installed = (lower / "var/lib/dpkg/status").read_text().split("\n\n")
    names = tuple(f"Package: {name}\n" for name in DOCKER)
    (state / "status").write_text("\n\n".join(one for one in installed if not one.startswith(names)))
    trusted = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (state / "sources.list").write_text(f"deb [signed-by={trusted}] {MIRROR} {suite} main\n")
    options = {
        "Dir::State::lists": state / "lists", "Dir::State::status": state / "status", "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives", "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-", "APT::Sandbox::User": "root", "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }  # fmt: skip
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    for verb in (("update",), ("install", "--yes", "--download-only", *WANTED[suite])):
        done = subprocess.run(["apt-get", *words, "-qq", *verb], capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(half)
            pytest.skip(f"no mirror for {suite}: {done.stderr.strip().splitlines()[-1:]}")
    pool = half / "debian/pool"
    pool.mkdir(parents=True)
    for path in (state / "archives").glob("*.deb"):
        path.rename(pool / path.name.replace("%3a", "_"))
    shutil.rmtree(state)


def _index(suite: str, root: Path) -> None:
    """Packages, Release and InRelease."""
    rows = []
    for path in sorted((root / "pool").glob("*.deb")):
        data = path.read_bytes()
        control = subprocess.run(["dpkg-deb", "-f", str(path)], check=True, capture_output=True, text=True).stdout
        digest = hashlib.sha256(data).hexdigest()
        rows.append(f"{control.rstrip()}\nFilename: pool/{path.name}\nSize: {len(data)}\nSHA256: {digest}\n")
    folder = root / "dists" / suite
    (folder / "main/binary-amd64").mkdir(parents=True)
    listed = "\n".join(rows).encode()
    files = {"main/binary-amd64/Packages": listed, "main/binary-amd64/Packages.gz": gzip.compress(listed)}
    sums = ""
    for name, data in files.items():
        (folder / name).write_bytes(data)
        sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n"
    when = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
    head = f"Origin: Debian\nLabel: Debian\nSuite: {suite}\nCodename: {suite}\nDate: {when}\nArchitectures: amd64\n"
    (folder / "Release").write_text(f"{head}Components: main\nSHA256:\n{sums}")
    clear_sign(folder / "Release", folder / "InRelease")
