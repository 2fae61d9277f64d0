"""Logging in: ssh_config, known_hosts, jump hosts, agent and keys as OpenSSH uses them; failures as HostUnreachable."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncssh

from anywhere.errors import HostUnreachable
from anywhere.held import hide
from anywhere.hosts.ssh.connection import LIBRARY, LOOP, Connection
from anywhere.hosts.ssh.key_files import bound
from anywhere.hosts.ssh.known_hosts import Client, KnownHosts
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.printable import printable
from anywhere.threads import within

bound()
CONFIGS = ("~/.ssh/config", "/etc/ssh/ssh_config")
# Cheapest first where ssh_config does not choose: a fleet pays for each handshake. All others stay on offer.
FIRST_KEX = (b"curve25519-sha256", b"curve25519-sha256@libssh.org")
FIRST_CIPHERS = (b"aes128-gcm@openssh.com", b"aes256-gcm@openssh.com")
# In OpenSSH's order, for hosts whose key is not known yet; the known ones are asked for the key that is known.
NEW_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521") + (
    "rsa-sha2-512",
    "rsa-sha2-256",
)


LOOK_UP, CONNECT, JUMP, HANDSHAKE = "name look-up", "TCP connection", "jump host", "SSH handshake"
# What a step that gets no answer calls for.
SILENT = {
    LOOK_UP: "check the nameservers of this computer, or give HostName in ~/.ssh/config",
    CONNECT: "check the address, the route, the firewall, and whether the host is up",
    JUMP: "check the jump host",
    HANDSHAKE: "the port accepts connections, so sshd or the host is slow: check its load, and UseDNS and PAM of its sshd",
}


MOST_SAID = 400  # characters of a failure


class Patience:
    """The end of a login, and what is being waited for (`step`)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.step = CONNECT
        self._started = time.monotonic()

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


def login(target: SSHTarget, options: SSHOptions, seconds: float) -> Connection:
    """An authenticated connection. Raises HostUnreachable with what to do."""
    return _login(target, options, Patience(seconds), ())


def _login(target: SSHTarget, options: SSHOptions, patience: Patience, chain: tuple[str, ...]) -> Connection:
    """`chain` names the hosts that wait for this one."""
    try:
        settings, more = _settings(target, options)
        route = _route(settings, target, options, patience, (*chain, target.host))
        patience.step = HANDSHAKE
        return _connection(LOOP.call(_handshake(target, settings, more | route), patience.left()), target.label)
    except (*LIBRARY, ValueError, KeyError) as error:
        raise explain(error, target, options, patience, "jump host " if chain else "") from error


def _connection(inner: asyncssh.SSHClientConnection, name: str) -> Connection:
    owner: object = inner.get_owner()
    return Connection(inner, name, owner.meter if isinstance(owner, Client) else None)


async def _handshake(target: SSHTarget, settings: object, more: dict[str, object]) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(target.host, target.port or (), options=settings, **more)


def _settings(target: SSHTarget, options: SSHOptions) -> tuple[Any, dict[str, object]]:
    """asyncssh's options for this host, ssh_config applied, and what is to be added to them."""
    files = [path for path in map(os.path.expanduser, options.config or CONFIGS) if os.access(path, os.R_OK)]
    chosen: dict[str, object] = {
        "host": target.host,
        "config": files,
        "ignore_encrypted": True,
        "keepalive_interval": 0,
    }
    if target.user:
        chosen["username"] = target.user
    if target.port:
        chosen["port"] = target.port
    if keys := (target.identity,) if target.identity else options.identities:
        chosen["client_keys"] = [os.path.expanduser(path) for path in keys]
    settings: Any = asyncssh.SSHClientConnectionOptions(**chosen)
    files_of_hosts = settings.known_hosts  # names of files, for we gave none
    known = KnownHosts.of(options.known_hosts or files_of_hosts or ())
    alias = settings.host_key_alias or settings.host
    more: dict[str, object] = {
        "known_hosts": known.parsed,
        "client_factory": lambda: Client(known, alias, options.accept_new),
    }
    if settings.config.get("KexAlgorithms") is None:
        more["kex_algs"] = _first(FIRST_KEX, settings.kex_algs)
    if options.accept_new and not settings.config.get("HostKeyAlgorithms") and not known.has(alias, "", settings.port):
        more["server_host_key_algs"] = list(NEW_KEYS)
    if settings.config.get("Ciphers") is None:
        more["encryption_algs"] = _first(FIRST_CIPHERS, settings.encryption_algs)
    return settings, more


def _first(wanted: tuple[bytes, ...], offered: Sequence[bytes]) -> list[str]:
    ordered = [name for name in wanted if name in offered] + [name for name in offered if name not in wanted]
    return [name.decode() for name in ordered]


def _route(
    settings: Any, target: SSHTarget, options: SSHOptions, patience: Patience, chain: tuple[str, ...]
) -> dict[str, object]:
    """How to get there: through jump hosts, by a proxy command, or straight."""
    hops = [parse_target(hop) for hop in (settings.tunnel or "").split(",") if hop]
    if hops and all(hop.host != target.host for hop in hops):
        if any(hop.host in chain for hop in hops):
            raise ValueError(f"ProxyJump goes in a circle: {' '.join(chain)}")
        return {"tunnel": _jump(tuple(hops), options, patience, chain).inner}
    if settings.proxy_command:
        return {"tunnel": None}
    return {"tunnel": None, "sock": _connect(settings.host, settings.port, settings.family, patience)}


def _connect(host: str, port: int, family: int, patience: Patience) -> socket.socket:
    """A TCP connection to the first address that answers."""
    patience.step = LOOK_UP
    found = _addresses(host, port, family, patience)
    patience.step = CONNECT
    failure = OSError("no address")
    for index, (kind, _, _, _, address) in enumerate(found):
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(patience.left() / (len(found) - index))
            sock.connect(address)
            sock.setblocking(False)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _addresses(host: str, port: int, family: int, patience: Patience) -> list[tuple[Any, ...]]:
    """A name is looked up aside: that cannot be interrupted."""
    ask: Any = partial(socket.getaddrinfo, host, port, family or 0, socket.SOCK_STREAM)
    with contextlib.suppress(socket.gaierror):
        return list(ask(flags=socket.AI_NUMERICHOST))
    return list(within(patience.left(), ask))


# --- jump hosts --------------------------------------------------------------------------------------------------

Hops = tuple[SSHTarget, ...]
_jumps: dict[tuple[Hops, SSHOptions], Connection] = {}
_jump_locks: dict[tuple[Hops, SSHOptions], threading.Lock] = {}
_jumps_lock = threading.Lock()


def _jump(hops: Hops, options: SSHOptions, patience: Patience, chain: tuple[str, ...]) -> Connection:
    """The connection to the last of these hops, one for the whole run."""
    key = (hops, options)
    with _jumps_lock:
        lock = _jump_locks.setdefault(key, threading.Lock())
    if not lock.acquire(timeout=patience.left()):
        patience.step = JUMP
        raise TimeoutError(JUMP)
    try:
        if key not in _jumps or _jumps[key].inner.is_closed():
            _jumps[key] = _open_jump(hops, options, patience, chain)
        return _jumps[key]
    finally:
        lock.release()


def _open_jump(hops: Hops, options: SSHOptions, patience: Patience, chain: tuple[str, ...]) -> Connection:
    *before, last = hops
    if not before:
        return _login(last, options, patience, chain)
    inner = _jump(tuple(before), options, patience, chain).inner
    try:
        settings, more = _settings(last, options)
        work = _handshake(last, settings, more | {"tunnel": inner})
        return _connection(LOOP.call(work, patience.left()), last.label)
    except (*LIBRARY, ValueError) as error:
        raise explain(error, last, options, patience, "jump host ") from error


# --- failures ----------------------------------------------------------------------------------------------------


def explain(
    error: Exception, target: SSHTarget, options: SSHOptions, patience: Patience, kind: str = ""
) -> HostUnreachable:
    """One line for a person, and what to do."""
    code = "host.permission" if isinstance(error, asyncssh.PermissionDenied) else "host.unreachable"
    text, remedy = _explain(error, target, options, patience)
    said = f"{kind}{target.label}: {printable(hide(text))[:MOST_SAID]}"
    timed = isinstance(error, TimeoutError | asyncssh.ConnectionLost)
    return HostUnreachable(said, code=code, remedy=remedy, timed=timed)


def _explain(error: Exception, target: SSHTarget, options: SSHOptions, patience: Patience) -> tuple[str, str]:
    match error:
        case asyncssh.PermissionDenied():
            keys = "load the key into the agent (ssh-add) or name it with --ssh-key"
            return f"login refused: {error.reason}", f"{keys}; `ssh {target} true` must work without a question"
        case asyncssh.HostKeyNotVerifiable():
            return _host_key(error.reason, target, options)
        case asyncssh.KeyExchangeFailed():
            return f"no common algorithm: {error.reason}", "allow one in the host's sshd_config or in ~/.ssh/config"
        case asyncssh.ConfigParseError() | asyncssh.KeyImportError():
            named = "the file of --ssh-key or --ssh-config" if options.identities or options.config else "~/.ssh/config"
            return str(error), f"fix {named}, or the key file that it names"
        case asyncssh.ConnectionLost() | ConnectionResetError() | BrokenPipeError() | AssertionError():
            said = f"the connection was closed {patience.where}"
            return said, "see the log of sshd there (MaxStartups, AllowUsers, a ban), and whether that port is sshd's"
        case asyncssh.DisconnectError():
            return (
                f"no SSH there: {error.reason[:200]} {patience.where}",
                "check the port, what listens on it, and sshd's own log",
            )
        case asyncssh.ChannelOpenError():
            return f"the jump host cannot reach it: {error.reason}", "check the route from the jump host"
        case TimeoutError():
            return f"no answer within {patience.seconds:.0f} s ({patience.step})", SILENT[patience.step]
        case socket.gaierror():
            return f"the name is not known here: {error.strerror}", "check it, or give HostName in ~/.ssh/config"
        case ConnectionRefusedError():
            return f"connection refused {patience.where}", "start sshd there, or name its port: user@host:port"
        case OSError():
            if error.filename:
                return f"{error.filename}: {error.strerror}", "name another file, or remove it from the settings"
            return f"{error.strerror or error} {patience.where}", "check the address, the route and the firewall"
    return str(error), "fix the SSH settings of this host in ~/.ssh/config"


def _host_key(reason: str, target: SSHTarget, options: SSHOptions) -> tuple[str, str]:
    if reason.startswith("unknown"):
        return (
            "its host key is not in known_hosts",
            "compare the key and connect once with ssh, or take the keys of new hosts with --ssh-accept-new",
        )
    place = f"[{target.host}]:{target.port}" if target.port else target.host
    if reason.startswith("changed"):
        return "its host key is not the one in known_hosts", f"if the host was rebuilt: ssh-keygen -R '{place}'"
    if "revoked" in reason:
        return (
            "its host key is revoked in known_hosts (@revoked)",
            "give the host a new key; do not log in to it before",
        )
    return f"its host key is not accepted: {reason}", "see known_hosts"
