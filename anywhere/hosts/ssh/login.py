"""Logging in: ssh_config, known_hosts, jump hosts, agent and keys as OpenSSH uses them; failures as HostUnreachable."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import asyncssh

from anywhere.hosts.ssh.connection import LIBRARY, LOOP, Connection
from anywhere.hosts.ssh.failures import CONNECT, HANDSHAKE, JUMP, LOOK_UP, PROXY, Attempt, explain
from anywhere.hosts.ssh.known_hosts import SYSTEM_FILES, USER_FILES, Client, KnownHosts
from anywhere.hosts.ssh.settings import bound, keywords
from anywhere.hosts.ssh.settings.key_files import KeyFiles, sorted_out
from anywhere.hosts.ssh.settings.keywords import expanded
from anywhere.hosts.ssh.settings.proxy_command import ProxyCommand
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.threads import within

bound.bound()
keywords.bound()
SSH_PORT = 22
CONFIGS = ("~/.ssh/config", "/etc/ssh/ssh_config")
# Cheapest first where ssh_config does not choose: a fleet pays for each handshake. All others stay on offer.
FIRST_KEX = (b"curve25519-sha256", b"curve25519-sha256@libssh.org")
FIRST_CIPHERS = (b"aes128-gcm@openssh.com", b"aes256-gcm@openssh.com")
# In OpenSSH's order, for hosts whose key is not known yet; the known ones are asked for the key that is known.
NEW_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521") + (
    "rsa-sha2-512",
    "rsa-sha2-256",
)


def login(target: SSHTarget, options: SSHOptions, seconds: float) -> Connection:
    """An authenticated connection. Raises HostUnreachable with what to do."""
    return _login(target, options, Attempt(seconds), ())


def _login(target: SSHTarget, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    """`chain` names the hosts that wait for this one."""
    try:
        settings, more = _settings(target, options, attempt)
        route = _route(settings, target, options, attempt, (*chain, target.host))
        attempt.step = PROXY if attempt.command else HANDSHAKE
        inner = LOOP.call(_handshake(target, settings, more | route), attempt.left())
        return _connection(inner, target, options)
    except (*LIBRARY, ValueError, KeyError) as error:
        failure = explain(error, target, options, attempt, "jump host " if chain else "")
        if attempt.command:
            attempt.command.end()
        raise failure from error


def _connection(inner: asyncssh.SSHClientConnection, target: SSHTarget, options: SSHOptions) -> Connection:
    owner: object = inner.get_owner()
    meter = owner.meter if isinstance(owner, Client) else None
    return Connection(inner, target.label, meter, target.by_hand(options))


async def _handshake(target: SSHTarget, settings: object, more: dict[str, object]) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(target.host, target.port or (), options=settings, **more)


def _settings(target: SSHTarget, options: SSHOptions, attempt: Attempt) -> tuple[Any, dict[str, object]]:
    """asyncssh's options for this host, ssh_config applied, and what is to be added to them."""
    files = [path for path in map(os.path.expanduser, options.config or CONFIGS) if os.access(path, os.R_OK)]
    if lines := (*target.lines, *options.lines):
        files.insert(0, bound.given(lines))
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
    keys = (target.identity,) if target.identity else options.identities
    chosen["client_keys"] = [os.path.expanduser(path) for path in keys]
    settings = _options(chosen, bool(keys), attempt)
    known = KnownHosts.of(options.known_hosts or _known_hosts(settings.config))
    alias = settings.host_key_alias or settings.host
    attempt.user = settings.username
    attempt.file = "" if known.files[0] == os.path.expanduser(USER_FILES[0]) else known.files[0]
    attempt.place = alias if settings.port == SSH_PORT else f"[{alias}]:{settings.port}"
    attempt.has_keys = bool(settings.client_keys) or os.path.exists(settings.agent_path or "")

    def client() -> Client:
        attempt.clients.append(Client(known, alias, options.accept_new, attempt.command))
        return attempt.clients[-1]

    more: dict[str, object] = {"known_hosts": known.parsed, "client_factory": client}
    if settings.config.get("KexAlgorithms") is None:
        more["kex_algs"] = _first(FIRST_KEX, settings.kex_algs)
    if options.accept_new and not settings.config.get("HostKeyAlgorithms") and not known.has(alias, "", settings.port):
        more["server_host_key_algs"] = list(NEW_KEYS)
    if settings.config.get("Ciphers") is None:
        more["encryption_algs"] = _first(FIRST_CIPHERS, settings.encryption_algs)
    return settings, more


def _options(chosen: dict[str, Any], has_key: bool, attempt: Attempt) -> Any:
    """asyncssh's options; of the key files that ssh_config names those that serve."""
    settings: Any = asyncssh.SSHClientConnectionOptions(**chosen)
    if settings.config.has_match_final():
        settings.update(reload=True, canonical=False, final=True)
    named = chosen["client_keys"] if has_key else settings.config.get("IdentityFile") or []
    files = sorted_out(list(dict.fromkeys(named)))
    attempt.notes = files.notes
    if named and not has_key:
        settings.update(client_keys=[*files.private, *files.locked], **_only(settings, files))
    return settings


def _only(settings: Any, files: KeyFiles) -> dict[str, object]:
    """With IdentitiesOnly, the keys of the agent that are offered."""
    if not settings.config.get("IdentitiesOnly"):
        return {}
    return {"agent_identities": [*files.private, *files.locked, *files.public]}


def _known_hosts(config: Any) -> tuple[str, ...]:
    """The user's files and the system's, tokens filled in (ssh_config(5), UserKnownHostsFile, GlobalKnownHostsFile)."""
    own, everyone = config.get("UserKnownHostsFile"), config.get("GlobalKnownHostsFile")
    own = USER_FILES if own is None else [expanded(config, path) for path in own]
    return (*own, *(SYSTEM_FILES if everyone is None else everyone))


def _first(wanted: tuple[bytes, ...], offered: Sequence[bytes]) -> list[str]:
    ordered = [name for name in wanted if name in offered] + [name for name in offered if name not in wanted]
    return [name.decode() for name in ordered]


def _route(
    settings: Any, target: SSHTarget, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]
) -> dict[str, object]:
    """How to get there: through jump hosts, by a proxy command, or straight."""
    hops = [parse_target(hop) for hop in expanded(settings.config, settings.tunnel or "").split(",") if hop]
    if hops and all(hop.host != target.host for hop in hops):
        if any(hop.host in chain for hop in hops):
            raise ValueError(f"ProxyJump goes in a circle: {' '.join(chain)}")
        return {"tunnel": _jump(tuple(hops), options, attempt, chain).inner}
    if (command := settings.config.get("ProxyCommand")) and os.name != "nt":
        attempt.command = ProxyCommand(command)
        return {"tunnel": None, "proxy_command": None, "sock": attempt.command.near}
    if command:
        return {"tunnel": None}
    return {"tunnel": None, "sock": _connect(settings, attempt)}


def _connect(settings: Any, attempt: Attempt) -> socket.socket:
    """A TCP connection to the first address that answers, from BindAddress where that is set."""
    attempt.step = LOOK_UP
    found = _addresses(settings.host, settings.port, settings.family, attempt)
    attempt.step = CONNECT
    failure = OSError("no address")
    for index, (kind, _, _, _, address) in enumerate(found):
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(attempt.left() / (len(found) - index))
            if settings.local_addr:
                sock.bind(settings.local_addr)
            sock.connect(address)
            sock.setblocking(False)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _addresses(host: str, port: int, family: int, attempt: Attempt) -> list[tuple[Any, ...]]:
    """A name is looked up aside: that cannot be interrupted."""
    ask: Any = partial(socket.getaddrinfo, host, port, family or 0, socket.SOCK_STREAM)
    with contextlib.suppress(socket.gaierror):
        return list(ask(flags=socket.AI_NUMERICHOST))
    return list(within(attempt.left(), ask))


# --- jump hosts --------------------------------------------------------------------------------------------------

Hops = tuple[SSHTarget, ...]
_jumps: dict[tuple[Hops, SSHOptions], Connection] = {}
_jump_locks: dict[tuple[Hops, SSHOptions], threading.Lock] = {}
_jumps_lock = threading.Lock()


def _jump(hops: Hops, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    """The connection to the last of these hops, one for the whole run."""
    key = (hops, options)
    with _jumps_lock:
        lock = _jump_locks.setdefault(key, threading.Lock())
    if not lock.acquire(timeout=attempt.left()):
        attempt.step = JUMP
        raise TimeoutError(JUMP)
    try:
        if key not in _jumps or _jumps[key].inner.is_closed():
            _jumps[key] = _open_jump(hops, options, attempt, chain)
        return _jumps[key]
    finally:
        lock.release()


def _open_jump(hops: Hops, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    *before, last = hops
    own = Attempt(attempt.left())  # its user and keys are not those of the host behind it
    plain = replace(options, lines=())  # ssh's own arguments are for the destination alone
    if not before:
        return _login(last, plain, own, chain)
    inner = _jump(tuple(before), options, attempt, chain).inner
    try:
        settings, more = _settings(last, plain, own)
        work = _handshake(last, settings, more | {"tunnel": inner})
        return _connection(LOOP.call(work, own.left()), last, options)
    except (*LIBRARY, ValueError) as error:
        raise explain(error, last, options, own, "jump host ") from error
