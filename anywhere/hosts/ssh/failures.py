"""Logins that failed: each kind in its own words, with what to do about it."""

from __future__ import annotations

import re
import shlex
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_public_key_algs

from anywhere.errors import HostUnreachable
from anywhere.held import hide
from anywhere.hosts.ssh.known_hosts import Client
from anywhere.hosts.ssh.settings.key_files import KeyFiles
from anywhere.hosts.ssh.settings.master import is_open
from anywhere.hosts.ssh.settings.proxy_command import ProxyCommand
from anywhere.hosts.target import SSHOptions, SSHTarget
from anywhere.printable import printable

LOOK_UP, CONNECT, JUMP, HANDSHAKE = "name look-up", "TCP connection", "jump host", "SSH handshake"
PROXY, SETTINGS = "ProxyCommand", "ssh_config"
# What a step that gets no answer calls for.
SILENT = {
    LOOK_UP: "Check the nameservers of this computer, or give HostName in ~/.ssh/config.",
    CONNECT: "Check the address, the route and the firewall, and that the host is up.",
    JUMP: "Log in to the jump host with ssh, and check that it is up.",
    HANDSHAKE: "The port accepts connections, so sshd or the host is slow: check its load, and UseDNS and PAM of its sshd.",
    SETTINGS: "Reading ~/.ssh/config takes as long as the login may: see its `Match exec` and KnownHostsCommand.",
    PROXY: "Nothing came through the ProxyCommand of ~/.ssh/config: run that command by hand, and see what it waits for.",
}
MOST_SAID = 400  # characters of a failure
TOO_MANY_KEYS = "Too many authentication failures"
BY_HOST = range(11, 15)  # reasons of a disconnect that the host's own rules have (RFC 4253, section 11.1)
MISMATCH = re.compile(r"No matching (.+?) found, sent .* and received (.*)", re.S)
NO_ALGORITHMS = ("kex-strict-", "ext-info-")  # extensions that are listed among algorithms (RFC 8308, section 2.1)
# By asyncssh's name: what it supports, and the keyword that allows more.
ALGORITHMS: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "key exchange algorithm": (get_kex_algs, "KexAlgorithms"),
    "encryption algorithm": (get_encryption_algs, "Ciphers"),
    "MAC algorithm": (get_mac_algs, "MACs"),
    "server host key algorithm": (get_public_key_algs, "HostKeyAlgorithms"),
}
START_SSHD = "Start sshd on the host, or give the port that it listens on: user@host:port."
# How a jump host's sshd says why it cannot connect (strerror, gai_strerror; OpenSSH channels.c).
FROM_JUMP = {
    "Connection refused": START_SSHD,
    "Name or service not known": "In ~/.ssh/config, give HostName a name or address that the jump host can resolve.",
}


@dataclass
class Attempt:
    """A login under way: what is being waited for (`step`), until when, and what a failure of it will be told with."""

    seconds: float
    step: str = CONNECT
    user: str = ""
    place: str = ""  # what known_hosts calls the host
    file: str = ""  # known_hosts, where it is not the usual one
    clients: list[Client] = field(default_factory=list)
    has_keys: bool = True
    notes: tuple[str, ...] = ()  # about key files that were not offered
    files: KeyFiles = KeyFiles()  # noqa: RUF009  # frozen
    command: ProxyCommand | None = None
    way: str = ""  # what `command` is where it is no ProxyCommand
    master: str = ""  # ControlPath
    allowed: Mapping[str, object] = field(default_factory=dict)  # algorithms that ssh_config chooses, by keyword
    _started: float = field(default_factory=time.monotonic)

    @property
    def where(self) -> str:
        """The step that failed, and after which time."""
        return f"({self.step}) after {time.monotonic() - self._started:.1f} s"

    def left(self) -> float:
        """Seconds left; TimeoutError when there are none."""
        left = self._started + self.seconds - time.monotonic()
        if left <= 0:
            raise TimeoutError(self.step)
        return left

    @property
    def methods(self) -> set[str]:
        """How the host would have let the user in, after what was offered."""
        return {method for client in self.clients[-1:] for method in client.methods}

    @property
    def mismatch(self) -> str:
        """What the host and we have not in common."""
        return "".join(client.mismatch() for client in self.clients[-1:])


def explain(
    error: Exception, target: SSHTarget, options: SSHOptions, attempt: Attempt, kind: str = ""
) -> HostUnreachable:
    """One line for a person, and what to do."""
    is_refusal = isinstance(error, asyncssh.PermissionDenied) or TOO_MANY_KEYS in str(error)
    text, remedy = _explain(error, target, options, attempt)
    said = f"{kind}{target.label}: {printable(hide(text))[:MOST_SAID]}"
    timed = isinstance(error, TimeoutError | asyncssh.ConnectionLost) and not is_refusal
    code = "host.permission" if is_refusal else "host.unreachable"
    return HostUnreachable(said, code=code, remedy=remedy, timed=timed)


def _explain(error: Exception, target: SSHTarget, options: SSHOptions, attempt: Attempt) -> tuple[str, str]:
    by_hand = f"`{target.by_hand(options)} true`"
    match error:
        case asyncssh.PermissionDenied():
            return _beside_master(attempt, by_hand) if is_open(attempt.master) else _refused(attempt, by_hand)
        case asyncssh.HostKeyNotVerifiable():
            return _host_key(error.reason, attempt)
        case asyncssh.KeyExchangeFailed():
            return _no_algorithm(error.reason, target, attempt)
        case asyncssh.DisconnectError() | ConnectionError() | AssertionError() if reason := attempt.mismatch:
            return _no_algorithm(reason, target, attempt)
        case asyncssh.ConfigParseError() | asyncssh.KeyImportError():
            named = "the file of --ssh-key or --ssh-config" if options.identities or options.config else "~/.ssh/config"
            return str(error), f"Correct {named}, or the key file that it names."
        case asyncssh.ChannelOpenError():
            return _jump(error)
        case TimeoutError():
            return f"no answer within {attempt.seconds:.0f} s ({attempt.step})", SILENT[attempt.step]
        case socket.gaierror():
            return (
                f"this computer cannot resolve the host name {target.host}: {error.strerror}",
                "Correct the host name, or give HostName for it in ~/.ssh/config.",
            )
        case ConnectionRefusedError():
            return f"connection refused {attempt.where}", START_SSHD
        case OSError() if not isinstance(error, ConnectionResetError | BrokenPipeError):
            if error.filename:
                return (
                    f"{error.filename}: {error.strerror}",
                    "Name another file, or remove this one from the SSH settings.",
                )
            return f"{error.strerror or error} {attempt.where}", "Check the address, the route and the firewall."
    return _ended(error, attempt, by_hand)


def _ended(error: Exception, attempt: Attempt, by_hand: str) -> tuple[str, str]:
    """The far side, or what leads there, ended the connection."""
    if attempt.command and (said := attempt.command.failure()):
        if attempt.way:
            return (
                f"{attempt.way} did not carry it: {said}",
                f"Check the route from the jump host; {by_hand} goes the same way.",
            )
        return f"its ProxyCommand ended ({said})", f"Correct ProxyCommand in ~/.ssh/config; {by_hand} runs it too."
    if isinstance(error, asyncssh.DisconnectError) and TOO_MANY_KEYS in error.reason:
        return (
            "login refused: the host allows fewer keys than were offered before the right one (MaxAuthTries)",
            "Name the one key: IdentityFile and `IdentitiesOnly yes` for this host in ~/.ssh/config.",
        )
    if isinstance(error, asyncssh.ConnectionLost | ConnectionResetError | BrokenPipeError | AssertionError):
        said = f"the connection was closed {attempt.where}"
        return (
            said,
            "Read the log of sshd on the host (MaxStartups, AllowUsers, a ban), and check that the port is sshd's.",
        )
    if isinstance(error, asyncssh.DisconnectError) and error.code in BY_HOST:
        return f"the host ended the login: {error.reason[:200]} {attempt.where}", "Read the log of sshd on the host."
    if isinstance(error, asyncssh.DisconnectError):
        said = f"no SSH server answers: {error.reason[:200]} {attempt.where}"
        return said, "Check the port, what listens on it, and the log of sshd."
    return str(error), "Correct the SSH settings of this host in ~/.ssh/config."


def _refused(attempt: Attempt, by_hand: str) -> tuple[str, str]:
    """What the host would still have asked for tells why it refused."""
    user, methods = attempt.user or "the user", attempt.methods
    works = f"{by_hand} must log in without a prompt."
    if "publickey" not in methods and "keyboard-interactive" in methods:
        return (
            f"login refused: the host also asks {user} for a code or a password (keyboard-interactive)",
            "Let this account log in by its key alone (sshd_config: AuthenticationMethods publickey), or run anywhere on "
            f"the host: {works}",
        )
    if "publickey" not in methods and "password" in methods:
        return (
            f"login refused: for {user} the host takes a password, and no key",
            f"Allow keys in its sshd_config (PubkeyAuthentication yes), and add one for {user}: {works}",
        )
    if not methods:
        return (
            f"login refused: no method is left by which {user} could log in without a person",
            "Check PreferredAuthentications and PubkeyAuthentication in ~/.ssh/config, and AuthenticationMethods in the "
            f"sshd_config of the host: {works}",
        )
    notes = f" ({', '.join(attempt.notes)})" if attempt.notes else ""
    if not attempt.has_keys:
        return (
            f"login refused: this computer has no key to log in with as {user}{notes}",
            f"Load the key into the agent (ssh-add) or name it with --ssh-key: {works}",
        )
    return (
        f"login refused: the host accepts none of the keys offered for {user}{notes}",
        f"Load the key into the agent (ssh-add) or name it with --ssh-key, check that authorized_keys of {user} holds it, and "
        f"that sshd_config on the host lets {user} in (AllowUsers, PermitRootLogin): {works}",
    )


def _beside_master(attempt: Attempt, by_hand: str) -> tuple[str, str]:
    """`ssh` gets in all the same: it uses a connection that is open."""
    text, remedy = _refused(attempt, by_hand.replace("`ssh ", "`ssh -o ControlPath=none ", 1))
    return f"{text}; only ssh can use the connection that it has open ({attempt.master})", remedy


def _no_algorithm(reason: str, target: SSHTarget, attempt: Attempt) -> tuple[str, str]:
    found = MISMATCH.fullmatch(reason)
    if not found:
        return f"no common algorithm: {reason}", "Allow one in the host's sshd_config or in ~/.ssh/config."
    kind, offered = found[1], [name for name in found[2].split(",") if not name.startswith(NO_ALGORITHMS)]
    known, keyword = ALGORITHMS.get(kind, (list, ""))
    ours = {name.decode() for name in known()}
    text = f"no common {kind}: the host offers only {', '.join(offered)}"
    if usable := [name for name in offered if name in ours]:
        allow = f"write in ~/.ssh/config: `Host {target.host}`, `{keyword} +{usable[0]}`."
        if chosen := attempt.allowed.get(keyword):
            return (
                f"no common {kind}: ~/.ssh/config has `{keyword} {chosen}`, and none of these can be used here",
                allow[0].upper() + allow[1:],
            )
        return text, f"Update sshd on the host, or {allow}"
    return (
        text,
        f"Allow another one in the sshd_config of the host ({keyword or 'its algorithms'}), or update sshd on the host.",
    )


def _jump(error: asyncssh.ChannelOpenError) -> tuple[str, str]:
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return (
            "the jump host does not allow connections to this host",
            "Allow forwarding in the sshd_config of the jump host (AllowTcpForwarding yes, PermitOpen).",
        )
    remedy = FROM_JUMP.get(error.reason, "Check the route from the jump host to this host.")
    return f"the jump host cannot reach this host: {error.reason}", remedy


def _host_key(reason: str, attempt: Attempt) -> tuple[str, str]:
    if reason.startswith("unknown"):
        return (
            "its host key is not in known_hosts",
            "Compare the key and connect once with ssh, or accept the keys of new hosts with --ssh-accept-new.",
        )
    if reason.startswith("changed"):
        file = f" -f {shlex.quote(attempt.file)}" if attempt.file else ""
        return (
            "its host key is not the one in known_hosts",
            f"If the host was rebuilt, remove its old key: `ssh-keygen{file} -R '{attempt.place}'`.",
        )
    if "revoked" in reason:
        return (
            "its host key is revoked in known_hosts (@revoked) or by RevokedHostKeys of ssh_config",
            "Give the host a new key; do not log in to it before.",
        )
    return f"its host key is not accepted: {reason}", "Correct its entry in known_hosts."
