"""A company's CA: into the host's store by the distribution's own tool, and where an agent cannot see that store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from anywhere.catalogue.distros import family_of
from anywhere.changes.base import ChangeFailed, Command, Step
from anywhere.changes.files import file_step
from anywhere.facts.agents.components import ecs_build
from anywhere.facts.system.os_release import os_release
from anywhere.hosts.base import Host

# Seen by the agent's container at the same path. A folder adds to the bundle inside its image, a file would replace it
# (Go, crypto/x509/root_unix.go: SSL_CERT_DIR and SSL_CERT_FILE are two sources, each with a default of its own).
AGENT_FOLDER = "/etc/ecs/anywhere-ca"
_OURS = re.compile(r"anywhere-[0-9a-f]{12}\.(crt|pem)")


def needs_copy(host: Host) -> bool:
    """Whether the ECS agent of this host sees nothing of the host's store: the generic RPM build mounts none of it."""
    return ecs_build(host) == "generic-rpm"


def own_certificates(host: Host, folder: str) -> tuple[str, ...]:
    """The certificates of ours that lie in a folder."""
    try:
        names = host.listdir(folder)
    except OSError:
        return ()
    return tuple(f"{folder}/{name}" for name in names if _OURS.fullmatch(name))


def trust_steps(host: Host, certificates: tuple[str, ...]) -> Iterator[Step]:
    """Write each certificate to the folder of the distribution and let its tool rebuild the store."""
    if not certificates:
        return
    family = family_of(os_release(host))
    if family is None or not family.ca_folder:
        raise ChangeFailed("it is not known how this system takes a CA certificate: add it by hand")
    update = Command(family.ca_command, timeout=120)
    # Debian's and SUSE's tool leaves the links of a certificate that is gone, unless it starts afresh.
    fresh = ("-f",) if family.ca_command == ("update-ca-certificates",) else ()
    again = Command((*family.ca_command, *fresh), timeout=120)
    rebuild = f"rebuild the host's CA store: {' '.join(family.ca_command)}"
    steps: list[Step] = []
    for text in certificates:
        name = _name(text)
        path = f"{family.ca_folder}/{name}.crt"
        steps += file_step(host, path, text.encode(), f"write the CA certificate {path}")
    if steps:
        # The first undo runs last: then all of them are gone.
        steps[0] = replace(steps[0], undo=(again, *steps[0].undo))
        steps.append(Step("trust-store", rebuild, update))
    elif not _holds(host, family.ca_bundle, certificates):
        steps.append(Step("trust-store", rebuild, update, (update,), back="rebuild the host's CA store"))
    yield from steps
    if needs_copy(host):
        for text in certificates:
            path = f"{AGENT_FOLDER}/{_name(text)}.pem"
            yield from file_step(
                host, path, text.encode(), f"write {path}: the ECS agent here sees only its image's CAs"
            )


def _name(text: str) -> str:
    # Named by content, so that a renewed CA of the same name stands beside the old one.
    return f"anywhere-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _holds(host: Host, bundle: str, certificates: tuple[str, ...]) -> bool:
    try:
        joined = "".join(host.read(bundle).decode("ascii", "replace").split())
    except OSError:
        return False
    return all("".join(text.split()) in joined for text in certificates)
