"""ssh_config for one host, in the passes in which OpenSSH reads it (ssh.c, main), by asyncssh's handlers of the keywords.

asyncssh itself splits lines by shlex, reads everything anew where a criterion asks for a second pass, and fills tokens in
before all files are read."""

from __future__ import annotations

import getpass
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.config import ConfigParseError, SSHClientConfig

from anywhere.hosts.ssh.settings import keywords
from anywhere.hosts.ssh.settings.bound import config_text
from anywhere.hosts.ssh.settings.canonical import canonical
from anywhere.hosts.ssh.settings.own_addresses import own_addresses
from anywhere.hosts.ssh.settings.words import lines

USER_FOLDER, SYSTEM_FOLDER = "~/.ssh", "/etc/ssh"
NAME = "Hostname"
BLOCKS = ("host", "match")
EXPANDED = ("CertificateFile", "IdentityFile", "IdentityAgent", "ProxyCommand", "UserKnownHostsFile", "ControlPath")
# They are ours to follow: asyncssh would do it once more, with the connection open.
DONE = ("CanonicalizeHostname", "CanonicalDomains")
_limit = threading.local()


class Config(SSHClientConfig):
    """What holds for one host. `place` is the name that Host compares, `folder` where relative files of Include lie."""

    _handlers = keywords.handlers()
    _percent_expand = set()  # noqa: RUF012  # asyncssh's own: nothing is expanded before the end

    def __init__(self, last: Config | None, is_final: bool, user: str, place: str, name: str, port: int) -> None:
        who: Any = user or ()
        super().__init__(last, False, is_final, is_final, _local_user(), who, name, port or ())  # type: ignore[arg-type]
        self.place, self.folder, self.depth = place, "", 0
        self.loaded = True

    def _set_tokens(self) -> None:
        super()._set_tokens()
        alias, jump = self.get("HostKeyAlias"), self.get("ProxyJump")
        self._tokens |= {"k": str(alias or self._orig_host), "j": str(jump or "")}

    def _match_val(self, match: str) -> object:
        value = super()._match_val(match)
        return str(value).lower() if match in keywords.NAMES else value

    def parse(self, path: Path) -> None:
        """One file. Raises ConfigParseError, with the number of the line."""
        self._path, self._line_no, self._matching = path, 0, True
        for number, keyword, words in lines(config_text(str(path))):
            self._line_no = number
            if words is None:
                self._error("no closing quotation")
            if (self._matching or keyword in BLOCKS) and keyword in self._handlers:
                self._take(keyword, list(words))
        self._set_tokens()

    def _take(self, keyword: str, words: list[str]) -> None:
        option, handler = self._handlers[keyword]
        self._tokens = {"%": "%"}
        if not words:
            self._error(f"Missing {option} value")
        handler(self, option, words)
        if words:
            self._error(f"Extra data at end: {' '.join(words)}")

    def read(self, files: Sequence[str]) -> Config:
        """One pass over the files."""
        for path in files:
            self.folder = os.path.expanduser(SYSTEM_FOLDER if path.startswith(SYSTEM_FOLDER) else USER_FOLDER)
            self.parse(Path(path))
        return self

    @property
    def host(self) -> str:
        """The name or address to connect to; names are in small letters (ssh.c, lowercase)."""
        return str(self.get(NAME) or self._orig_host).lower()


def read(files: Sequence[str], host: str, user: str, port: int, seconds: float) -> Config:
    """The values of these files for a host, tokens filled in. Commands of Match have so many seconds in all.

    Raises ConfigParseError, OSError, TimeoutError.
    """
    _limit.until = time.monotonic() + seconds
    found = Config(None, False, user, host, host, port).read(files)
    wanted = found.get(DONE[0])
    if found.has_match_final() or wanted:
        name = canonical(found, found.host, seconds) if wanted else found.host
        found._options[NAME] = name
        found = Config(found, True, user, name, host, port).read(files)
    found._options[NAME] = found.host
    for option in DONE:
        found._options.pop(option, None)
    for option in EXPANDED:
        value = found.get(option)
        if isinstance(value, list):
            found._options[option] = [keywords.expanded(found, item) for item in value]
        elif value:
            found._options[option] = keywords.expanded(found, str(value))
    return found


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs under a number of its own
        raise ValueError("this computer has no name for its user: set LOGNAME to one") from None


def bound() -> None:
    """From now on asyncssh judges criteria of Match through here. May be called again."""
    vars(asyncssh.config)["_ifaddr_available"] = True
    vars(asyncssh.config)["_get_local_ips"] = own_addresses
    vars(asyncssh.config)["_exec"] = _exec


def _exec(command: str) -> bool:
    """Whether a command succeeds, run by the user's shell (readconf.c, execute_in_shell)."""
    argv = [os.environ.get("SHELL") or "/bin/sh", "-c", command]
    left = max(_limit.until - time.monotonic(), 0.1)
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=left, check=False)
    except subprocess.TimeoutExpired:
        raise ConfigParseError(f"`Match exec` did not end in time: {command}") from None
    return done.returncode == 0


def carrier(config: Config) -> Any:
    """Options of asyncssh that hold these values and nothing else."""
    options: Any = asyncssh.SSHClientConnectionOptions.__new__(asyncssh.SSHClientConnectionOptions)
    options.kwargs, options.config = {}, config
    return options
