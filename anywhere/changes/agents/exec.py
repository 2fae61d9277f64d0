"""What ECS Exec needs: a copy of the CA bundle, kept the same as the host's own, and binaries that somebody vouches for.

AWS publishes the binaries without a signature (scripts/ecs-anywhere-install.sh unpacks them unverified), and nothing is
unpacked here that nobody vouches for: the site signs them with a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import ChangeFailed, Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.install.packages import LocalPackage
from anywhere.changes.install.units import restart_step
from anywhere.changes.script import run_script
from anywhere.facts.system.exec_files import BIN as FOLDER
from anywhere.facts.system.exec_files import BUNDLE, exec_files
from anywhere.facts.system.units import ECS
from anywhere.hosts.base import Host

PACKAGE = "amazon-ssm-agent-binaries"
# In the order of the official installer.
CANDIDATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


_SCRIPT = Path(__file__).with_name("exec.sh")


def bundle_steps(host: Host, wanted: Wanted) -> Iterator[Step]:
    """The copy of the bundle: of --certs-file where one is named, else of the first that is there. Raises
    ChangeFailed for a named file that is no bundle."""
    for path in (wanted.certs_file,) if wanted.certs_file else CANDIDATES:
        try:
            content = host.read(path)
        except OSError as error:
            if wanted.certs_file:
                raise ChangeFailed(f"--certs-file {path}: cannot be read on the host: {error.strerror}") from None
            continue
        if b"-----BEGIN CERTIFICATE-----" not in content:
            if wanted.certs_file:
                raise ChangeFailed(f"--certs-file {path} holds no PEM certificate")
            continue
        title = f"copy {path} to {BUNDLE}, for ECS Exec"
        yield from file_step(host, BUNDLE, content, title, mode="0400")
        return


def has_binaries(host: Host) -> bool:
    """Whether a version of the binaries is there, and complete."""
    return any(not lacks for lacks in exec_files(host).versions.values())


def binaries_steps(host: Host, package: LocalPackage | None, running: bool | None) -> Iterator[Step]:
    """Unpack the verified binaries, where none are there yet; an agent that is `running` is started anew, and offers ECS
    Exec from then on."""
    if package is None or has_binaries(host):
        return
    do = Command(
        run_script(_SCRIPT, package.staged, FOLDER), timeout=120, shown=("tar", "-xzf", package.staged, "-C", FOLDER)
    )
    undo = Command(("rm", "-rf", "--", FOLDER))
    said = f"unpack the binaries of ECS Exec, {package.vouched or 'once they are verified'}"
    yield Step(f"exec:{FOLDER}", said, do, (undo,), "/var/lib/ecs", f"remove {FOLDER}")
    if running:
        yield restart_step(ECS, "it offers ECS Exec from now on", 300)
