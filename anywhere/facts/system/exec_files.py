"""What ECS Exec needs on the host, as the ECS agent looks for it: programs of one version, and certificates.

Source: amazon-ecs-agent agent/app/agent_capability.go (appendExecCapabilities), agent_capability_unix.go.
"""

from __future__ import annotations

import re

from anywhere.facts.files import list_folder
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

ROOT = "/var/lib/ecs/deps/execute-command"
BIN, CERTS = f"{ROOT}/bin", f"{ROOT}/certs"  # docker makes a third folder, `config`, when the agent starts
NAME = "tls-ca-bundle.pem"
BUNDLE = f"{CERTS}/{NAME}"
PROGRAMS = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker")
_VERSION = re.compile(r"\d+(\.\d+)*")  # other folders are not looked at

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = (BIN, CERTS)


@frozen
class ExecFiles:
    """`versions` are the folders of programs, with what each lacks; `lacking` what else the agent does not find. `seen`
    is False where the folders may not be listed."""

    versions: dict[str, tuple[str, ...]]
    lacking: tuple[str, ...]
    seen: bool = True

    @property
    def is_offered(self) -> bool:
        """Whether the agent offers ECS Exec when it starts now."""
        return not self.lacking and any(not lacks for lacks in self.versions.values())

    @property
    def keeps_agent_out(self) -> bool:
        """Whether the agent ends at its next start, without a word: versions are there, and none is complete."""
        return not self.lacking and bool(self.versions) and not self.is_offered


def exec_files(host: Host) -> ExecFiles:
    """What is there."""
    names, certs = list_folder(host, BIN), list_folder(host, CERTS)
    if names is None or certs is None:
        return ExecFiles({}, (), seen=False)
    versions = {}
    for name in names:
        if _VERSION.fullmatch(name):
            inside = list_folder(host, f"{BIN}/{name}") or ()
            versions[name] = tuple(program for program in PROGRAMS if program not in inside)
    missing = {f"{BIN}/VERSION": bool(versions), BUNDLE: NAME in certs}
    return ExecFiles(versions, tuple(path for path, there in missing.items() if not there))
