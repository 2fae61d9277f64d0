"""Host keys that ssh_config names beside the known_hosts files: KnownHostsCommand and RevokedHostKeys (ssh_config(5))."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

from asyncssh.config import ConfigParseError

from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import Limit
from anywhere.hosts.reading import read_file
from anywhere.hosts.ssh.settings.words import words

FILE, SECONDS = Limit("RevokedHostKeys", 16 << 20), 5.0
KRL = b"SSHKRL\n\0"  # PROTOCOL.krl
# As OpenSSH asks before it has seen a key (sshconnect.c, load_hostkeys_command).
BEFORE = {"I": "ORDER", "t": "NONE", "f": "NONE", "K": "NONE"}


def more_lines(config: Any, name: str, seconds: float) -> str:
    """Lines of known_hosts for this host. Raises OSError, ConfigParseError: a list of revoked keys that cannot be read lets
    no host in."""
    return "\n".join([*_revoked(config.get("RevokedHostKeys")), _by_command(config, name, seconds)]).strip()


def _revoked(path: str | None) -> Iterator[str]:
    if not path:
        return
    data = read_file(os.path.expanduser(path), FILE, Deadline(SECONDS))
    if data.startswith(KRL):
        raise ConfigParseError(
            f"RevokedHostKeys {path} is a KRL, which cannot be read here: name a list of public keys"
        )
    for line in data.decode("utf-8", "replace").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"@revoked * {line.strip()}"


def _by_command(config: Any, name: str, seconds: float) -> str:
    """What KnownHostsCommand prints, run without a shell; what it does not tell is not known."""
    argv = [_filled(config, word, name) for word in words(config.get("KnownHostsCommand") or "") or ()]
    if not argv:
        return ""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except OSError as error:
        raise ConfigParseError(f"KnownHostsCommand {argv[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ConfigParseError(f"KnownHostsCommand {argv[0]} did not end in time") from None
    return done.stdout[: FILE.size].decode("utf-8", "replace")


def _filled(config: Any, word: str, name: str) -> str:
    config._set_tokens()
    config._tokens |= BEFORE | {"H": name}
    return str(config._expand_val(word))
