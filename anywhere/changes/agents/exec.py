"""What ECS Exec needs of the host's trust: a copy of the CA bundle, kept the same as the host's own.

The binaries of ECS Exec are not installed: AWS publishes them without a signature (scripts/ecs-anywhere-install.sh unpacks
them unverified), and nothing is unpacked here that nobody vouches for.
"""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import ChangeFailed, Step
from anywhere.changes.files import file_step
from anywhere.hosts.base import Host

BUNDLE = "/var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem"
# In the order of the official installer.
CANDIDATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


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
