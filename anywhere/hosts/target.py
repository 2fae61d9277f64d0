"""Where to log in, as people write it, and how."""

from __future__ import annotations

import re
import shlex
from dataclasses import field

from anywhere.errors import BadInput
from anywhere.frozen import frozen

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?")
# As OpenSSH (ssh.c, valid_ruser), and none that a shell would run: users of Active Directory have spaces and backslashes.
_USER = re.compile(r"(?!-)(?:[^\x00-\x1f\x7f:'\"`$;&|<>(){}\\-]|\\(?!$)|(?<! )-)+")


@frozen
class SSHTarget:
    """A host to log in to. `user` empty and `port` 0 leave the choice to ssh_config. `name` is what reports call it,
    `identity` the file of its own key, `lines` of ssh_config come before those of the files."""

    host: str
    user: str = ""
    port: int = 0
    name: str = ""
    identity: str = ""
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return user + host + (f":{self.port}" if self.port else "")

    @property
    def label(self) -> str:
        """The name in reports: the inventory's own, else `[user@]host[:port]`."""
        return self.name or str(self)

    def by_hand(self, options: SSHOptions) -> str:
        """The command by which a person logs in there; `host:port` is none to ssh."""
        config = ["-F", options.config[0]] if options.config else []
        keys = (self.identity,) if self.identity else options.identities
        port = ["-p", str(self.port)] if self.port else []
        user = f"{self.user}@" if self.user else ""
        given = as_words((*self.lines, *options.lines))
        named = [word for key in keys for word in ("-i", key)]
        return shlex.join(["ssh", *config, *given, *named, *port, user + self.host])


def as_words(lines: tuple[str, ...]) -> list[str]:
    """Lines of ssh_config as arguments to show. A command that may hold a password (`sshpass -p`) is left out."""
    shown = [line for line in lines if not (_COMMAND.match(line) and _SECRET.search(line))]
    return [word for line in shown for word in ("-o", line.replace(" ", "=", 1))]


_COMMAND = re.compile(r"(?:Proxy|Local|KnownHosts|Remote)Command ", re.I)
_SECRET = re.compile(r"pass|secret|token|auth|[^\s/:@]+:[^\s/@]+@", re.I)


@frozen
class SSHOptions:
    """How to log in, for all hosts of a run.

    `config` lists ssh_config files (None: the user's and the system's); `lines` come before them, behind a host's own. Host
    keys are checked against known_hosts; `accept_new` also takes, and stores, the key of a host that has no entry yet, never
    a changed one. `become` is whether to ask sudo for root's rights, without a password unless `become_password` is given.
    `connect_timeout` is in seconds, up to the end of authentication.
    """

    accept_new: bool = False
    identities: tuple[str, ...] = ()
    config: tuple[str, ...] | None = None
    lines: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    become: bool = True
    become_password: str = field(default="", repr=False)
    connect_timeout: float = 10.0


def parse_target(text: str, name: str = "") -> SSHTarget:
    """`[user@]host[:port]`, an IPv6 address in brackets where a port follows. Raises BadInput."""
    rest = text.strip().removeprefix("ssh://").rstrip("/")
    user, mark, place = rest.rpartition("@")
    if ":" in user:
        raise BadInput(f"'{user.partition(':')[0][:40]}:***@{place[:80]}' holds a password: use a key or the agent")
    host, port = _split(place)
    good_host = _HOST.fullmatch(host) or (":" in host and _ADDRESS.fullmatch(host))
    if not good_host or (mark and not _USER.fullmatch(user)) or user.startswith("-") or host.startswith("-"):
        raise BadInput(f"{text[:80]!r} is no host: write local, [user@]host[:port] or the path of a bundle")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise BadInput(f"{text[:80]!r}: the port must be 1 to 65535")
    return SSHTarget(host, user, int(port or 0), name)


def _split(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        return host if closed else "", rest[1:] if rest.startswith(":") else rest
    if place.count(":") > 1:
        return place, ""
    host, _, port = place.partition(":")
    return host, port
