"""A booted server on the LAN of a region, and a desk there from which it is registered."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anywhere.artifacts.manifest import Artifact, Manifest, write_manifest
from anywhere.artifacts.verify import sha256
from anywhere.catalogue.signing_keys import ECS, SSM
from tests.booted.machine import Machine, booted
from tests.region import Region
from tests.region.packages.build import packages
from tests.region.site import Site

SERVICES = "ssh.service"
CLUSTER, REGION = "plant-7", "us-east-1"
FILES = {
    SSM: ("ssm/latest/debian_amd64/amazon-ssm-agent.deb", "amazon-ssm-agent-latest.amd64.deb", ".sig"),
    ECS: ("ecs/amazon-ecs-init-latest.amd64.deb", "amazon-ecs-init-latest.amd64.deb", ".asc"),
}


def artifacts(folder: Path) -> Path:
    """The region's packages as `anywhere artifacts fetch` would lay them out."""
    root = packages("amd64")
    rows = []
    folder.mkdir(exist_ok=True)
    for package, (path, name, end) in FILES.items():
        (folder / name).write_bytes((root / path).read_bytes())
        (folder / (name + end)).write_bytes((root / (path + end)).read_bytes())
        size = (folder / name).stat().st_size
        rows.append(Artifact(package, name, name + end, sha256(str(folder / name)), size))
    write_manifest(str(folder), Manifest(REGION, "x86_64", "deb", "2026-11-29T00:00:00Z", tuple(rows)))
    return folder


@dataclass
class Desk:
    """Where the administrator sits: on the LAN, with a key, an empty home and a folder of artifacts."""

    site: Site
    home: Path
    machines: dict[str, Machine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = self.home / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.artifacts = artifacts(self.home / "artifacts")
        self.activation = self.home / "activation.json"

    def activate(self, **words: Any) -> dict[str, Any]:
        """A new activation, written as AWS's command prints it."""
        one: dict[str, Any] = self.site.control.activate(**words)
        self.activation.write_text(json.dumps({"ActivationId": one["id"], "ActivationCode": one["code"]}))
        self.activation.chmod(0o600)
        return one

    def admit(self, machine: Machine) -> str:
        """Plug a machine in and let root's key in; the SPEC of the host."""
        address = self.site.plug(machine)
        keys = self.key.with_suffix(".pub").read_bytes()
        machine.run(("install", "-D", "-m", "600", "/dev/stdin", "/root/.ssh/authorized_keys"), input=keys)
        machine.sh("chmod 700 /root/.ssh; rm -f /run/nologin")
        self.machines[f"root@{address}"] = machine
        return f"root@{address}"

    def argv(self, *words: str) -> list[str]:
        """The command line that runs the tool here."""
        router = f"{self.site.region.prefix}-router"
        return ["ip", "netns", "exec", router, sys.executable, "-m", "anywhere", *words]

    def words(self, *more: str, activation: bool = True, own: bool = True) -> tuple[str, ...]:
        """The words of `register` for all machines."""
        hosts = [word for spec in self.machines for word in ("--host", spec)]
        secret = ("--activation-file", str(self.activation)) if activation else ()
        trust = ("--artifacts", str(self.artifacts), "--keyring", str(self.site.keyring)) if own else ()
        ssh = ("--ssh-key", str(self.key), "--ssh-accept-new")
        return ("register", "--region", REGION, "--cluster", CLUSTER, *secret, *trust, *hosts, *ssh, *more)

    def register(self, *more: str, activation: bool = True, own: bool = True) -> subprocess.CompletedProcess[str]:
        """Register all machines that were admitted."""
        argv = self.argv(*self.words(*more, activation=activation, own=own))
        return subprocess.run(argv, capture_output=True, text=True, env=self.environment, stdin=subprocess.DEVNULL)

    @contextlib.contextmanager
    def begun(self, *more: str, stderr: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
        """A registration under way; killed at the end."""
        null = subprocess.DEVNULL
        process = subprocess.Popen(
            self.argv(*self.words(*more)), stdin=null, stdout=null, stderr=stderr, env=self.environment
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr:
                process.stderr.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the tool is called with: nothing of this machine."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home)}

    def used(self) -> int:
        """Uses of all activations."""
        return sum(int(one["used"]) for one in self.site.control.state()["activations"])


@contextlib.contextmanager
def desk(home: Path, variation: str = "") -> Iterator[Desk]:
    """A region with packages in its buckets, and a desk; with a healthy `variation` of the region."""
    with Region((), (variation,) if variation else ()) as region, Site(region) as site:
        site.publish("amd64")
        yield Desk(site, home)


@contextlib.contextmanager
def bare_host(at: Desk, suite: str = "bookworm", services: str = SERVICES) -> Iterator[Machine]:
    """A booted Debian with nothing of ECS, on the LAN."""
    with booted(suite, services) as machine:
        spec = at.admit(machine)
        try:
            yield machine
        finally:
            del at.machines[spec]
